#include "search/text/internal/segment_query.h"

#include <algorithm>

namespace kumo::search {
namespace {

/// Lists of which the longest is at most so many times the shortest are like each other: then
/// intersecting them list by list costs more than going through all of them.
constexpr std::uint64_t kLikeSizes = 8;

/// Documents of the index per document of the shortest list: above it, the words are too many.
constexpr std::uint64_t kDocsPerPosting = 64;

}  // namespace

bool AndCounter::pays(const SegmentQuery& query) {
    std::uint64_t least = UINT64_MAX;
    std::uint64_t most = 0;
    for (const TermScorer* term : query.terms) {
        least = std::min<std::uint64_t>(least, term->df());
        most = std::max<std::uint64_t>(most, term->df());
    }
    return least * kLikeSizes >= most && least * kDocsPerPosting >= query.doc_limit;
}

std::uint64_t AndCounter::count(const SegmentQuery& query) {
    const std::uint64_t size = (std::uint64_t{query.doc_limit} + 63) / 64;
    words_.assign(size, 0);
    query.terms[0]->cursor().set_bits(words_.data());
    for (std::size_t t = 1; t < query.terms.size(); ++t) {
        other_.assign(size, 0);
        query.terms[t]->cursor().set_bits(other_.data());
        for (std::uint64_t i = 0; i < size; ++i) {
            words_[i] &= other_[i];
        }
    }
    query.restrict(words_.data());
    return query.kernels->count_bits(words_.data(), size);
}

}  // namespace kumo::search
