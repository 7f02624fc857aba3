#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kumo::search::tree {

/// Where one place of a phrase stands in a document.
struct PlacePositions {
    std::uint32_t offset = 0;  ///< Of the place in the phrase.
    std::size_t group = 0;     ///< Places with the same terms have the same.
    std::vector<std::uint32_t> positions;
};

/// How often the phrase is in the document: its beginnings.
float exact_frequency(std::span<const PlacePositions> places);

/// The same where the places may be `slop` positions apart from where they should be: each time
/// counts the less, 1 / (1 + moves), the further they are (Lucene's way to count, which minimizes
/// one place at a time).
float sloppy_frequency(std::span<const PlacePositions> places, std::uint32_t slop);

}  // namespace kumo::search::tree
