#include "api/elastic/query/query.h"

#include "api/elastic/query/internal/query_parser.h"
#include "search/analysis/chain.h"
#include "search/tree/pattern.h"

#include <algorithm>

namespace kumo::api_elastic {

const std::vector<QueryParser::Entry>& QueryParser::entries() {
    static const std::vector<Entry> kEntries{
        {"bool", read_bool},
        {"boosting", read_boosting},
        {"combined_fields", read_combined_fields},
        {"constant_score", read_constant_score},
        {"dis_max", read_dis_max},
        {"distance_feature", read_distance_feature},
        {"exists", read_exists},
        {"function_score", read_function_score},
        {"fuzzy", read_fuzzy},
        {"geo_bounding_box", read_geo_bounding_box},
        {"geo_distance", read_geo_distance},
        {"geo_polygon", read_geo_polygon},
        {"geo_shape", read_geo_shape},
        {"ids", read_ids},
        {"intervals", read_intervals},
        {"knn", read_knn},
        {"match", read_match},
        {"match_all", read_match_all},
        {"match_bool_prefix", read_match_bool_prefix},
        {"match_none", read_match_none},
        {"match_phrase", read_match_phrase},
        {"match_phrase_prefix", read_match_phrase_prefix},
        {"more_like_this", read_more_like_this},
        {"multi_match", read_multi_match},
        {"nested", read_nested},
        {"prefix", read_prefix},
        {"query_string", read_query_string},
        {"range", read_range},
        {"rank_feature", read_rank_feature},
        {"regexp", read_regexp},
        {"script", read_script},
        {"script_score", read_script_score},
        {"simple_query_string", read_simple_query_string},
        {"span_containing", read_span_containing},
        {"span_first", read_span_first},
        {"span_multi", read_span_multi},
        {"span_near", read_span_near},
        {"span_not", read_span_not},
        {"span_or", read_span_or},
        {"span_term", read_span_term},
        {"span_within", read_span_within},
        {"term", read_term},
        {"terms", read_terms},
        {"terms_set", read_terms_set},
        {"wildcard", read_wildcard},
        {"wrapper", read_wrapper},
    };
    return kEntries;
}

Error QueryParser::unknown_query(const std::string& name) {
    std::string reason = "unknown query [" + name + "]";
    const std::u32string wanted = tree::code_points_of(name);
    std::string near;
    constexpr std::uint32_t kEditsMax = 2;
    std::uint32_t least = kEditsMax + 1;
    for (const Entry& entry : entries()) {
        const std::uint32_t edits =
            tree::edit_distance(wanted, tree::code_points_of(entry.name), kEditsMax, true);
        if (edits < least) {
            least = edits;
            near = std::string(entry.name);
        }
    }
    return parsing_error(near.empty() ? reason : reason + " did you mean [" + near + "]?");
}

NodeResult QueryParser::parse(const Json& query) {
    if (!query.is_object()) {
        return parsing_error("[_na] query malformed, must start with start_object");
    }
    if (query.members().empty()) {
        return illegal_argument("query malformed, empty clause found");
    }
    const auto& [name, body] = query.members().front();
    if (query.size() > 1) {
        return parsing_error(
            "[" + name + "] malformed query, expected [END_OBJECT] but found [FIELD_NAME]"
        );
    }
    const auto& all = entries();
    const auto entry =
        std::lower_bound(all.begin(), all.end(), name, [](const Entry& a, const auto& b) {
            return a.name < b;
        });
    if (entry == all.end() || entry->name != name) {
        return unknown_query(name);
    }
    if (!body.is_object()) {
        return parsing_error("[" + name + "] query malformed, no start_object after query name");
    }
    // Every nested query comes by here; what is not a boolean one nests in the same way.
    constexpr std::uint32_t kDepthMax = 100;
    if (++depth_ > kDepthMax) {
        return illegal_argument(
            "The depth of the queries has exceeded the allowed maximum of ["
            + std::to_string(kDepthMax) + "]"
        );
    }
    NodeResult out = entry->read(*this, body);
    --depth_;
    return out;
}

NodeResult QueryParser::finish(tree::NodePtr node, const Json& options) {
    if (const Json* boost = options.find("boost")) {
        const auto factor = boost->to_double();
        if (!factor) {
            return fault("number_format_exception", "For input string: \"" + boost->text() + "\"");
        }
        if (*factor < 0) {
            return illegal_argument(
                "negative [boost] are not allowed in [" + boost->text()
                + "], use a value between 0 and 1 to deboost"
            );
        }
        node = tree::boosted(std::move(node), static_cast<float>(*factor));
    }
    if (const Json* name = options.find("_name"); name != nullptr && context_.named != nullptr) {
        context_.named->push_back({name->text(), node});
    }
    return node;
}

Result<FieldBody> field_body(
    std::string_view query,
    const Json& body,
    std::initializer_list<std::string_view> value_names
) {
    FieldBody out;
    out.options = Json::object();
    bool found = false;
    const std::string name(query);
    for (const auto& [key, value] : body.members()) {
        if (key == "boost" || key == "_name") {
            out.options[key] = value;
            continue;
        }
        if (found) {
            return parsing_error(
                "[" + name + "] query doesn't support multiple fields, found [" + out.field
                + "] and [" + key + "]"
            );
        }
        if (value.is_array()) {
            return parsing_error(
                "[" + name + "] query malformed, no start_object after query name"
            );
        }
        found = true;
        out.field = key;
        if (!value.is_object()) {
            out.value = value;
            continue;
        }
        for (const auto& [option, inner] : value.members()) {
            const bool is_value =
                std::find(value_names.begin(), value_names.end(), option) != value_names.end();
            if (is_value) {
                out.value = inner;
            } else {
                out.options[option] = inner;
            }
        }
    }
    if (!found || out.field.empty()) {
        return illegal_argument("field name is null or empty");
    }
    return out;
}

Status check_options(
    std::string_view query,
    const Json& options,
    std::initializer_list<std::string_view> known
) {
    for (const auto& [key, value] : options.members()) {
        if (key != "boost" && key != "_name"
            && std::find(known.begin(), known.end(), key) == known.end()) {
            return QueryParser::unknown_option(query, key);
        }
    }
    return {};
}

Result<tree::NodePtr> parse_query(const Json& query, const QueryContext& context) {
    return QueryParser(context).parse(query);
}

Json uri_query(const UriQuery& uri) {
    if (uri.q.empty()) {
        return Json::object({{"match_all", Json::object()}});
    }
    Json options = Json::object({{"query", uri.q}});
    if (!uri.df.empty()) {
        options["default_field"] = uri.df;
    }
    if (!uri.analyzer.empty()) {
        options["analyzer"] = uri.analyzer;
    }
    if (!uri.default_operator.empty()) {
        options["default_operator"] = uri.default_operator;
    }
    if (uri.lenient) {
        options["lenient"] = true;
    }
    if (uri.analyze_wildcard) {
        options["analyze_wildcard"] = true;
    }
    return Json::object({{"query_string", std::move(options)}});
}

Result<search::TokenBuffer> analyze_query(
    const QueryContext& context,
    const MappedField& field,
    const std::string& text,
    const std::string& analyzer
) {
    std::string chain = field.search_analyzer.empty() ? field.analyzer : field.search_analyzer;
    if (!analyzer.empty()) {
        auto found = context.mapping.analyzer(analyzer);
        if (!found.ok()) {
            return fault("query_shard_exception", "[match] analyzer [" + analyzer + "] not found");
        }
        chain = std::move(found).value();
    }
    search::TokenBuffer out;
    search::AnalysisChain::of(chain)->analyze(text, out);
    return out;
}

namespace {

/// The number that `spec`, without conditions, asks for: a count or a part, below zero what may
/// lack.
Result<std::int64_t> plain_minimum(std::int64_t clauses, std::string spec) {
    const bool percent = !spec.empty() && spec.back() == '%';
    if (percent) {
        spec.pop_back();
    }
    const auto number = Json(spec).to_int64();
    if (!number) {
        return fault("number_format_exception", "For input string: \"" + spec + "\"");
    }
    std::int64_t wanted = *number;
    if (percent) {
        wanted = clauses * std::clamp<std::int64_t>(*number, -1000, 1000) / 100;
    }
    return *number < 0 ? clauses + wanted : wanted;
}

}  // namespace

Result<std::int64_t> minimum_should_match(std::int64_t clauses, const std::string& spec) {
    std::int64_t out = clauses;
    if (spec.find('<') == std::string::npos) {
        std::string trimmed = spec;
        std::erase(trimmed, ' ');
        KUMO_TRY_ASSIGN(out, plain_minimum(clauses, trimmed));
        return std::clamp<std::int64_t>(out, 0, clauses);
    }
    for (std::size_t at = 0; at < spec.size();) {
        std::size_t end = spec.find(' ', at);
        end = end == std::string::npos ? spec.size() : end;
        const std::string condition = spec.substr(at, end - at);
        at = end + 1;
        const std::size_t less = condition.find('<');
        if (condition.empty() || less == std::string::npos) {
            continue;
        }
        const auto bound = Json(condition.substr(0, less)).to_int64();
        if (!bound) {
            return fault("number_format_exception", "For input string: \"" + condition + "\"");
        }
        if (clauses <= *bound) {
            break;
        }
        KUMO_TRY_ASSIGN(out, plain_minimum(clauses, condition.substr(less + 1)));
    }
    return std::clamp<std::int64_t>(out, 0, clauses);
}

}  // namespace kumo::api_elastic
