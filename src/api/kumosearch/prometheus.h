#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

/// Writes metrics as Prometheus reads them: text exposition format 0.0.4. All samples of a metric
/// follow its family(). Names are literals of ours; labels may hold anything.
/// Thread rule: loop-owned; not shared.
class PrometheusWriter {
public:
    enum class Type : std::uint8_t {
        kCounter,
        kGauge,
        kHistogram
    };

    using Labels = std::vector<std::pair<ByteView, ByteView>>;

    explicit PrometheusWriter(std::string& out) : out_(out) {}

    /// Every metric's name begins with this, except what everybody calls process_*.
    static constexpr ByteView kPrefix = "kumosearch_";

    PrometheusWriter& family(ByteView name, Type type, ByteView help);

    /// One sample of the family.
    PrometheusWriter& sample(double value, const Labels& labels = {});

    /// The samples of one histogram: `counts` has one more than `bounds`, and is not cumulative.
    PrometheusWriter& histogram(
        std::span<const double> bounds,
        std::span<const std::uint64_t> counts,
        double sum,
        const Labels& labels
    );

private:
    void line(ByteView suffix, const Labels& labels, double value);

    std::string& out_;
    std::string name_;  ///< Of the family.
};

inline constexpr ByteView kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace kumo::api_kumosearch
