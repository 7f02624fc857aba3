#include "api/elastic/aggregation/internal/builder.h"

#include "api/elastic/nearest_name.h"
#include "search/tree/pattern.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

struct Entry {
    AggregationResult (*read)(Definition&);
    bool buckets;  ///< May have others in it.
};

const std::map<std::string, Entry, std::less<>>& entries();

AggregationResult read_nested(Definition& of);

Result<Aggregations> read_level(
    const Json& json,
    const AggregationContext& context,
    const std::string& parent,
    std::uint32_t depth
);

constexpr std::uint32_t kDepthMax = 50;

bool is_children(const std::string& key) {
    return key == "aggs" || key == "aggregations";
}

Status check_name(const std::string& name) {
    if (name.empty() || name.find_first_of("[]>") != std::string::npos) {
        return parsing_error(
            "Invalid aggregation name [" + name
            + "]. Aggregation names can contain any character except '[', ']', and '>'"
        );
    }
    return {};
}

struct Parts {
    std::string type;
    const Json* body = nullptr;
    const Json* children = nullptr;
    const Json* meta = nullptr;
};

Result<Parts> parts_of(const std::string& name, const Json& json) {
    if (!json.is_object()) {
        return parsing_error(
            "Aggregation definition for [" + name + " starts with a [VALUE_STRING], expected a "
            "[START_OBJECT]."
        );
    }
    Parts out;
    for (const auto& [key, value] : json.members()) {
        if (key == "meta") {
            out.meta = &value;
        } else if (is_children(key)) {
            if (out.children != nullptr) {
                return parsing_error("Found two sub aggregation definitions under [" + name + "]");
            }
            out.children = &value;
        } else if (!value.is_object()) {
            return parsing_error(
                "Expected [START_OBJECT] under [" + key + "], but got a [VALUE_STRING] in [" + name
                + "]"
            );
        } else if (out.body != nullptr) {
            return parsing_error(
                "Found two aggregation type definitions in [" + name + "]: [" + out.type + "] and ["
                + key + "]"
            );
        } else {
            out.type = key;
            out.body = &value;
        }
    }
    if (out.body == nullptr) {
        return parsing_error("Missing definition for aggregation [" + name + "]");
    }
    return out;
}

Error unknown_type(const std::string& type) {
    std::vector<std::string_view> known;
    for (const auto& [name, entry] : entries()) {
        known.push_back(name);
    }
    const std::string near = nearest_name(type, known);
    return parsing_error(
        "Unknown aggregation type [" + type + "]"
        + (near.empty() ? "" : " did you mean [" + near + "]?")
    );
}

struct Pending {
    std::string name;
    std::string path;
    std::shared_ptr<const agg::Pipeline> pipeline;
};

/// Pipelines that look at others come after them.
std::vector<std::shared_ptr<const agg::Pipeline>> in_order(std::vector<Pending> all) {
    std::vector<std::shared_ptr<const agg::Pipeline>> out;
    while (!all.empty()) {
        const auto waits = [&all](const Pending& one) {
            return std::any_of(all.begin(), all.end(), [&one](const Pending& other) {
                if (&other == &one) {
                    return false;
                }
                const bool begins = one.path.starts_with(other.name);
                const char next = begins && one.path.size() > other.name.size()
                                      ? one.path[other.name.size()]
                                      : '>';
                return begins && (next == '>' || next == '.' || next == '[' || next == '\n');
            });
        };
        auto ready = std::find_if_not(all.begin(), all.end(), waits);
        if (ready == all.end()) {
            ready = all.begin();
        }
        out.push_back(ready->pipeline);
        all.erase(ready);
    }
    return out;
}

std::string path_of(const Json& body) {
    const Json* path = body.find("buckets_path");
    if (path == nullptr) {
        return "";
    }
    if (path->is_string()) {
        return path->as_string();
    }
    // Several: whoever looks for a name finds it at the beginning of a line.
    std::string out;
    if (path->is_object()) {
        for (const auto& [name, value] : path->members()) {
            out += value.text() + "\n";
        }
    } else if (path->is_array()) {
        for (const Json& value : path->items()) {
            out += value.text() + "\n";
        }
    }
    return out;
}

