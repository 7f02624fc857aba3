#include "search/text/internal/sealed_format.h"

#include "search/text/norm.h"

#include <algorithm>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace kumo::search {

std::array<float, 256> norm_weights(float k1, float b, double average_length) {
    std::array<float, 256> weights{};
    // A weight of 0 would make the factor 0 / 0 for tf 0; no posting has that, padding may.
    const auto average = static_cast<float>(std::max(average_length, 1e-9));
    for (std::uint32_t norm = 0; norm < weights.size(); ++norm) {
        auto length = static_cast<float>(decode_norm(static_cast<std::uint8_t>(norm)));
        weights[norm] = std::max(k1 * ((1 - b) + b * length / average), 1e-9F);
    }
    return weights;
}

std::uint64_t term_hash(const char* bytes, std::uint64_t size) {
    return XXH3_64bits(bytes, size);
}

}  // namespace kumo::search
