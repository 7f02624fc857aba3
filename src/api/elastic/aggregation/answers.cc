#include "api/elastic/aggregation/aggregation.h"
#include "api/elastic/fault.h"

#include <cmath>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// Writes the answers of one request.
class AnswerWriter {
public:
    AnswerWriter(bool typed_keys, const HitsWriter& hits) : typed_keys_(typed_keys), hits_(hits) {}

    Status write(
        const std::vector<Shape>& shapes,
        const std::vector<agg::NamedOutput>& outputs,
        Json& out
    );

private:
    Result<Json> answer(const Shape& shape, const agg::Output& output);
    Result<Json> metric(const Shape& shape, const agg::Output& output);
    Result<Json> buckets(const Shape& shape, const agg::Output& output);
    Result<Json> bucket(const Shape& shape, const agg::Bucket& bucket);
    Status add_key(const Shape& shape, const agg::Bucket& bucket, Json& out) const;
    static void add_stats(const Shape& shape, const agg::Output& output, Json& out);
    static void add_extended(const Shape& shape, const agg::Output& output, Json& out);
    static void add_percents(const Shape& shape, const agg::Output& output, Json& out);

    bool typed_keys_;
    const HitsWriter& hits_;
};

Json number(double value) {
    return std::isfinite(value) ? Json(value) : Json();
}

Json point(const search::GeoPoint& at) {
    return Json::object({{"lat", at.lat}, {"lon", at.lng}});
}

std::string range_bound(const Shape& shape, double value) {
    return shape.format.has_text() ? shape.format.text(value) : Json(value).text();
}

Status AnswerWriter::write(
    const std::vector<Shape>& shapes,
    const std::vector<agg::NamedOutput>& outputs,
    Json& out
) {
    for (const agg::NamedOutput& one : outputs) {
        for (const Shape& shape : shapes) {
            if (shape.name != one.name) {
                continue;
            }
            KUMO_TRY_ASSIGN(Json json, answer(shape, *one.output));
            out[typed_keys_ ? shape.typed_name + "#" + shape.name : shape.name] = std::move(json);
            break;
        }
    }
    return {};
}

Result<Json> AnswerWriter::answer(const Shape& shape, const agg::Output& output) {
    Json out = Json::object();
    if (!shape.meta.is_null()) {
        out["meta"] = shape.meta;
    }
    Json body;
    if (shape.type == "top_hits") {
        if (!hits_) {
            return fault("unsupported_operation_exception", "[top_hits] is not supported here");
        }
        KUMO_TRY_ASSIGN(body, hits_(shape.options, output.hits));
    } else if (output.single) {
        body = Json::object({{"doc_count", output.doc_count}});
        KUMO_TRY(write(shape.children, output.children, body));
    } else if (output.many) {
        KUMO_TRY_ASSIGN(body, buckets(shape, output));
    } else {
        KUMO_TRY_ASSIGN(body, metric(shape, output));
    }
    for (auto& [name, value] : body.members()) {
        out[name] = std::move(value);
    }
    return out;
}

void AnswerWriter::add_stats(const Shape& shape, const agg::Output& output, Json& out) {
    const agg::Stats& stats = output.stats;
    const bool none = stats.count == 0;
    out["count"] = stats.count;
    out["min"] = none ? Json() : number(stats.min);
    out["max"] = none ? Json() : number(stats.max);
    out["avg"] = none ? Json() : number(stats.average());
    out["sum"] = none ? Json(0.0) : number(stats.sum);
    if (shape.type.starts_with("extended_stats")) {
        add_extended(shape, output, out);
    }
    if (!none && shape.format.has_text()) {
        out["min_as_string"] = shape.format.text(stats.min);
        out["max_as_string"] = shape.format.text(stats.max);
        out["avg_as_string"] = shape.format.text(stats.average());
        out["sum_as_string"] = shape.format.text(stats.sum);
    }
}

