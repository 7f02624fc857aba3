#include "api/elastic/aggregation/internal/builder.h"
#include "api/elastic/aggregation/internal/expression.h"
#include "api/elastic/query/internal/units.h"
#include "search/aggregation/pipeline.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

const std::set<std::string_view>& beside_types() {
    static const std::set<std::string_view> kTypes{
        "avg_bucket",
        "sum_bucket",
        "min_bucket",
        "max_bucket",
        "stats_bucket",
        "extended_stats_bucket",
        "percentiles_bucket",
    };
    return kTypes;
}

const std::set<std::string_view>& within_types() {
    static const std::set<std::string_view> kTypes{
        "derivative",
        "cumulative_sum",
        "moving_avg",
        "moving_fn",
        "serial_diff",
        "bucket_script",
        "bucket_selector",
        "bucket_sort",
    };
    return kTypes;
}

Result<agg::PipelineInput> read_input(const Definition& of) {
    agg::PipelineInput out;
    out.name = of.name;
    if (const Json* policy = of.find("gap_policy")) {
        const std::string name = policy->text();
        if (name != "skip" && name != "insert_zeros" && name != "keep_values") {
            return parsing_error(
                "Invalid gap policy: [" + name
                + "], accepted values: [insert_zeros, skip, keep_values]"
            );
        }
        out.zeros = name == "insert_zeros";
    }
    const Json* path = of.find("buckets_path");
    if (path != nullptr && path->is_array() && !path->empty()) {
        path = &path->items().front();
    }
    if (path != nullptr && !path->is_object()) {
        out.path = path->text();
    }
    return out;
}

Result<std::map<std::string, std::string>> read_paths(const Definition& of) {
    const Json* paths = of.find("buckets_path");
    std::map<std::string, std::string> out;
    if (paths == nullptr) {
        return parsing_error(
            "Missing required field [buckets_path] for " + of.shape.type + " aggregation ["
            + of.name + "]"
        );
    }
    if (paths->is_object()) {
        for (const auto& [name, path] : paths->members()) {
            out.emplace(name, path.text());
        }
        return out;
    }
    const Json::Array items = paths->is_array() ? paths->items() : Json::Array{*paths};
    for (std::size_t i = 0; i < items.size(); ++i) {
        out.emplace(items.size() == 1 ? "_value" : "_value" + std::to_string(i), items[i].text());
    }
    return out;
}

Result<std::string> script_source(const Definition& of) {
    const Json* script = of.find("script");
    if (script == nullptr) {
        return parsing_error(
            "Missing required field [script] for " + of.shape.type + " aggregation [" + of.name
            + "]"
        );
    }
    const Json* source = script->is_object() ? script->find("source") : script;
    if (source == nullptr || !source->is_string()) {
        return not_supported("stored scripts are not supported");
    }
    return source->as_string();
}

Result<agg::NumbersFunction> read_function(const Definition& of) {
    KUMO_TRY_ASSIGN(const std::string source, script_source(of));
    KUMO_TRY_ASSIGN(const Expression expression, Expression::parse(source));
    const Json* script = of.find("script");
    const Json* given = script->find("params");
    const auto params = std::make_shared<const Json>(given != nullptr ? *given : Json::object());
    return agg::NumbersFunction([expression, params](const agg::Numbers& numbers) {
        return expression.evaluate([&](const std::string& name) -> Result<double> {
            const std::string plain = name.starts_with("params.") ? name.substr(7) : name;
            const auto found = numbers.find(plain);
            if (found != numbers.end()) {
                return found->second;
            }
            if (const Json* value = params->find(plain)) {
                return value->to_double().value_or(0);
            }
            return fault("script_exception", "compile error: unknown variable [" + name + "]");
        });
    });
}

double mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) {
        sum += value;
    }
    return values.empty() ? kNone : sum / static_cast<double>(values.size());
}

double linear_mean(const std::vector<double>& values) {
    double sum = 0;
    double weights = 0;
    double weight = 1;
    for (const double value : values) {
        sum += value * weight;
        weights += weight;
        weight += 1;
    }
    return values.empty() ? kNone : sum / weights;
}

