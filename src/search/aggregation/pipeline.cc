#include "search/aggregation/pipeline.h"

#include "search/aggregation/internal/bucket_maker.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

namespace kumo::search::aggregation {

namespace {

void add_value(Bucket& bucket, const std::string& name, std::optional<double> value) {
    Output out;
    out.value = value;
    bucket.children.push_back({name, std::make_shared<Output>(std::move(out))});
}

/// A bucket's number, or nothing for a gap.
Result<std::optional<double>> number_in(const Bucket& bucket, const std::string& path, bool zeros) {
    KUMO_TRY_ASSIGN(const double value, value_at(bucket, path));
    if (path == "_count") {
        return std::optional<double>(value);
    }
    if (!std::isfinite(value) || bucket.doc_count == 0) {
        return zeros ? std::optional<double>(0) : std::nullopt;
    }
    return std::optional<double>(value);
}

class BesidePipeline : public Pipeline {
public:
    explicit BesidePipeline(PipelineInput input) : input_(std::move(input)) {}

    Status beside(std::vector<NamedOutput>& level) const override {
        std::vector<double> numbers;
        std::vector<std::string> names;
        KUMO_TRY(gather(level, input_.path, numbers, names));
        level.push_back({input_.name, std::make_shared<Output>(output_of(numbers, names))});
        return {};
    }

protected:
    virtual Output
    output_of(const std::vector<double>& numbers, const std::vector<std::string>& names) const = 0;

private:
    /// Goes down the path until there are buckets; the rest of it is within each of them.
    Status gather(
        const std::vector<NamedOutput>& level,
        const std::string& path,
        std::vector<double>& numbers,
        std::vector<std::string>& names
    ) const {
        const std::size_t end = path.find_first_of(">.");
        const std::string name = path.substr(0, end);
        const std::string rest = end == std::string::npos ? "_count" : path.substr(end + 1);
        for (const NamedOutput& one : level) {
            if (one.name != name) {
                continue;
            }
            if (one.output->single) {
                return gather(one.output->children, rest, numbers, names);
            }
            if (!one.output->many) {
                return invalid_argument("No aggregation found for path [" + input_.path + "]");
            }
            for (const Bucket& bucket : one.output->buckets) {
                KUMO_TRY_ASSIGN(const auto number, number_in(bucket, rest, input_.zeros));
                if (number) {
                    numbers.push_back(*number);
                    names.push_back(name_of(bucket));
                }
            }
            return {};
        }
        return invalid_argument("No aggregation found for path [" + input_.path + "]");
    }

    static std::string name_of(const Bucket& bucket) {
        if (!bucket.name.empty()) {
            return bucket.name;
        }
        if (const auto* text = std::get_if<std::string>(&bucket.key)) {
            return *text;
        }
        if (const auto* integer = std::get_if<std::int64_t>(&bucket.key)) {
            return std::to_string(*integer);
        }
        return std::to_string(number_of(bucket.key));
    }

    PipelineInput input_;
};

class OfBucketsPipeline : public BesidePipeline {
public:
    OfBucketsPipeline(PipelineInput input, OfBuckets what)
        : BesidePipeline(std::move(input)), what_(what) {}

protected:
    Output output_of(const std::vector<double>& numbers, const std::vector<std::string>& names)
        const override {
        Output out;
        for (const double number : numbers) {
            ++out.stats.count;
            out.stats.sum += number;
            out.stats.sum_of_squares += number * number;
            out.stats.min = std::min(out.stats.min, number);
            out.stats.max = std::max(out.stats.max, number);
        }
        const bool none = numbers.empty();
        switch (what_) {
            case OfBuckets::kAvg:
                out.value = none ? std::nullopt : std::optional<double>(out.stats.average());
                break;
            case OfBuckets::kSum: out.value = out.stats.sum; break;
            case OfBuckets::kMin:
            case OfBuckets::kMax: {
                const double edge = what_ == OfBuckets::kMin ? out.stats.min : out.stats.max;
                out.value = none ? std::nullopt : std::optional<double>(edge);
                for (std::size_t i = 0; i < numbers.size(); ++i) {
                    if (numbers[i] == edge) {
                        out.bucket_names.push_back(names[i]);
                    }
                }
                break;
            }
            case OfBuckets::kStats: break;
        }
        return out;
    }

private:
    OfBuckets what_;
};

class PercentilesPipeline : public BesidePipeline {
public:
    PercentilesPipeline(PipelineInput input, std::vector<double> percents)
        : BesidePipeline(std::move(input)), percents_(std::move(percents)) {}

protected:
    Output output_of(
        const std::vector<double>& numbers,
        const std::vector<std::string>& /*names*/
    ) const override {
        Output out;
        out.stats.count = numbers.size();
        std::vector<double> sorted = numbers;
        std::sort(sorted.begin(), sorted.end());
        for (const double percent : percents_) {
            double value = std::numeric_limits<double>::quiet_NaN();
            if (!sorted.empty()) {
                const double at =
                    std::round(percent / 100 * static_cast<double>(sorted.size() - 1));
                value = sorted[static_cast<std::size_t>(std::max(0.0, at))];
            }
            out.percents.emplace_back(percent, value);
        }
        return out;
    }

private:
    std::vector<double> percents_;
};

class WithinPipeline : public Pipeline {
public:
    explicit WithinPipeline(PipelineInput input) : input_(std::move(input)) {}

protected:
    Result<std::optional<double>> number(const Bucket& bucket) const {
        return number_in(bucket, input_.path, input_.zeros);
    }

