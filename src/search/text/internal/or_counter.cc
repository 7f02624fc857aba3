#include "search/text/internal/segment_query.h"

#include <algorithm>

namespace kumo::search {
namespace {

/// With two terms, intersecting costs as much as the smaller one; a bitset as much as both.
constexpr std::uint32_t kUnlikeSizes = 4;

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
        term->cursor().set_bits(words);
    }
    query.restrict(words);
}

}  // namespace kumo::search