double exponential_mean(const std::vector<double>& values, double alpha) {
    double out = kNone;
    for (const double value : values) {
        out = std::isnan(out) ? value : value * alpha + out * (1 - alpha);
    }
    return out;
}

double holt(const std::vector<double>& values, double alpha, double beta) {
    if (values.empty()) {
        return kNone;
    }
    double level = 0;
    double trend = 0;
    double last = values.front();
    for (std::size_t i = 0; i < values.size(); ++i) {
        double next_level = values[i];
        double next_trend = 0;
        if (i == 1) {
            next_trend = values[i] - last;
        } else if (i > 1) {
            next_level = alpha * values[i] + (1 - alpha) * (level + trend);
            next_trend = beta * (next_level - level) + (1 - beta) * trend;
        }
        level = next_level;
        trend = next_trend;
        last = values[i];
    }
    return level;
}

/// "MovingFunctions.ewma(values, 0.3)".
Result<agg::WindowFunction> read_window_function(const std::string& source) {
    const std::size_t begin = source.find("MovingFunctions.");
    const std::size_t open = source.find('(');
    const std::size_t close = source.rfind(')');
    if (begin == std::string::npos || open == std::string::npos || close == std::string::npos
        || open < begin) {
        return not_supported("only MovingFunctions.* are supported in [moving_fn]");
    }
    const std::string name = source.substr(begin + 16, open - begin - 16);
    std::vector<double> arguments;
    for (std::size_t at = source.find(',', open); at != std::string::npos && at < close;
         at = source.find(',', at + 1)) {
        std::string text = source.substr(at + 1, source.find_first_of(",)", at + 1) - at - 1);
        std::erase(text, ' ');
        arguments.push_back(Json(text).to_double().value_or(kNone));
    }
    const auto argument = [&arguments](std::size_t i, double otherwise) {
        return i < arguments.size() ? arguments[i] : otherwise;
    };
    const auto folded = [](auto fold, double start) {
        return agg::WindowFunction([fold, start](const std::vector<double>& values) {
            double out = values.empty() ? start : values.front();
            for (const double value : values) {
                out = fold(out, value);
            }
            return out;
        });
    };
    if (name == "max") {
        return folded([](double a, double b) { return std::max(a, b); }, kNone);
    }
    if (name == "min") {
        return folded([](double a, double b) { return std::min(a, b); }, kNone);
    }
    if (name == "sum") {
        return agg::WindowFunction([](const std::vector<double>& values) {
            double out = 0;
            for (const double value : values) {
                out += value;
            }
            return out;
        });
    }
    if (name == "stdDev") {
        return agg::WindowFunction([](const std::vector<double>& values) {
            const double average = mean(values);
            double sum = 0;
            for (const double value : values) {
                sum += (value - average) * (value - average);
            }
            return values.empty() ? kNone : std::sqrt(sum / static_cast<double>(values.size()));
        });
    }
    if (name == "unweightedAvg") {
        return agg::WindowFunction(mean);
    }
    if (name == "linearWeightedAvg") {
        return agg::WindowFunction(linear_mean);
    }
    if (name == "ewma") {
        return agg::WindowFunction([alpha = argument(0, 0.3)](const std::vector<double>& values) {
            return exponential_mean(values, alpha);
        });
    }
    if (name == "holt") {
        return agg::WindowFunction([alpha = argument(0, 0.3),
                                    beta = argument(1, 0.1)](const std::vector<double>& values) {
            return holt(values, alpha, beta);
        });
    }
    return not_supported("[MovingFunctions." + name + "] is not supported");
}

Result<agg::WindowFunction> read_model(const Definition& of) {
    const Json* model = of.find("model");
    const std::string name = model != nullptr ? model->text() : "simple";
    const Json* settings = of.find("settings");
    const auto setting = [settings](const char* key, double otherwise) {
        const Json* value = settings != nullptr ? settings->find(key) : nullptr;
        return value != nullptr ? value->to_double().value_or(otherwise) : otherwise;
    };
    if (name == "simple") {
        return agg::WindowFunction(mean);
    }
    if (name == "linear") {
        return agg::WindowFunction(linear_mean);
    }
    if (name == "ewma") {
        return agg::WindowFunction([alpha = setting("alpha", 0.3)](const auto& values) {
            return exponential_mean(values, alpha);
        });
    }
    if (name == "holt") {
        return agg::WindowFunction([alpha = setting("alpha", 0.3),
                                    beta = setting("beta", 0.1)](const auto& values) {
            return holt(values, alpha, beta);
        });
    }
    return not_supported("the model [" + name + "] of [moving_avg] is not supported");
}

