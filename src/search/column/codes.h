#pragma once

#include <bit>
#include <cstdint>

namespace kumo::search {

/// A column holds 64-bit codes whose signed order is the order of the values: integers as they
/// are, booleans as 0 and 1, floating point numbers by the mapping below, strings by ordinal.

/// Maps a double (no NaN) to a code with the same order; -0.0 and 0.0 map to the same code.
inline std::int64_t code_of_double(double value) {
    const auto bits = std::bit_cast<std::int64_t>(value + 0.0);
    return bits >= 0 ? bits : bits ^ INT64_MAX;
}

/// The inverse of code_of_double.
inline double double_of_code(std::int64_t code) {
    return std::bit_cast<double>(code >= 0 ? code : code ^ INT64_MAX);
}

}  // namespace kumo::search