Result<Aggregations> read_level(
    const Json& json,
    const AggregationContext& context,
    const std::string& parent,
    std::uint32_t depth
) {
    if (!json.is_object()) {
        return parsing_error("Unexpected token [VALUE] in [aggs]: expected [START_OBJECT]");
    }
    if (depth > kDepthMax) {
        return illegal_argument("aggregations are nested too deeply");
    }
    Aggregations out;
    std::vector<Pending> pending;
    for (const auto& [name, value] : json.members()) {
        KUMO_TRY(check_name(name));
        KUMO_TRY_ASSIGN(const Parts parts, parts_of(name, value));
        Definition of{context, name, *parts.body, parent};
        of.shape.name = name;
        of.shape.type = parts.type;
        of.shape.typed_name = parts.type;
        of.shape.meta = parts.meta != nullptr ? *parts.meta : Json();
        of.shape.options = *parts.body;
        if (is_pipeline(parts.type)) {
            of.shape.pipeline = true;
            KUMO_TRY_ASSIGN(ReadPipeline read, read_pipeline(of, parts.type));
            pending.push_back({name, path_of(*parts.body), std::move(read.pipeline)});
            out.shapes.push_back(std::move(of.shape));
            continue;
        }
        const auto entry = entries().find(parts.type);
        if (entry == entries().end()) {
            return unknown_type(parts.type);
        }
        if (parts.children != nullptr && parts.children->size() > 0 && !entry->second.buckets) {
            return fault(
                "aggregation_initialization_exception",
                "Aggregator [" + name + "] of type [" + parts.type
                    + "] cannot accept sub-aggregations"
            );
        }
        AggregationContext inner = context;
        std::optional<NestedDocs> nested;
        if (context.nested && (parts.type == "nested" || parts.type == "reverse_nested")) {
            const Json* path = parts.body->find("path");
            KUMO_TRY_ASSIGN(nested, context.nested(path != nullptr ? path->text() : ""));
            inner.indices = nested->indices;
            inner.nested = nested->nested;
        }
        if (parts.children != nullptr) {
            KUMO_TRY_ASSIGN(of.children, read_level(*parts.children, inner, parts.type, depth + 1));
        }
        std::vector<Shape> shapes = std::move(of.children.shapes);
        AggregationResult made =
            nested ? AggregationResult(agg::mapped(nested->map, std::move(of.children.level)))
                   : entry->second.read(of);
        if (!made.ok()) {
            return std::move(made).error();
        }
        of.shape.children = std::move(shapes);
        out.level.aggregations.push_back({name, std::move(made).value()});
        out.shapes.push_back(std::move(of.shape));
    }
    out.level.pipelines = in_order(std::move(pending));
    return out;
}

/// As if each document had one object: the documents themselves.
AggregationResult read_nested(Definition& of) {
    const auto same = [](agg::Run&, const agg::DocSet& docs) -> Result<agg::DocSet> {
        return docs;
    };
    return agg::mapped(same, std::move(of.children.level));
}