void AnswerWriter::add_extended(const Shape& shape, const agg::Output& output, Json& out) {
    const agg::Stats& stats = output.stats;
    const bool none = stats.count == 0;
    const auto n = static_cast<double>(stats.count);
    const double variance = none ? 0 : stats.variance();
    const double sample = n > 1 ? variance * n / (n - 1) : std::nan("");
    const double deviation = std::sqrt(variance);
    const double sample_deviation = std::sqrt(sample);
    double sigma = 2;
    if (const Json* given = shape.options.find("sigma")) {
        sigma = given->to_double().value_or(sigma);
    }
    const auto shown = [none](double value) {
        return none ? Json() : number(value);
    };
    // A sample of one has no spread; the API says so by a word.
    const auto shown_sample = [none](double value) {
        return none ? Json() : (std::isfinite(value) ? Json(value) : Json("NaN"));
    };
    out["sum_of_squares"] = none ? Json() : number(stats.sum_of_squares);
    out["variance"] = shown(variance);
    out["variance_population"] = shown(variance);
    out["variance_sampling"] = shown_sample(sample);
    out["std_deviation"] = shown(deviation);
    out["std_deviation_population"] = shown(deviation);
    out["std_deviation_sampling"] = shown_sample(sample_deviation);
    const double average = none ? 0 : stats.average();
    Json bounds = Json::object();
    bounds["upper"] = shown(average + sigma * deviation);
    bounds["lower"] = shown(average - sigma * deviation);
    bounds["upper_population"] = shown(average + sigma * deviation);
    bounds["lower_population"] = shown(average - sigma * deviation);
    bounds["upper_sampling"] = shown_sample(average + sigma * sample_deviation);
    bounds["lower_sampling"] = shown_sample(average - sigma * sample_deviation);
    out["std_deviation_bounds"] = std::move(bounds);
}

void AnswerWriter::add_percents(const Shape& shape, const agg::Output& output, Json& out) {
    Json values = shape.keyed ? Json::object() : Json::array();
    for (const auto& [wanted, found] : output.percents) {
        const std::string name = Json(wanted).text();
        const bool text = std::isfinite(found) && shape.format.has_text();
        if (shape.keyed) {
            values[name] = number(found);
            if (text) {
                values[name + "_as_string"] = shape.format.text(found);
            }
            continue;
        }
        Json one = Json::object({{"key", wanted}, {"value", number(found)}});
        if (text) {
            one["value_as_string"] = shape.format.text(found);
        }
        values.push(std::move(one));
    }
    out["values"] = std::move(values);
}

Result<Json> AnswerWriter::metric(const Shape& shape, const agg::Output& output) {
    Json out = Json::object();
    const std::string& type = shape.type;
    if (type == "stats" || type == "extended_stats" || type == "stats_bucket"
        || type == "extended_stats_bucket") {
        add_stats(shape, output, out);
    } else if (type == "percentiles" || type == "percentile_ranks" || type == "percentiles_bucket") {
        add_percents(shape, output, out);
    } else if (type == "geo_bounds") {
        if (output.top_left) {
            out["bounds"] = Json::object(
                {{"top_left", point(*output.top_left)},
                 {"bottom_right", point(*output.bottom_right)}}
            );
        }
    } else if (type == "geo_centroid") {
        if (output.center) {
            out["location"] = point(*output.center);
        }
        out["count"] = output.count;
    } else {
        const bool counts = type == "cardinality" || type == "value_count";
        if (counts) {
            out["value"] = static_cast<std::int64_t>(output.value.value_or(0));
        } else {
            out["value"] = output.value ? number(*output.value) : Json();
        }
        if (output.value && !counts && std::isfinite(*output.value) && shape.format.has_text()) {
            out["value_as_string"] = shape.format.text(*output.value);
        }
        if (type == "derivative" && !output.percents.empty()) {
            out["normalized_value"] = number(output.percents.front().second);
        }
        if (type == "min_bucket" || type == "max_bucket") {
            Json keys = Json::array();
            for (const std::string& name : output.bucket_names) {
                keys.push(name);
            }
            out["keys"] = std::move(keys);
        }
    }
    return out;
}

Status AnswerWriter::add_key(const Shape& shape, const agg::Bucket& bucket, Json& out) const {
    const std::string& type = shape.type;
    if (type == "composite") {
        Json key = Json::object();
        for (std::size_t i = 0; i < bucket.keys.size(); ++i) {
            const ValueFormat& format = shape.formats[i];
            Json value;
            if (bucket.keys[i]) {
                const auto text =
                    format.raw_dates ? std::nullopt : format.key_text(*bucket.keys[i]);
                value = text && !format.boolean ? Json(*text) : format.key(*bucket.keys[i]);
                if (format.boolean) {
                    value = agg::number_of(*bucket.keys[i]) != 0;
                }
            }
            key[shape.sources[i]] = std::move(value);
        }
        out["key"] = std::move(key);
        return {};
    }
    if (type == "multi_terms") {
        Json key = Json::array();
        std::string text;
        for (std::size_t i = 0; i < bucket.keys.size(); ++i) {
            const ValueFormat& format = shape.formats[i];
            const auto own = format.key_text(*bucket.keys[i]);
            Json value = own ? Json(*own) : format.key(*bucket.keys[i]);
            text += (i == 0 ? "" : "|") + value.text();
            key.push(std::move(value));
        }
        out["key"] = std::move(key);
        out["key_as_string"] = std::move(text);
        return {};
    }
    if (!bucket.name.empty()) {
        out["key"] = bucket.name;
    } else if (type == "filters") {
        return {};
    } else {
        const auto text = shape.format.key_text(bucket.key);
        const bool histogram = type.find("histogram") != std::string::npos;
        if (text && histogram) {
            out["key_as_string"] = *text;
        }
        out["key"] = shape.format.key(bucket.key);
        if (text && !histogram) {
            out["key_as_string"] = *text;
        }
    }
    return {};
}

