#pragma once

#include "search/aggregation/aggregation.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What is computed of other aggregations' answers. Functions make pipelines; immutable, any
/// thread.
namespace kumo::search::aggregation {

using PipelinePtr = std::shared_ptr<const Pipeline>;

/// Where a pipeline's numbers come from.
struct PipelineInput {
    std::string name;  ///< Of its answer.
    std::string path;  ///< "histogram>metric", or, within buckets, "metric".
    /// Buckets without a value count as 0; else as if they were not there.
    bool zeros = false;
};

// ---- beside what they look at: one answer of all its buckets

enum class OfBuckets : std::uint8_t {
    kAvg,
    kSum,
    kMin,
    kMax,
    kStats
};

PipelinePtr of_buckets(PipelineInput input, OfBuckets what);
PipelinePtr percentiles_of_buckets(PipelineInput input, std::vector<double> percents);

// ---- within the buckets they look at: a number for each

/// The difference to the bucket before, and for `unit` above 0 for each so much of the key.
PipelinePtr derivative(PipelineInput input, double unit);
PipelinePtr cumulative_sum(PipelineInput input);
PipelinePtr serial_difference(PipelineInput input, std::size_t lag);

using WindowFunction = std::function<double(const std::vector<double>&)>;

/// A function of the `window` values before each bucket; `shift` further on.
PipelinePtr
moving(PipelineInput input, std::size_t window, std::ptrdiff_t shift, WindowFunction function);

using Numbers = std::map<std::string, double>;
using NumbersFunction = std::function<Result<double>(const Numbers&)>;

/// A number of several of the bucket's.
PipelinePtr bucket_script(
    PipelineInput input,
    std::map<std::string, std::string> paths,
    NumbersFunction function
);
/// Keeps the buckets of which it is not 0.
PipelinePtr bucket_selector(
    PipelineInput input,
    std::map<std::string, std::string> paths,
    NumbersFunction function
);

struct BucketSort {
    struct By {
        std::string path;
        bool ascending = true;
    };

    std::vector<By> by;
    std::size_t from = 0;
    std::optional<std::size_t> size{};
};

PipelinePtr bucket_sort(PipelineInput input, BucketSort sort);

}  // namespace kumo::search::aggregation
