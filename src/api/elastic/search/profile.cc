#include "api/elastic/search/profile.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string_view>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr int kDepthMax = 32;

std::int64_t nanos(Duration time) {
    return std::max<std::int64_t>(time.count(), 1);
}

std::string query_class(std::string_view type) {
    static const std::map<std::string_view, const char*> kClasses = {
        {"match_all", "MatchAllDocsQuery"},
        {"match_none", "MatchNoDocsQuery"},
        {"term", "TermQuery"},
        {"match", "TermQuery"},
        {"terms", "TermInSetQuery"},
        {"range", "IndexOrDocValuesQuery"},
        {"bool", "BooleanQuery"},
        {"match_phrase", "PhraseQuery"},
        {"prefix", "PrefixQuery"},
        {"wildcard", "WildcardQuery"},
        {"regexp", "RegexpQuery"},
        {"fuzzy", "FuzzyQuery"},
        {"constant_score", "ConstantScoreQuery"},
        {"dis_max", "DisjunctionMaxQuery"},
        {"function_score", "FunctionScoreQuery"},
        {"nested", "ToParentBlockJoinQuery"},
        {"exists", "ConstantScoreQuery"},
        {"ids", "TermInSetQuery"},
        {"boosting", "FunctionScoreQuery"}};
    const auto found = kClasses.find(type);
    return found == kClasses.end() ? std::string(type) : found->second;
}

Json query_breakdown(const ProfiledSearch& search) {
    Json out = Json::object();
    for (const char* const stage :
         {"set_min_competitive_score",
          "match",
          "shallow_advance",
          "next_doc",
          "score",
          "compute_max_score",
          "advance",
          "build_scorer",
          "create_weight"}) {
        const std::string name = stage;
        const bool walks = name == "next_doc";
        const bool once = name == "create_weight" || name == "build_scorer";
        out[name] = walks ? nanos(search.query_time) : once ? 1 : 0;
        out[name + "_count"] = walks ? search.matches : once ? std::uint64_t{1} : std::uint64_t{0};
    }
    return out;
}

Json query_json(const ProfiledSearch& search, const Json& query, int depth) {
    const bool all = !query.is_object() || query.empty();
    const std::string type = all ? "match_all" : query.members().front().first;
    Json out = Json::object(
        {{"type", query_class(type)},
         {"description", all ? "*:*" : query.dump()},
         {"time_in_nanos", nanos(search.query_time)},
         {"breakdown", query_breakdown(search)}}
    );
    if (type != "bool" || depth >= kDepthMax) {
        return out;
    }
    Json children = Json::array();
    for (const auto& [clause, of] : query.members().front().second.members()) {
        if (clause != "must" && clause != "should" && clause != "filter" && clause != "must_not") {
            continue;
        }
        for (const Json& one : of.is_array() ? of.items() : Json::Array{of}) {
            children.push(query_json(search, one, depth + 1));
        }
    }
    if (!children.empty()) {
        out["children"] = std::move(children);
    }
    return out;
}

Json aggregation_breakdown(const ProfiledSearch& search, std::uint64_t documents) {
    const AggregationTimes& times = search.times;
    Json out = Json::object();
    const auto add = [&out](const std::string& name, std::int64_t time, std::uint64_t count) {
        out[name] = time;
        out[name + "_count"] = count;
    };
    add("reduce", 0, 0);
    add("post_collection", nanos(times.post_collection), 1);
    add("build_leaf_collector", nanos(times.build_leaf_collector), search.parts);
    add("build_aggregation", nanos(times.build_aggregation), 1);
    add("initialize", nanos(times.initialize), 1);
    add("collect", nanos(times.collect), documents);
    return out;
}

struct Buckets {
    std::uint64_t filled = 0;
    std::uint64_t documents = 0;
};

/// Of all answers of one aggregation, in whichever buckets above it.
Buckets count_buckets(const std::vector<const Json*>& answers) {
    Buckets out;
    for (const Json* const answer : answers) {
        const Json* const buckets = answer->find("buckets");
        if (buckets == nullptr) {
            continue;
        }
        const auto add = [&out](const Json& bucket) {
            const Json* const count = bucket.find("doc_count");
            const std::uint64_t documents =
                count == nullptr
                    ? 0
                    : static_cast<std::uint64_t>(std::max<std::int64_t>(count->as_int64(), 0));
            out.filled += documents > 0 ? 1 : 0;
            out.documents += documents;
        };
        for (const Json& bucket : buckets->items()) {
            add(bucket);
        }
        for (const auto& [key, bucket] : buckets->members()) {
            add(bucket);
        }
    }
    return out;
}

