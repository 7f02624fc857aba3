#pragma once

#include "search/tree/evaluation.h"
#include "search/tree/pattern.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Where words stand to each other: each source says at which positions of a document's text it is,
/// as intervals none of which contains another.
namespace kumo::search::tree {

struct IntervalSource;
using IntervalPtr = std::shared_ptr<const IntervalSource>;

/// How a source's intervals have to lie to those of another.
enum class IntervalFilter : std::uint8_t {
    kAfter,
    kBefore,
    kContainedBy,
    kContaining,
    kNotContainedBy,
    kNotContaining,
    kNotOverlapping,
    kOverlapping,
};

struct IntervalSource {
    enum class Kind : std::uint8_t {
        kTerms,      ///< Any of them.
        kPattern,    ///< Any term that looks so.
        kFuzzy,      ///< Any term so near.
        kOrdered,    ///< All children, each behind the one before.
        kUnordered,  ///< All children.
        kAny,        ///< Any of the children.
        kFiltered,   ///< The first child, if it lies so to the second.
        kFirst,      ///< The child, if it ends in the first `max_gaps` positions.
    };

    Kind kind = Kind::kTerms;
    std::vector<std::string> terms{};
    PatternPtr pattern{};
    std::string text{};  ///< Of fuzzy ones.
    std::uint32_t edits = 0;
    std::uint32_t prefix_points = 0;
    bool swaps = true;
    std::vector<IntervalPtr> children{};
    /// Of what has several children: positions between them that are none of theirs, at most.
    std::optional<std::uint32_t> max_gaps{};
    bool overlaps = true;  ///< Of kUnordered: children may lie in each other.
    IntervalFilter filter = IntervalFilter::kContaining;
    std::uint32_t before = 0;  ///< kNotOverlapping: so many positions more are in the way.
    std::uint32_t after = 0;
};

/// Terms that a pattern or a fuzzy source stands for, at most.
inline constexpr std::size_t kIntervalTermsMax = 1024;

/// Documents of a field of text that have an interval of the source. Their score grows with the
/// number of intervals, and the more the shorter they are, towards 1; with `bm25` it is that of a
/// phrase.
std::shared_ptr<const Node> intervals(std::size_t field, IntervalPtr source, bool bm25 = false);

}  // namespace kumo::search::tree