    const PipelineInput& input() const { return input_; }

private:
    PipelineInput input_;
};

class DerivativePipeline : public WithinPipeline {
public:
    DerivativePipeline(PipelineInput input, double unit)
        : WithinPipeline(std::move(input)), unit_(unit) {}

    Status within(Output& parent) const override {
        std::optional<double> last;
        double last_key = 0;
        for (Bucket& bucket : parent.buckets) {
            KUMO_TRY_ASSIGN(const auto value, number(bucket));
            const double key = number_of(bucket.key);
            if (last) {
                Output out;
                out.value = value ? std::optional<double>(*value - *last) : std::nullopt;
                if (unit_ > 0 && out.value) {
                    // The same for each unit of the key.
                    out.percents.emplace_back(unit_, *out.value / ((key - last_key) / unit_));
                }
                if (out.value) {
                    bucket.children.push_back(
                        {input().name, std::make_shared<Output>(std::move(out))}
                    );
                }
            }
            if (value) {
                last = value;
                last_key = key;
            }
        }
        return {};
    }

private:
    double unit_;
};

class CumulativePipeline : public WithinPipeline {
public:
    using WithinPipeline::WithinPipeline;

    Status within(Output& parent) const override {
        double sum = 0;
        for (Bucket& bucket : parent.buckets) {
            KUMO_TRY_ASSIGN(const double value, value_at(bucket, input().path));
            sum += std::isfinite(value) ? value : 0;
            add_value(bucket, input().name, sum);
        }
        return {};
    }
};

class SerialPipeline : public WithinPipeline {
public:
    SerialPipeline(PipelineInput input, std::size_t lag)
        : WithinPipeline(std::move(input)), lag_(lag) {}

    Status within(Output& parent) const override {
        std::deque<std::optional<double>> before;
        for (Bucket& bucket : parent.buckets) {
            KUMO_TRY_ASSIGN(const auto value, number(bucket));
            if (before.size() == lag_) {
                if (before.front() && value) {
                    add_value(bucket, input().name, *value - *before.front());
                }
                before.pop_front();
            }
            before.push_back(value);
        }
        return {};
    }

private:
    std::size_t lag_;
};

class MovingPipeline : public WithinPipeline {
public:
    MovingPipeline(
        PipelineInput input,
        std::size_t window,
        std::ptrdiff_t shift,
        WindowFunction function
    )
        : WithinPipeline(std::move(input)),
          window_(static_cast<std::ptrdiff_t>(window)),
          shift_(shift),
          function_(std::move(function)) {}

    Status within(Output& parent) const override {
        std::vector<double> values;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < parent.buckets.size(); ++i) {
            KUMO_TRY_ASSIGN(const auto value, number(parent.buckets[i]));
            if (value) {
                values.push_back(*value);
                places.push_back(i);
            }
        }
        const auto count = static_cast<std::ptrdiff_t>(values.size());
        for (std::ptrdiff_t i = 0; i < count; ++i) {
            const auto from = std::clamp<std::ptrdiff_t>(i - window_ + shift_, 0, count);
            const auto to = std::clamp<std::ptrdiff_t>(i + shift_, 0, count);
            const std::vector<double> window(
                values.begin() + from,
                values.begin() + std::max(from, to)
            );
            const double found = function_(window);
            add_value(
                parent.buckets[places[static_cast<std::size_t>(i)]],
                input().name,
                std::isnan(found) ? std::nullopt : std::optional<double>(found)
            );
        }
        return {};
    }

private:
    std::ptrdiff_t window_;
    std::ptrdiff_t shift_;
    WindowFunction function_;
};

class ScriptPipeline : public WithinPipeline {
public:
    ScriptPipeline(
        PipelineInput input,
        std::map<std::string, std::string> paths,
        NumbersFunction function,
        bool selects
    )
        : WithinPipeline(std::move(input)),
          paths_(std::move(paths)),
          function_(std::move(function)),
          selects_(selects) {}

