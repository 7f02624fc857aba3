#include "api/elastic/aggregation/internal/builder.h"

#include <map>

namespace kumo::api_elastic {

namespace {

std::string number_text(double value) {
    return Json(value).text();
}

}  // namespace

AggregationResult read_metric(Definition& of) {
    const std::string& type = of.shape.type;
    KUMO_TRY(of.check(
        {"field",
         "script",
         "missing",
         "format",
         "value_type",
         "sigma",
         "precision_threshold",
         "compression",
         "time_zone",
         "rehash",
         "execution_hint"}
    ));
    if (const Json* sigma = of.find("sigma")) {
        const auto number = sigma->is_number() ? std::optional(sigma->as_double()) : std::nullopt;
        if (!number) {
            return fault(
                "x_content_parse_exception",
                "[1:1] [" + type + "] failed to parse field [sigma]"
            );
        }
        if (*number < 0) {
            return illegal_argument(
                "[sigma] must be greater than or equal to 0. Found [" + number_text(*number)
                + "] in [" + of.name + "]"
            );
        }
    }
    KUMO_TRY_ASSIGN(const std::int64_t threshold, integer_option(of, "precision_threshold", 0));
    if (threshold < 0) {
        return illegal_argument(
            "[precisionThreshold] must be greater than or equal to 0. Found ["
            + std::to_string(threshold) + "] in [" + of.name + "]"
        );
    }
    if (const Json* compression = of.find("compression");
        compression != nullptr && compression->to_double().value_or(-1) <= 0) {
        return illegal_argument(
            "[compression] must be greater than 0. Found [" + compression->text() + "] in ["
            + of.name + "]"
        );
    }
    const bool any = type == "cardinality" || type == "value_count";
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, any ? Wants::kAny : Wants::kNumbers));
    of.shape.format = read.format;
    if (any) {
        of.shape.format = {};
    }
    if (type == "cardinality") {
        return agg::cardinality(std::move(read.values));
    }
    if (type == "median_absolute_deviation") {
        return agg::median_absolute_deviation(std::move(read.values));
    }
    static const std::map<std::string_view, agg::Metric> kMetrics{
        {"avg", agg::Metric::kAvg},
        {"sum", agg::Metric::kSum},
        {"min", agg::Metric::kMin},
        {"max", agg::Metric::kMax},
        {"value_count", agg::Metric::kCount},
        {"stats", agg::Metric::kStats},
        {"extended_stats", agg::Metric::kStats},
    };
    return agg::metric(kMetrics.at(type), std::move(read.values));
}

namespace {

Result<std::vector<double>> read_numbers(const Definition& of, const Json& list, const char* name) {
    std::vector<double> out;
    if (!list.is_array() || list.empty()) {
        return illegal_argument("[" + std::string(name) + "] must not be empty: [" + of.name + "]");
    }
    for (const Json& item : list.items()) {
        if (!item.is_number()) {
            return fault(
                "x_content_parse_exception",
                "[1:1] [" + of.shape.type + "] failed to parse field [" + name + "]"
            );
        }
        out.push_back(item.as_double());
    }
    return out;
}

}  // namespace

AggregationResult read_percentiles(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "script",
         "missing",
         "format",
         "value_type",
         "percents",
         "values",
         "keyed",
         "tdigest",
         "hdr",
         "compression"}
    ));
    agg::Percentiles options;
    options.ranks = of.shape.type == "percentile_ranks";
    const char* const list_name = options.ranks ? "values" : "percents";
    options.wanted = {1, 5, 25, 50, 75, 95, 99};
    if (const Json* list = of.find(list_name)) {
        KUMO_TRY_ASSIGN(options.wanted, read_numbers(of, *list, list_name));
    } else if (options.ranks) {
        return fault("x_content_parse_exception", "Required [values]");
    }
    for (const double percent : options.wanted) {
        if (!options.ranks && (percent < 0 || percent > 100)) {
            return illegal_argument(
                "percent must be in [0,100], got [" + number_text(percent) + "]: [" + of.name + "]"
            );
        }
    }
    if (const Json* digest = of.find("tdigest")) {
        const Json* compression = digest->find("compression");
        if (compression != nullptr && compression->to_double().value_or(-1) < 0) {
            return illegal_argument(
                "[compression] must be greater than or equal to 0. Found ["
                + number_text(compression->to_double().value_or(-1)) + "]"
            );
        }
    }
    if (const Json* hdr = of.find("hdr")) {
        options.hdr = true;
        if (const Json* digits = hdr->find("number_of_significant_value_digits")) {
            const auto number = digits->to_int64();
            if (!number) {
                return fault(
                    "x_content_parse_exception",
                    "[1:1] [hdr] failed to parse field [number_of_significant_value_digits]"
                );
            }
            if (*number < 0 || *number > 5) {
                return illegal_argument("[numberOfSignificantValueDigits] must be between 0 and 5");
            }
            options.digits = static_cast<unsigned>(*number);
        }
    }
    const Json* keyed = of.find("keyed");
    of.shape.keyed = keyed == nullptr || keyed->to_bool().value_or(true);
    of.shape.typed_name = (options.hdr ? "hdr_" : "tdigest_") + of.shape.type;
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kNumbers));
    of.shape.format = read.format;
    return agg::percentiles(std::move(options), std::move(read.values));
}

AggregationResult read_weighted_avg(Definition& of) {
    KUMO_TRY(of.check({"value", "weight", "format", "value_type"}));
    const Json* value = of.find("value");
    const Json* weight = of.find("weight");
    if (value == nullptr || weight == nullptr) {
        return illegal_argument(
            "Required [" + std::string(value == nullptr ? "value" : "weight") + "]"
        );
    }
    KUMO_TRY_ASSIGN(ReadValues values, read_values(of, *value, Wants::kNumbers));
    KUMO_TRY_ASSIGN(ReadValues weights, read_values(of, *weight, Wants::kNumbers));
    of.shape.format = {};
    if (const Json* format = of.find("format")) {
        of.shape.format.pattern = format->text();
    }
    return agg::weighted_average(std::move(values.values), std::move(weights.values));
}

AggregationResult read_geo_metric(Definition& of) {
    KUMO_TRY(of.check({"field", "missing", "wrap_longitude", "value_type", "script"}));
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kPoints));
    if (of.shape.type == "geo_centroid") {
        return agg::geo_centroid(std::move(read.values));
    }
    const Json* wrap = of.find("wrap_longitude");
    return agg::geo_bounds(
        std::move(read.values),
        wrap == nullptr || wrap->to_bool().value_or(true)
    );
}

AggregationResult read_top_hits(Definition& of) {
    KUMO_TRY(of.check(
        {"from",
         "size",
         "sort",
         "_source",
         "highlight",
         "explain",
         "version",
         "seq_no_primary_term",
         "stored_fields",
         "docvalue_fields",
         "fields",
         "script_fields",
         "track_scores"}
    ));
    return agg::hits();
}

}  // namespace kumo::api_elastic
