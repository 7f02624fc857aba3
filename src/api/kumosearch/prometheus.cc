#include "api/kumosearch/prometheus.h"

#include "base/assert.h"

#include <array>
#include <charconv>
#include <cmath>

namespace kumo::api_kumosearch {

namespace {

ByteView type_name(PrometheusWriter::Type type) {
    switch (type) {
        case PrometheusWriter::Type::kCounter: return "counter";
        case PrometheusWriter::Type::kGauge: return "gauge";
        case PrometheusWriter::Type::kHistogram: return "histogram";
    }
    return "untyped";
}

/// In a label's value a quote is escaped, too.
void append_escaped(std::string& out, ByteView text, bool quoted) {
    for (const char c : text) {
        if (c == '\\') {
            out += "\\\\";
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '"' && quoted) {
            out += "\\\"";
        } else {
            out += c;
        }
    }
}

void append_number(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
        return;
    }
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    KUMO_ASSERT(error == std::errc());
    out.append(text.data(), end);
}

}  // namespace

PrometheusWriter& PrometheusWriter::family(ByteView name, Type type, ByteView help) {
    name_ = name.starts_with("process_") ? "" : std::string(kPrefix);
    name_.append(name);
    out_.append("# HELP ").append(name_).append(" ");
    append_escaped(out_, help, false);
    out_.append("\n# TYPE ").append(name_).append(" ").append(type_name(type)).append("\n");
    return *this;
}

PrometheusWriter& PrometheusWriter::sample(double value, const Labels& labels) {
    line("", labels, value);
    return *this;
}

PrometheusWriter& PrometheusWriter::histogram(
    std::span<const double> bounds,
    std::span<const std::uint64_t> counts,
    double sum,
    const Labels& labels
) {
    KUMO_ASSERT(counts.size() == bounds.size() + 1);
    std::uint64_t count = 0;
    Labels with_bound = labels;
    with_bound.emplace_back("le", "");
    for (std::size_t i = 0; i < counts.size(); ++i) {
        count += counts[i];
        std::string bound;
        append_number(bound, i < bounds.size() ? bounds[i] : INFINITY);
        with_bound.back().second = bound;
        line("_bucket", with_bound, static_cast<double>(count));
    }
    line("_sum", labels, sum);
    line("_count", labels, static_cast<double>(count));
    return *this;
}

void PrometheusWriter::line(ByteView suffix, const Labels& labels, double value) {
    out_.append(name_).append(suffix);
    char separator = '{';
    for (const auto& [name, text] : labels) {
        out_ += separator;
        out_.append(name).append("=\"");
        append_escaped(out_, text, true);
        out_ += '"';
        separator = ',';
    }
    out_.append(labels.empty() ? " " : "} ");
    append_number(out_, value);
    out_ += '\n';
}

}  // namespace kumo::api_kumosearch