Result<std::int64_t> read_window(const Definition& of, std::optional<std::int64_t> otherwise) {
    const Json* window = of.find("window");
    if (window == nullptr && !otherwise) {
        return fault("x_content_parse_exception", "Required [window]");
    }
    const auto number = window != nullptr ? window->to_int64() : otherwise;
    if (!number || *number <= 0) {
        return illegal_argument("[window] must be a positive, non-zero integer.");
    }
    return *number;
}

Result<agg::PipelinePtr> read_bucket_sort(const Definition& of, agg::PipelineInput input) {
    agg::BucketSort out;
    KUMO_TRY_ASSIGN(const std::int64_t from, integer_option(of, "from", 0));
    KUMO_TRY_ASSIGN(const std::int64_t size, integer_option(of, "size", INT32_MAX));
    if (from < 0) {
        return illegal_argument(
            "[from] must be a non-negative integer: [" + std::to_string(from) + "]"
        );
    }
    if (size <= 0) {
        return illegal_argument(
            "[size] must be a positive integer: [" + std::to_string(size) + "]"
        );
    }
    out.from = static_cast<std::size_t>(from);
    out.size = static_cast<std::size_t>(size);
    const Json* sort = of.find("sort");
    if (sort == nullptr && of.find("from") == nullptr && of.find("size") == nullptr) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: [" + of.name
                + "] is configured to perform nothing. Please set either of [sort, size, from] to "
                  "use bucket_sort;"
        );
    }
    const Json::Array items = sort == nullptr    ? Json::Array()
                              : sort->is_array() ? sort->items()
                                                 : Json::Array{*sort};
    for (const Json& item : items) {
        if (item.is_string()) {
            out.by.push_back({item.as_string(), item.as_string() != "_count"});
            continue;
        }
        for (const auto& [path, way] : item.members()) {
            const Json* order = way.is_object() ? way.find("order") : &way;
            out.by.push_back({path, order == nullptr || order->text() != "desc"});
        }
    }
    return agg::bucket_sort(std::move(input), std::move(out));
}

Result<agg::PipelinePtr>
read_within(const Definition& of, const std::string& type, agg::PipelineInput input) {
    if (type == "bucket_sort") {
        return read_bucket_sort(of, std::move(input));
    }
    if (type == "bucket_script" || type == "bucket_selector") {
        KUMO_TRY_ASSIGN(auto paths, read_paths(of));
        KUMO_TRY_ASSIGN(auto function, read_function(of));
        return type == "bucket_script"
                   ? agg::bucket_script(std::move(input), std::move(paths), std::move(function))
                   : agg::bucket_selector(std::move(input), std::move(paths), std::move(function));
    }
    if (type == "cumulative_sum") {
        return agg::cumulative_sum(std::move(input));
    }
    if (type == "serial_diff") {
        KUMO_TRY_ASSIGN(const std::int64_t lag, integer_option(of, "lag", 1));
        if (lag <= 0) {
            return illegal_argument(
                "Lag must be a positive, non-zero integer. Value supplied was" + std::to_string(lag)
                + " in [" + of.name + "]."
            );
        }
        return agg::serial_difference(std::move(input), static_cast<std::size_t>(lag));
    }
    if (type == "derivative") {
        double unit = 0;
        if (const Json* text = of.find("unit")) {
            static const std::map<std::string_view, const char*> kNames{
                {"second", "1s"},
                {"minute", "1m"},
                {"hour", "1h"},
                {"day", "1d"},
                {"week", "7d"},
                {"month", "30d"},
                {"quarter", "90d"},
                {"year", "365d"},
                {"1M", "30d"},
                {"1y", "365d"},
            };
            const auto known = kNames.find(text->text());
            KUMO_TRY_ASSIGN(
                const double nanos,
                time_nanos(known != kNames.end() ? known->second : text->text())
            );
            unit = nanos / 1e6;
        }
        return agg::derivative(std::move(input), unit);
    }
    if (type == "moving_avg") {
        KUMO_TRY_ASSIGN(const std::int64_t window, read_window(of, 5));
        KUMO_TRY_ASSIGN(auto function, read_model(of));
        return agg::moving(
            std::move(input),
            static_cast<std::size_t>(window),
            0,
            std::move(function)
        );
    }
    KUMO_TRY_ASSIGN(const std::int64_t window, read_window(of, std::nullopt));
    KUMO_TRY_ASSIGN(const std::int64_t shift, integer_option(of, "shift", 0));
    KUMO_TRY_ASSIGN(const std::string source, script_source(of));
    KUMO_TRY_ASSIGN(auto function, read_window_function(source));
    return agg::moving(
        std::move(input),
        static_cast<std::size_t>(window),
        static_cast<std::ptrdiff_t>(shift),
        std::move(function)
    );
}

}  // namespace