    Status within(Output& parent) const override {
        std::vector<Bucket> kept;
        for (Bucket& bucket : parent.buckets) {
            KUMO_TRY_ASSIGN(const auto found, compute(bucket));
            if (selects_) {
                if (found && *found != 0) {
                    kept.push_back(std::move(bucket));
                }
            } else if (found) {
                add_value(bucket, input().name, found);
            }
        }
        if (selects_) {
            parent.buckets = std::move(kept);
        }
        return {};
    }

private:
    Result<std::optional<double>> compute(const Bucket& bucket) const {
        Numbers numbers;
        for (const auto& [name, path] : paths_) {
            KUMO_TRY_ASSIGN(const auto value, number_in(bucket, path, input().zeros));
            if (!value && !selects_) {
                return std::optional<double>();
            }
            numbers.emplace(name, value.value_or(std::numeric_limits<double>::quiet_NaN()));
        }
        KUMO_TRY_ASSIGN(const double out, function_(numbers));
        return std::optional<double>(out);
    }

    std::map<std::string, std::string> paths_;
    NumbersFunction function_;
    bool selects_;
};

class SortPipeline : public WithinPipeline {
public:
    SortPipeline(PipelineInput input, BucketSort sort)
        : WithinPipeline(std::move(input)), sort_(std::move(sort)) {}

    Status within(Output& parent) const override {
        std::vector<Order> order;
        for (const BucketSort::By& by : sort_.by) {
            if (by.path == "_key") {
                order.push_back({OrderBy::kKey, by.ascending, {}});
            } else if (by.path == "_count") {
                order.push_back({OrderBy::kCount, by.ascending, {}});
            } else {
                order.push_back({OrderBy::kChild, by.ascending, by.path});
            }
        }
        if (!order.empty() && !input().zeros) {
            KUMO_TRY(drop_gaps(order, parent.buckets));
        }
        KUMO_TRY(sort_buckets(order, parent.buckets));
        auto& buckets = parent.buckets;
        const std::size_t from = std::min(sort_.from, buckets.size());
        buckets.erase(buckets.begin(), buckets.begin() + static_cast<std::ptrdiff_t>(from));
        if (sort_.size && buckets.size() > *sort_.size) {
            buckets.resize(*sort_.size);
        }
        return {};
    }

private:
    /// Buckets without any of the values that they are sorted by.
    static Status drop_gaps(const std::vector<Order>& order, std::vector<Bucket>& buckets) {
        std::vector<Bucket> kept;
        for (Bucket& bucket : buckets) {
            bool any = false;
            for (const Order& one : order) {
                if (one.by == OrderBy::kChild) {
                    KUMO_TRY_ASSIGN(const auto value, number_in(bucket, one.path, false));
                    any = any || value.has_value();
                } else {
                    any = true;
                }
            }
            if (any) {
                kept.push_back(std::move(bucket));
            }
        }
        buckets = std::move(kept);
        return {};
    }

    BucketSort sort_;
};

}  // namespace

PipelinePtr of_buckets(PipelineInput input, OfBuckets what) {
    return std::make_shared<const OfBucketsPipeline>(std::move(input), what);
}

PipelinePtr percentiles_of_buckets(PipelineInput input, std::vector<double> percents) {
    return std::make_shared<const PercentilesPipeline>(std::move(input), std::move(percents));
}

PipelinePtr derivative(PipelineInput input, double unit) {
    return std::make_shared<const DerivativePipeline>(std::move(input), unit);
}

PipelinePtr cumulative_sum(PipelineInput input) {
    return std::make_shared<const CumulativePipeline>(std::move(input));
}

PipelinePtr serial_difference(PipelineInput input, std::size_t lag) {
    return std::make_shared<const SerialPipeline>(std::move(input), lag);
}

PipelinePtr
moving(PipelineInput input, std::size_t window, std::ptrdiff_t shift, WindowFunction function) {
    return std::make_shared<const MovingPipeline>(
        std::move(input),
        window,
        shift,
        std::move(function)
    );
}

PipelinePtr bucket_script(
    PipelineInput input,
    std::map<std::string, std::string> paths,
    NumbersFunction function
) {
    return std::make_shared<const ScriptPipeline>(
        std::move(input),
        std::move(paths),
        std::move(function),
        false
    );
}

PipelinePtr bucket_selector(
    PipelineInput input,
    std::map<std::string, std::string> paths,
    NumbersFunction function
) {
    return std::make_shared<const ScriptPipeline>(
        std::move(input),
        std::move(paths),
        std::move(function),
        true
    );
}

PipelinePtr bucket_sort(PipelineInput input, BucketSort sort) {
    return std::make_shared<const SortPipeline>(std::move(input), std::move(sort));
}

}  // namespace kumo::search::aggregation
