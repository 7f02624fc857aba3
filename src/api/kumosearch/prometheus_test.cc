#include "api/kumosearch/prometheus.h"

#include <gtest/gtest.h>

#include <array>

namespace kumo::api_kumosearch {
namespace {

TEST(Prometheus, WritesFamiliesAndSamples) {
    std::string out;
    PrometheusWriter writer(out);
    writer.family("documents", PrometheusWriter::Type::kGauge, "Documents, by collection.")
        .sample(12345678901, {{"collection", "books"}})
        .sample(0.5, {{"collection", "b"}, {"shard", "2"}});
    writer.family("process_open_fds", PrometheusWriter::Type::kGauge, "Of the process.").sample(7);
    EXPECT_EQ(
        out,
        "# HELP kumosearch_documents Documents, by collection.\n"
        "# TYPE kumosearch_documents gauge\n"
        "kumosearch_documents{collection=\"books\"} 12345678901\n"
        "kumosearch_documents{collection=\"b\",shard=\"2\"} 0.5\n"
        "# HELP process_open_fds Of the process.\n"
        "# TYPE process_open_fds gauge\n"
        "process_open_fds 7\n"
    );
}

TEST(Prometheus, EscapesLabels) {
    std::string out;
    PrometheusWriter writer(out);
    writer.family("x", PrometheusWriter::Type::kCounter, "back\\slash\nand \"quote\"");
    writer.sample(1, {{"name", "a\"b\\c\nd"}});
    EXPECT_EQ(
        out,
        "# HELP kumosearch_x back\\\\slash\\nand \"quote\"\n"
        "# TYPE kumosearch_x counter\n"
        "kumosearch_x{name=\"a\\\"b\\\\c\\nd\"} 1\n"
    );
}

TEST(Prometheus, WritesCumulativeHistograms) {
    std::string out;
    PrometheusWriter writer(out);
    writer.family("t", PrometheusWriter::Type::kHistogram, "h");
    out.clear();
    const std::array<double, 2> bounds = {0.0025, 1};
    const std::array<std::uint64_t, 3> counts = {3, 0, 2};
    writer.histogram(bounds, counts, 4.5, {{"route", "/x"}});
    EXPECT_EQ(
        out,
        "kumosearch_t_bucket{route=\"/x\",le=\"0.0025\"} 3\n"
        "kumosearch_t_bucket{route=\"/x\",le=\"1\"} 3\n"
        "kumosearch_t_bucket{route=\"/x\",le=\"+Inf\"} 5\n"
        "kumosearch_t_sum{route=\"/x\"} 4.5\n"
        "kumosearch_t_count{route=\"/x\"} 5\n"
    );
}

}  // namespace
}  // namespace kumo::api_kumosearch
