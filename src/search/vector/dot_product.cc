#include "search/vector/dot_product.h"

#include <cmath>
#include <cstddef>
#include <cstring>

namespace kumo::search {

namespace {

constexpr std::uint32_t kLanes = 16;

#ifdef __x86_64__
#define KUMO_AVX2 __attribute__((target("avx2")))
#else
#define KUMO_AVX2
#endif

/// Four floats, which is what every processor here has; eight where it says so. Both forms do the
/// same operations in the same lanes, so that they give the same sums.
using Four = float __attribute__((vector_size(16)));
using Eight = float __attribute__((vector_size(32)));

/// The lanes' sum in halves: 0 with 8, 1 with 9, ...; then 0 with 4, ...
float sum_of_lanes(const float* lanes) {
    float half[8];
    for (std::uint32_t i = 0; i < 8; ++i) {
        half[i] = lanes[i] + lanes[i + 8];
    }
    const float a = half[0] + half[4];
    const float b = half[1] + half[5];
    const float c = half[2] + half[6];
    const float d = half[3] + half[7];
    return (a + c) + (b + d);
}

float finish(float* lanes, const float* a, const float* b, std::uint32_t rest) {
    for (std::uint32_t i = 0; i < rest; ++i) {
        lanes[i] += a[i] * b[i];
    }
    return sum_of_lanes(lanes);
}

float dot_product_of_four(const float* a, const float* b, std::uint32_t dimensions) {
    Four sums[4] = {};
    std::uint32_t i = 0;
    for (; i + kLanes <= dimensions; i += kLanes) {
        for (std::uint32_t lane = 0; lane < 4; ++lane) {
            Four x;
            Four y;
            std::memcpy(&x, a + i + std::size_t{lane} * 4, sizeof(x));
            std::memcpy(&y, b + i + std::size_t{lane} * 4, sizeof(y));
            sums[lane] += x * y;
        }
    }
    float lanes[kLanes];
    std::memcpy(lanes, sums, sizeof(lanes));
    return finish(lanes, a + i, b + i, dimensions - i);
}

KUMO_AVX2 float dot_product_of_eight(const float* a, const float* b, std::uint32_t dimensions) {
    Eight low = {};
    Eight high = {};
    std::uint32_t i = 0;
    for (; i + kLanes <= dimensions; i += kLanes) {
        Eight x;
        Eight y;
        std::memcpy(&x, a + i, sizeof(x));
        std::memcpy(&y, b + i, sizeof(y));
        low += x * y;
        std::memcpy(&x, a + i + 8, sizeof(x));
        std::memcpy(&y, b + i + 8, sizeof(y));
        high += x * y;
    }
    float lanes[kLanes];
    std::memcpy(lanes, &low, sizeof(low));
    std::memcpy(lanes + 8, &high, sizeof(high));
    return finish(lanes, a + i, b + i, dimensions - i);
}

}  // namespace

DotProduct dot_product() {
#ifdef __x86_64__
    static const bool kWide = __builtin_cpu_supports("avx2") != 0;
    return kWide ? dot_product_of_eight : dot_product_of_four;
#else
    return dot_product_of_four;
#endif
}

void normalize(float* vector, std::uint32_t dimensions) {
    double sum = 0;
    for (std::uint32_t i = 0; i < dimensions; ++i) {
        sum += static_cast<double>(vector[i]) * static_cast<double>(vector[i]);
    }
    if (sum <= 0) {
        return;
    }
    const double scale = 1 / std::sqrt(sum);
    for (std::uint32_t i = 0; i < dimensions; ++i) {
        vector[i] = static_cast<float>(static_cast<double>(vector[i]) * scale);
    }
}

}  // namespace kumo::search