std::vector<const Json*>
answers_below(const std::vector<const Json*>& answers, const std::string& name) {
    std::vector<const Json*> out;
    const auto add = [&](const Json& holder) {
        if (const Json* const found = holder.find(name)) {
            out.push_back(found);
        }
    };
    for (const Json* const answer : answers) {
        add(*answer);
        const Json* const buckets = answer->find("buckets");
        if (buckets != nullptr) {
            for (const Json& bucket : buckets->items()) {
                add(bucket);
            }
            for (const auto& [key, bucket] : buckets->members()) {
                add(bucket);
            }
        }
    }
    return out;
}

struct Described {
    std::string type;
    Json debug = Json::object();
};

Described describe_terms(
    const MappedField* field,
    const Json& options,
    std::uint64_t buckets,
    const Json* children
) {
    Described out;
    const Json* const hint = options.find("execution_hint");
    const bool number = field != nullptr && (field->is_int() || field->is_real())
                        && options.find("script") == nullptr;
    const bool by_map = hint != nullptr && hint->text() == "map";
    out.type = number   ? "NumericTermsAggregator"
               : by_map ? "MapStringTermsAggregator"
                        : "GlobalOrdinalsStringTermsAggregator";
    const Json* const mode = options.find("collect_mode");
    if (children != nullptr && mode != nullptr && mode->text() == "breadth_first") {
        Json names = Json::array();
        for (const auto& [name, of] : children->members()) {
            names.push(name);
        }
        out.debug["deferred_aggregators"] = std::move(names);
    }
    if (number) {
        out.debug["result_strategy"] = field->kind == FieldKind::kUnsignedLong
                                           ? "unsigned_long_terms"
                                       : field->is_real() ? "double_terms"
                                                          : "long_terms";
        out.debug["total_buckets"] = buckets;
        return out;
    }
    out.debug["result_strategy"] = "terms";
    if (!by_map) {
        out.debug["collection_strategy"] = "dense";
        out.debug["segments_with_single_valued_ords"] = 0;
        out.debug["segments_with_multi_valued_ords"] = 0;
        out.debug["has_filter"] =
            options.find("include") != nullptr || options.find("exclude") != nullptr;
    }
    return out;
}

Described describe(
    const ProfiledSearch& search,
    const std::string& type,
    const Json& options,
    const Buckets& buckets,
    const Json* children
) {
    static const std::map<std::string_view, const char*> kClasses = {
        {"avg", "AvgAggregator"},
        {"sum", "SumAggregator"},
        {"min", "MinAggregator"},
        {"max", "MaxAggregator"},
        {"stats", "StatsAggregator"},
        {"extended_stats", "ExtendedStatsAggregator"},
        {"value_count", "ValueCountAggregator"},
        {"weighted_avg", "WeightedAvgAggregator"},
        {"percentiles", "TDigestPercentilesAggregator"},
        {"percentile_ranks", "TDigestPercentileRanksAggregator"},
        {"median_absolute_deviation", "MedianAbsoluteDeviationAggregator"},
        {"top_hits", "TopHitsAggregator"},
        {"filter", "FilterAggregator"},
        {"filters", "FiltersAggregator"},
        {"adjacency_matrix", "AdjacencyMatrixAggregator"},
        {"global", "GlobalAggregator"},
        {"missing", "MissingAggregator"},
        {"nested", "NestedAggregator"},
        {"reverse_nested", "ReverseNestedAggregator"},
        {"range", "RangeAggregator.NoOverlap"},
        {"date_range", "RangeAggregator.NoOverlap"},
        {"ip_range", "BinaryRangeAggregator"},
        {"composite", "CompositeAggregator"},
        {"multi_terms", "MultiTermsAggregator"},
        {"rare_terms", "StringRareTermsAggregator"},
        {"significant_terms", "GlobalOrdinalsStringTermsAggregator"},
        {"sampler", "SamplerAggregator"},
        {"geo_bounds", "GeoBoundsAggregator"},
        {"geo_centroid", "GeoCentroidAggregator"},
        {"geohash_grid", "GeoHashGridAggregator"},
        {"geotile_grid", "GeoTileGridAggregator"},
        {"variable_width_histogram", "VariableWidthHistogramAggregator"}};
    const Json* const path = options.find("field");
    const MappedField* const field = path == nullptr ? nullptr : search.mapping.find(path->text());
    Described out;
    if (type == "terms") {
        return describe_terms(field, options, buckets.filled, children);
    }
    if (type == "histogram" || type == "date_histogram" || type == "auto_date_histogram") {
        const bool range = field != nullptr && field->kind == FieldKind::kRange;
        out.type = type == "auto_date_histogram" ? "AutoDateHistogramAggregator.FromSingle"
                   : range                       ? "RangeHistogramAggregator"
                   : type == "histogram"         ? "NumericHistogramAggregator"
                                                 : "DateHistogramAggregator";
        out.debug["total_buckets"] = buckets.filled;
        if (type != "histogram") {
            // Columns are read part by part; there is no tree of points to walk.
            out.debug["optimized_segments"] = search.parts;
            out.debug["unoptimized_segments"] = 0;
            out.debug["leaf_visited"] = 0;
            out.debug["inner_visited"] = 0;
        }
        return out;
    }
    if (type == "cardinality") {
        const bool number = field != nullptr && (field->is_int() || field->is_real());
        out.type = "CardinalityAggregator";
        out.debug["empty_collectors_used"] = field == nullptr ? 1 : 0;
        out.debug["numeric_collectors_used"] = number ? 1 : 0;
        out.debug["ordinals_collectors_used"] = number || field == nullptr ? 0 : 1;
        out.debug["ordinals_collectors_overhead_too_high"] = 0;
        out.debug["string_hashing_collectors_used"] = 0;
        return out;
    }
    const auto found = kClasses.find(type);
    out.type = found == kClasses.end() ? type : found->second;
    return out;
}

