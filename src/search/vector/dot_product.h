#pragma once

#include <cstdint>

namespace kumo::search {

/// The sum of a[i] * b[i]. The same bits on every machine: sixteen partial sums, added in a fixed
/// order, without fused multiply-adds; graphs that follow from it are the same at all nodes.
using DotProduct = float (*)(const float* a, const float* b, std::uint32_t dimensions);

/// The fastest form of it for this processor.
DotProduct dot_product();

/// Scales to length 1; all zeros stay.
void normalize(float* vector, std::uint32_t dimensions);

}  // namespace kumo::search
