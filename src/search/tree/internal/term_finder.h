#pragma once

#include "search/tree/evaluation.h"
#include "search/tree/pattern.h"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace kumo::search::tree {

/// The ordinal of a string in a column, or nothing.
std::optional<std::uint32_t> find_string(const ColumnReader& column, std::string_view text);

/// The ordinals of a column's strings that match, ascending.
std::vector<std::uint32_t> find_strings(const ColumnReader& column, const TermPattern& pattern);

/// Sets the bits of the documents that have a value among `values`, which ascend.
void match_values(const ColumnReader& column, const std::vector<std::int64_t>& values, Bitmap& out);

/// Gets each distinct term of the field in a segment with the number of its documents (0 for a
/// field of exact strings, whose columns do not count), in no particular order; false stops.
using TermVisit = std::function<bool(std::string_view term, std::uint32_t df)>;

void for_each_term(
    const Evaluation& evaluation,
    std::size_t part,
    std::size_t field,
    std::string_view prefix,
    const TermVisit& visit
);

}  // namespace kumo::search::tree