Json aggregations_json(
    const ProfiledSearch& search,
    const Json& asked,
    const std::vector<const Json*>& above,
    std::uint64_t documents,
    int depth
) {
    Json out = Json::array();
    for (const auto& [name, of] : asked.is_object() ? asked.members() : Json::Object()) {
        const Json* children = of.find("aggs");
        children = children == nullptr ? of.find("aggregations") : children;
        std::string type;
        const Json* options = nullptr;
        for (const auto& [key, value] : of.is_object() ? of.members() : Json::Object()) {
            if (key != "aggs" && key != "aggregations" && key != "meta") {
                type = key;
                options = &value;
            }
        }
        if (options == nullptr || options->find("buckets_path") != nullptr) {
            continue;  // Pipelines collect nothing.
        }
        const std::vector<const Json*> answers = answers_below(above, name);
        const Buckets buckets = count_buckets(answers);
        Described described = describe(search, type, *options, buckets, children);
        Json one = Json::object(
            {{"type", described.type},
             {"description", name},
             {"time_in_nanos", nanos(search.times.collect)},
             {"breakdown", aggregation_breakdown(search, documents)}}
        );
        if (!described.debug.empty()) {
            one["debug"] = std::move(described.debug);
        }
        if (children != nullptr && depth < kDepthMax) {
            one["children"] =
                aggregations_json(search, *children, answers, buckets.documents, depth + 1);
        }
        out.push(std::move(one));
    }
    return out;
}

}  // namespace

Json profile_json(const ProfiledSearch& search) {
    Json collector = Json::object(
        {{"name", "SimpleTopDocsCollectorContext"},
         {"reason", "search_top_hits"},
         {"time_in_nanos", nanos(search.collect_time)}}
    );
    Json searches = Json::array({Json::object(
        {{"query", Json::array({query_json(search, search.query, 0)})},
         {"rewrite_time", 1},
         {"collector", Json::array({std::move(collector)})}}
    )});
    Json fetch = Json::object(
        {{"type", "fetch"},
         {"description", "fetch"},
         {"time_in_nanos", nanos(search.fetch_time)},
         {"breakdown", Json::object()}}
    );
    return Json::object(
        {{"id", search.id},
         {"inbound_network_time_in_millis", 0},
         {"outbound_network_time_in_millis", 0},
         {"searches", std::move(searches)},
         {"aggregations",
          aggregations_json(search, search.aggregations, {&search.answers}, search.matches, 0)},
         {"fetch", Json::array({std::move(fetch)})}}
    );
}

}  // namespace kumo::api_elastic
