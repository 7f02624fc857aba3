#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

/// The inner loop of filters by a range, for several instruction sets, chosen once at run time. All
/// sets compute the same; the tests compare them.
namespace kumo::search {

/// Codes of a column with one value a document, little-endian, `width` (1, 2, 4 or 8) bytes each.
struct RangeMatchInput {
    const char* codes;
    std::uint32_t width;
    std::size_t count;
    std::uint64_t low;
    std::uint64_t span;  ///< Matching: code - low <= span, without a sign.
};

/// Sets bit i of `words` if code i matches; sets none back. Bits past `count` stay as they are.
using RangeMatch = void (*)(const RangeMatchInput& in, std::uint64_t* words);

/// The best this machine runs.
RangeMatch range_match();

/// Every one this machine runs, for tests.
std::vector<RangeMatch> usable_range_matches();

}  // namespace kumo::search