Result<Json> AnswerWriter::bucket(const Shape& shape, const agg::Bucket& bucket) {
    Json out = Json::object();
    const std::string& type = shape.type;
    const bool filters = type == "filters";
    if (!filters) {
        KUMO_TRY(add_key(shape, bucket, out));
    }
    if (shape.keyed && !filters && type != "histogram" && type != "date_histogram") {
        out.erase("key");
    }
    if (type == "variable_width_histogram") {
        out = Json::object(
            {{"min", *bucket.from},
             {"key", number(agg::number_of(bucket.key))},
             {"max", *bucket.to}}
        );
    } else if (bucket.from || bucket.to) {
        if (bucket.from) {
            out["from"] = *bucket.from;
            if (shape.format.has_text()) {
                out["from_as_string"] = range_bound(shape, *bucket.from);
            }
        }
        if (bucket.to) {
            out["to"] = *bucket.to;
            if (shape.format.has_text()) {
                out["to_as_string"] = range_bound(shape, *bucket.to);
            }
        }
    }
    if (!bucket.from_text.empty()) {
        out["from"] = ip_text(bucket.from_text);
    }
    if (!bucket.to_text.empty()) {
        out["to"] = ip_text(bucket.to_text);
    }
    out["doc_count"] = bucket.doc_count;
    if (shape.type.starts_with("significant")) {
        out["score"] = number(bucket.score);
        out["bg_count"] = bucket.background;
    }
    if (const Json* shown = shape.options.find("show_term_doc_count_error");
        shown != nullptr && shown->to_bool().value_or(false)) {
        out["doc_count_error_upper_bound"] = 0;
    }
    KUMO_TRY(write(shape.children, bucket.children, out));
    return out;
}

std::string bucket_name(const Shape& shape, const agg::Bucket& bucket) {
    if (!bucket.name.empty()) {
        return bucket.name;
    }
    if (const auto text = shape.format.key_text(bucket.key)) {
        return *text;
    }
    return shape.format.key(bucket.key).text();
}

Result<Json> AnswerWriter::buckets(const Shape& shape, const agg::Output& output) {
    Json out = Json::object();
    const std::string& type = shape.type;
    if (type == "terms" || type == "multi_terms") {
        out["doc_count_error_upper_bound"] = 0;
        out["sum_other_doc_count"] = output.other_count;
    } else if (type.starts_with("significant")) {
        out["doc_count"] = output.doc_count;
        out["bg_count"] = output.background;
    } else if (type == "composite" && !output.after.empty()) {
        agg::Bucket last;
        last.keys = output.after;
        Json key = Json::object();
        KUMO_TRY(add_key(shape, last, key));
        out["after_key"] = *key.find("key");
    }
    Json list = shape.keyed ? Json::object() : Json::array();
    for (const agg::Bucket& one : output.buckets) {
        KUMO_TRY_ASSIGN(Json json, bucket(shape, one));
        if (shape.keyed) {
            list[bucket_name(shape, one)] = std::move(json);
        } else {
            list.push(std::move(json));
        }
    }
    out["buckets"] = std::move(list);
    if (type == "auto_date_histogram") {
        out["interval"] = output.interval;
    }
    return out;
}

}  // namespace

Result<Json> aggregations_json(
    const Aggregations& aggregations,
    const std::vector<agg::NamedOutput>& outputs,
    bool typed_keys,
    const HitsWriter& hits
) {
    Json out = Json::object();
    KUMO_TRY(AnswerWriter(typed_keys, hits).write(aggregations.shapes, outputs, out));
    return out;
}

}  // namespace kumo::api_elastic