bool is_pipeline(std::string_view type) {
    return beside_types().contains(type) || within_types().contains(type);
}

Result<ReadPipeline> read_pipeline(Definition& of, const std::string& type) {
    KUMO_TRY(of.check(
        {"buckets_path",
         "gap_policy",
         "format",
         "percents",
         "keyed",
         "sigma",
         "unit",
         "lag",
         "window",
         "shift",
         "script",
         "model",
         "settings",
         "predict",
         "minimize",
         "sort",
         "from",
         "size"}
    ));
    KUMO_TRY_ASSIGN(agg::PipelineInput input, read_input(of));
    if (const Json* format = of.find("format")) {
        of.shape.format.pattern = format->text();
    }
    if (within_types().contains(type)) {
        if (type != "derivative" && type != "stats_bucket") {
            of.shape.typed_name = "simple_value";
        }
        if (input.path.empty() && type != "bucket_sort" && type != "bucket_script"
            && type != "bucket_selector") {
            return parsing_error(
                "Missing required field [buckets_path] for " + type + " aggregation [" + of.name
                + "]"
            );
        }
        KUMO_TRY_ASSIGN(agg::PipelinePtr made, read_within(of, type, std::move(input)));
        if (of.parent.empty()) {
            return fault(
                "action_request_validation_exception",
                "Validation Failed: 1: " + type + " aggregation [" + of.name
                    + "] must be declared inside of another aggregation;"
            );
        }
        return ReadPipeline{std::move(made)};
    }
    if (input.path.empty()) {
        return parsing_error(
            "Missing required field [buckets_path] for " + type + " aggregation [" + of.name + "]"
        );
    }
    if (type == "percentiles_bucket") {
        std::vector<double> percents{1, 5, 25, 50, 75, 95, 99};
        if (const Json* list = of.find("percents"); list != nullptr && list->is_array()) {
            percents.clear();
            for (const Json& item : list->items()) {
                percents.push_back(item.to_double().value_or(0));
            }
        }
        of.shape.keyed = true;
        return ReadPipeline{agg::percentiles_of_buckets(std::move(input), std::move(percents))};
    }
    static const std::map<std::string_view, agg::OfBuckets> kTypes{
        {"avg_bucket", agg::OfBuckets::kAvg},
        {"sum_bucket", agg::OfBuckets::kSum},
        {"min_bucket", agg::OfBuckets::kMin},
        {"max_bucket", agg::OfBuckets::kMax},
        {"stats_bucket", agg::OfBuckets::kStats},
        {"extended_stats_bucket", agg::OfBuckets::kStats},
    };
    if (type == "min_bucket" || type == "max_bucket") {
        of.shape.typed_name = "bucket_metric_value";
    } else if (type == "avg_bucket" || type == "sum_bucket") {
        of.shape.typed_name = "simple_value";
    }
    return ReadPipeline{agg::of_buckets(std::move(input), kTypes.at(type))};
}

}  // namespace kumo::api_elastic
