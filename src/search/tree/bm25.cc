#include "search/tree/internal/bm25.h"

#include "search/text/norm.h"

#include <algorithm>
#include <cmath>

namespace kumo::search::tree {

namespace {

constexpr float kK1 = 1.2F;
constexpr float kB = 0.75F;

}  // namespace

float inverse_frequency(std::uint64_t docs, std::uint64_t df) {
    const auto n = static_cast<double>(std::max(docs, df));
    const auto d = static_cast<double>(df);
    return static_cast<float>(std::log(1 + (n - d + 0.5) / (d + 0.5)));
}

TermWeight::TermWeight(const FieldStatistics& field, float idf, float boost)
    : weight_(boost * (1 + kK1) * idf) {
    const float average = field.average_length();
    for (std::size_t norm = 0; norm < inverse_norm_.size(); ++norm) {
        const auto length = static_cast<float>(decode_norm(static_cast<std::uint8_t>(norm)));
        inverse_norm_[norm] = 1 / (kK1 * ((1 - kB) + kB * length / average));
    }
}

}  // namespace kumo::search::tree