const std::map<std::string, Entry, std::less<>>& entries() {
    static const std::map<std::string, Entry, std::less<>> kEntries{
        {"adjacency_matrix", {read_adjacency_matrix, true}},
        {"auto_date_histogram", {read_auto_date_histogram, true}},
        {"avg", {read_metric, false}},
        {"cardinality", {read_metric, false}},
        {"composite", {read_composite, true}},
        {"date_histogram", {read_date_histogram, true}},
        {"date_range", {read_range, true}},
        {"diversified_sampler", {read_sampler, true}},
        {"extended_stats", {read_metric, false}},
        {"filter", {read_filter, true}},
        {"filters", {read_filters, true}},
        {"geo_bounds", {read_geo_metric, false}},
        {"geo_centroid", {read_geo_metric, false}},
        {"geo_distance", {read_geo_distance, true}},
        {"geohash_grid", {read_geo_grid, true}},
        {"geotile_grid", {read_geo_grid, true}},
        {"global", {read_global, true}},
        {"histogram", {read_histogram, true}},
        {"ip_range", {read_ip_range, true}},
        {"max", {read_metric, false}},
        {"median_absolute_deviation", {read_metric, false}},
        {"min", {read_metric, false}},
        {"missing", {read_missing, true}},
        {"multi_terms", {read_multi_terms, true}},
        {"nested", {read_nested, true}},
        {"percentile_ranks", {read_percentiles, false}},
        {"percentiles", {read_percentiles, false}},
        {"range", {read_range, true}},
        {"rare_terms", {read_rare_terms, true}},
        {"reverse_nested", {read_nested, true}},
        {"sampler", {read_sampler, true}},
        {"significant_terms", {read_significant_terms, true}},
        {"significant_text", {read_significant_text, true}},
        {"stats", {read_metric, false}},
        {"sum", {read_metric, false}},
        {"terms", {read_terms, true}},
        {"top_hits", {read_top_hits, false}},
        {"value_count", {read_metric, false}},
        {"variable_width_histogram", {read_variable_width_histogram, true}},
        {"weighted_avg", {read_weighted_avg, false}},
    };
    return kEntries;
}

}  // namespace

Status Definition::check(std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : body.members()) {
        if (std::find(known.begin(), known.end(), key) != known.end()) {
            continue;
        }
        const std::string near = nearest_name(key, {known.begin(), known.end()});
        return fault(
            "x_content_parse_exception",
            "[1:1] [" + shape.type + "] unknown field [" + key + "]"
                + (near.empty() ? "" : " did you mean [" + near + "]?")
        );
    }
    return {};
}

Result<std::int64_t>
integer_option(const Definition& of, std::string_view name, std::int64_t otherwise) {
    const Json* value = of.find(name);
    if (value == nullptr) {
        return otherwise;
    }
    const auto number = value->to_int64();
    if (!number) {
        return fault(
            "x_content_parse_exception",
            "[1:1] [" + of.shape.type + "] failed to parse field [" + std::string(name) + "]"
        );
    }
    return *number;
}

Result<std::vector<agg::Order>>
read_order(const Definition& of, std::vector<agg::Order> otherwise) {
    const Json* order = of.find("order");
    if (order == nullptr) {
        return otherwise;
    }
    std::vector<agg::Order> out;
    const Json::Array items = order->is_array() ? order->items() : Json::Array{*order};
    for (const Json& item : items) {
        if (!item.is_object() || item.size() != 1) {
            return parsing_error("Must specify at least one field for [order]");
        }
        const auto& [path, direction] = item.members().front();
        const std::string way = direction.text();
        if (way != "asc" && way != "desc" && way != "ASC" && way != "DESC") {
            return parsing_error("Unknown order direction [" + way + "]");
        }
        agg::Order one;
        one.ascending = way == "asc" || way == "ASC";
        if (path == "_count") {
            one.by = agg::OrderBy::kCount;
        } else if (path == "_key" || path == "_term" || path == "_time") {
            one.by = agg::OrderBy::kKey;
        } else {
            one.by = agg::OrderBy::kChild;
            one.path = path;
        }
        out.push_back(std::move(one));
    }
    if (out.empty() || out.back().by != agg::OrderBy::kKey) {
        out.push_back({agg::OrderBy::kKey, true, {}});
    }
    return out;
}

std::vector<std::string_view> aggregation_types() {
    std::vector<std::string_view> out;
    for (const auto& [type, entry] : entries()) {
        out.push_back(type);
    }
    return out;
}

Result<Aggregations>
parse_aggregations(const Json& aggregations, const AggregationContext& context) {
    return read_level(aggregations, context, "", 0);
}

Error aggregation_fault(const Error& error) {
    if (error.code == ErrorCode::kLimitExceeded
        && error.message.starts_with("Trying to create too many buckets")) {
        return fault("too_many_buckets_exception", error.message);
    }
    if (error.message.starts_with("buckets_path must reference")) {
        return fault("aggregation_execution_exception", error.message);
    }
    if (error.code == ErrorCode::kNotFound) {
        return illegal_argument(error.message);
    }
    return error;
}

}  // namespace kumo::api_elastic
