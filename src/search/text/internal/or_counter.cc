#include "search/text/internal/segment_query.h"

#include <algorithm>

namespace kumo::search {
namespace {

/// With two terms, intersecting costs as much as the smaller one; a bitset as much as both.
constexpr std::uint32_t kUnlikeSizes = 4;

void set_bits(PostingsCursor& cursor, std::uint64_t* words) {
    for (std::uint32_t block = 0; block < cursor.view().blocks; ++block) {
        cursor.set_block(block);
        if (cursor.is_bitset()) {
            std::uint64_t* out = words + cursor.bitset_base() / 64;
            for (std::uint32_t w = 0, n = cursor.bitset_words(); w < n; ++w) {
                out[w] |= cursor.bitset_word(w);
            }
            continue;
        }
        cursor.load_docs();
        const DocId* docs = cursor.docs();
        for (std::uint32_t i = 0; i < cursor.size(); ++i) {
            words[docs[i] / 64] |= std::uint64_t{1} << (docs[i] % 64);
        }
    }
}

}  // namespace

std::uint64_t OrCounter::count(const SegmentQuery& query) {
    const auto& terms = query.terms;
    if (query.allows_all() && terms.size() == 1) {
        return terms[0]->df();
    }
    if (query.allows_all() && terms.size() == 2) {
        const std::uint64_t a = terms[0]->df();
        const std::uint64_t b = terms[1]->df();
        if (std::min(a, b) * kUnlikeSizes < std::max(a, b)) {
            return a + b - and_ranker_.all_of(query, nullptr, true);
        }
    }
    const std::uint64_t size = (std::uint64_t{query.doc_limit} + 63) / 64;
    words_.assign(size, 0);
    find(query, words_.data());
    return query.kernels->count_bits(words_.data(), size);
}

void OrCounter::find(const SegmentQuery& query, std::uint64_t* words) {
    for (TermScorer* term : query.terms) {
        set_bits(term->cursor(), words);
    }
    const std::uint64_t size = (std::uint64_t{query.doc_limit} + 63) / 64;
    for (std::uint64_t i = 0; query.filter != nullptr && i < size; ++i) {
        words[i] &= query.filter[i];
    }
    remove_docs(query.deleted, words, size);
}

}  // namespace kumo::search
