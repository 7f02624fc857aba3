#include "base/random.h"
#include "search/index/index.h"
#include "search/query/search.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::search {
namespace {

constexpr std::uint32_t kDimensions = 1024;
constexpr std::uint32_t kDocs = 1040;
static_assert(std::uint64_t{kDimensions} * kDocs > kSealGraphFloatsMax);

/// So many and so large vectors that a seal leaves their graph to a merge.
class VectorMerge : public testing::Test {
protected:
    VectorMerge() : index_(schema(), Manifest{}, {}) {
        SeededRandom random(1);
        for (std::uint32_t i = 0; i < kDocs; ++i) {
            std::string json = R"({"id":")" + std::to_string(i) + R"(","v":[)";
            for (std::uint32_t d = 0; d < kDimensions; ++d) {
                json += (d > 0 ? "," : "") + std::to_string(random.below(200) + (i % 7 == d % 7));
            }
            KUMO_ASSERT(index_.write(WriteAction::kCreate, json + "]}", DirtyValues::kReject).ok());
        }
        index_.publish(1);
        const auto job = index_.begin_seal();
        files_[job.segment_id] = job.run().value();
        index_.finish_seal(opened(job.segment_id));
    }

    static std::shared_ptr<const Schema> schema() {
        Schema schema;
        schema.fields.push_back({.name = "v", .type = ValueType::kFloat, .array = true});
        schema.fields.back().vector.dimensions = kDimensions;
        return std::make_shared<const Schema>(schema);
    }

    std::shared_ptr<const SegmentReader> opened(std::uint64_t segment) {
        return open_segment(index_.schema(), files_[segment], nullptr).value();
    }

    /// The ids of the documents like number 77.
    std::vector<std::string> nearest() {
        SearchRequest request;
        request.vector.emplace();
        request.vector->id = "77";
        const auto result = search(*index_.snapshot(), request, system_clock()).value();
        std::vector<std::string> ids;
        for (const Hit& hit : result.hits) {
            ids.push_back(hit.document.substr(0, 12));
        }
        return ids;
    }

    const HnswGraph* graph() { return index_.snapshot()->parts[0].segment->vectors[0]->graph(); }

    std::map<std::uint64_t, std::string> files_;
    Index index_;
};

TEST_F(VectorMerge, BuildsTheGraphThatASealLeftOut) {
    ASSERT_EQ(graph(), nullptr);
    const std::vector<std::string> exact = nearest();
    ASSERT_EQ(exact.size(), 10U);
    const auto job = index_.begin_merge();
    ASSERT_TRUE(job.has_value());
    files_[job->segment_id] = job->run().value();
    index_.finish_merge(*job, opened(job->segment_id));
    ASSERT_NE(graph(), nullptr);
    EXPECT_EQ(nearest().size(), 10U);
    EXPECT_EQ(nearest().front(), exact.front());
    EXPECT_FALSE(index_.begin_merge().has_value());
}

TEST_F(VectorMerge, GivesUpWhenItIsStopped) {
    const auto job = index_.begin_merge();
    ASSERT_TRUE(job.has_value());
    const std::atomic<bool> stop = true;
    const auto stopped = job->run(&stop);
    ASSERT_FALSE(stopped.ok());
    EXPECT_EQ(stopped.error().code, ErrorCode::kUnavailable);
    index_.finish_merge(*job, nullptr);
    EXPECT_TRUE(index_.begin_merge().has_value());
}

}  // namespace
}  // namespace kumo::search
