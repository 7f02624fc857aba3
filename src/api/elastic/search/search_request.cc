#include "api/elastic/search/search_request.h"

#include "api/elastic/fault.h"
#include "api/elastic/query/query.h"

#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

std::string_view token_of(const Json& value) {
    if (value.is_object()) {
        return "START_OBJECT";
    }
    if (value.is_array()) {
        return "START_ARRAY";
    }
    if (value.is_string()) {
        return "VALUE_STRING";
    }
    if (value.is_number()) {
        return "VALUE_NUMBER";
    }
    return value.is_bool() ? "VALUE_BOOLEAN" : "VALUE_NULL";
}

Error unknown_key(const std::string& name, const Json& value) {
    return parsing_error(
        "Unknown key for a " + std::string(token_of(value)) + " in [" + name + "]."
    );
}

Result<std::vector<WantedField>> wanted_fields(const Json& list) {
    std::vector<WantedField> out;
    for (const Json& entry : list.is_array() ? list.items() : Json::Array{list}) {
        WantedField field;
        if (!entry.is_object()) {
            field.pattern = entry.text();
            out.push_back(std::move(field));
            continue;
        }
        for (const auto& [name, value] : entry.members()) {
            if (name == "field") {
                field.pattern = value.text();
            } else if (name == "format") {
                field.format = value.is_null() ? "" : value.text();
            } else if (name == "include_unmapped") {
                field.include_unmapped = value.to_bool().value_or(false);
            } else {
                return fault("x_content_parse_exception", "[fields] unknown field [" + name + "]");
            }
        }
        out.push_back(std::move(field));
    }
    return out;
}

void read_stored_fields(const Json& value, SearchBody& out) {
    out.shows_source = false;
    for (const Json& one : value.is_array() ? value.items() : Json::Array{value}) {
        const std::string name = one.text();
        if (name == "_none_") {
            out.stored_none = true;
        } else if (name == "_source") {
            out.shows_source = true;
        } else {
            out.stored_fields.push_back(name);
        }
    }
}

Status read_total(const Json& value, SearchBody& out) {
    if (const auto flag = value.to_bool()) {
        out.track_total_hits = *flag ? -1 : 0;
        return {};
    }
    const auto number = value.to_int64();
    if (!number || *number < -1 || *number == 0) {
        if (number && *number == 0) {
            out.track_total_hits = 0;
            return {};
        }
        return illegal_argument(
            "[track_total_hits] parameter must be positive or equals to -1, got " + value.text()
        );
    }
    out.track_total_hits = *number;
    return {};
}

Status read_number(const std::string& name, const Json& value, std::int64_t& out) {
    const auto number = value.to_int64();
    if (!number) {
        return parsing_error(
            "Failed to parse int parameter [" + name + "] with value [" + value.text() + "]"
        );
    }
    if (*number < 0) {
        return illegal_argument(
            "[" + name + "] parameter cannot be negative, found [" + value.text() + "]"
        );
    }
    out = *number;
    return {};
}

/// Members that are kept as they are.
Json* kept_member(const std::string& name, SearchBody& out) {
    const std::map<std::string_view, Json*> members = {
        {"query", &out.query},
        {"post_filter", &out.post_filter},
        {"aggs", &out.aggregations},
        {"aggregations", &out.aggregations},
        {"highlight", &out.highlight},
        {"suggest", &out.suggest},
        {"collapse", &out.collapse},
        {"rescore", &out.rescore},
        {"knn", &out.knn},
        {"pit", &out.pit},
        {"slice", &out.slice},
        {"search_after", &out.search_after},
        {"indices_boost", &out.indices_boost},
        {"script_fields", &out.script_fields}};
    const auto found = members.find(name);
    return found == members.end() ? nullptr : found->second;
}

bool* flag_member(const std::string& name, SearchBody& out) {
    const std::map<std::string_view, bool*> members = {
        {"explain", &out.explain},
        {"version", &out.version},
        {"seq_no_primary_term", &out.seq_no},
        {"track_scores", &out.track_scores},
        {"profile", &out.profile},
        {"include_named_queries_score", &out.named_scores}};
    const auto found = members.find(name);
    return found == members.end() ? nullptr : found->second;
}

bool is_known_and_ignored(std::string_view name) {
    return name == "timeout" || name == "ext" || name == "verbose_pipeline"
           || name == "search_pipeline";
}

Status read_member(const std::string& name, const Json& value, SearchBody& out) {
    if (Json* const kept = kept_member(name, out)) {
        const bool object = name == "query" || name == "aggs" || name == "aggregations"
                            || name == "post_filter" || name == "highlight" || name == "suggest"
                            || name == "collapse";
        if (object && !value.is_object()) {
            return unknown_key(name, value);
        }
        *kept = value;
        return {};
    }
    if (bool* const flag = flag_member(name, out)) {
        const auto given = value.to_bool();
        if (!given) {
            return parsing_error(
                "Failed to parse value [" + value.text()
                + "] as only [true] or [false] are allowed."
            );
        }
        *flag = *given;
        return {};
    }
    if (name == "from" || name == "size" || name == "terminate_after") {
        return read_number(
            name,
            value,
            name == "from"   ? out.from
            : name == "size" ? out.size
                             : out.terminate_after
        );
    }
    if (name == "sort") {
        KUMO_TRY_ASSIGN(out.sort, parse_sort(value));
        out.sorts = true;
        return {};
    }
    if (name == "min_score") {
        const auto number = value.to_double();
        if (!number) {
            return parsing_error("[min_score] is a number");
        }
        out.min_score = static_cast<float>(*number);
        return {};
    }
    if (name == "track_total_hits") {
        return read_total(value, out);
    }
    if (name == "_source") {
        KUMO_TRY_ASSIGN(out.source, SourceFilter::of(value));
        out.shows_source = out.source.show;
        out.source_said = true;
        return {};
    }
    if (name == "stored_fields") {
        read_stored_fields(value, out);
        return {};
    }
    if (name == "fields") {
        KUMO_TRY_ASSIGN(out.fields, wanted_fields(value));
        return {};
    }
    if (name == "stats") {
        for (const Json& one : value.is_array() ? value.items() : Json::Array{value}) {
            out.groups.push_back(one.text());
        }
        return {};
    }
    if (name == "docvalue_fields") {
        KUMO_TRY_ASSIGN(out.docvalue_fields, wanted_fields(value));
        return {};
    }
    return is_known_and_ignored(name) ? Status() : Status(unknown_key(name, value));
}

Status read_flags(const Parameters& parameters, SearchBody& out) {
    KUMO_TRY_ASSIGN(out.explain, parameters.flag("explain", out.explain));
    KUMO_TRY_ASSIGN(out.version, parameters.flag("version", out.version));
    KUMO_TRY_ASSIGN(out.seq_no, parameters.flag("seq_no_primary_term", out.seq_no));
    KUMO_TRY_ASSIGN(out.track_scores, parameters.flag("track_scores", out.track_scores));
    KUMO_TRY_ASSIGN(
        out.named_scores,
        parameters.flag("include_named_queries_score", out.named_scores)
    );
    KUMO_TRY_ASSIGN(out.total_as_int, parameters.flag("rest_total_hits_as_int", false));
    KUMO_TRY_ASSIGN(out.typed_keys, parameters.flag("typed_keys", false));
    return {};
}

Status read_parameters(const Parameters& parameters, SearchBody& out) {
    KUMO_TRY(read_flags(parameters, out));
    for (const char* const name : {"from", "size", "terminate_after"}) {
        if (const std::string* const value = parameters.find(name)) {
            KUMO_TRY(read_member(name, Json(*value), out));
        }
    }
    if (const std::string* const q = parameters.find("q")) {
        UriQuery uri;
        uri.q = *q;
        uri.df = parameters.text("df");
        uri.analyzer = parameters.text("analyzer");
        uri.default_operator = parameters.text("default_operator");
        uri.lenient = parameters.flag_or("lenient", false);
        uri.analyze_wildcard = parameters.flag_or("analyze_wildcard", false);
        out.query = uri_query(uri);
    }
    if (const std::string* const sort = parameters.find("sort")) {
        out.sort = parse_sort_parameter(*sort);
        out.sorts = true;
    }
    if (const std::string* const total = parameters.find("track_total_hits")) {
        KUMO_TRY(read_total(Json(*total), out));
    }
    const SourceFilter source = SourceFilter::of(parameters);
    if (parameters.has("_source") || !source.is_plain()) {
        out.source = source;
        out.shows_source = source.show;
        out.source_said = true;
    }
    if (const std::string* const stored = parameters.find("stored_fields")) {
        Json list = Json::array();
        for (const std::string& one : split_list(*stored)) {
            list.push(one);
        }
        const bool keeps = parameters.has("_source");
        const bool before = out.shows_source;
        read_stored_fields(list, out);
        out.shows_source = keeps ? before : out.shows_source;
    }
    for (const std::string& one : parameters.list("docvalue_fields")) {
        out.docvalue_fields.push_back({one, "", false});
    }
    for (const std::string& one : parameters.list("stats")) {
        out.groups.push_back(one);
    }
    out.scroll = parameters.text("scroll");
    return {};
}

Status check(const Parameters& parameters, const SearchBody& body) {
    if (body.total_as_int && body.track_total_hits > 0 && body.track_total_hits != 10'000) {
        return illegal_argument(
            "[rest_total_hits_as_int] cannot be used if the tracking of total hits is not "
            "accurate, got "
            + std::to_string(body.track_total_hits)
        );
    }
    if (!body.scroll.empty()) {
        std::string wrong;
        std::size_t count = 0;
        const auto add = [&](const char* why) {
            wrong += " " + std::to_string(++count) + ": " + why + ";";
        };
        if (body.track_total_hits >= 0 && body.track_total_hits != 10'000) {
            add("disabling [track_total_hits] is not allowed in a scroll context");
        }
        if (body.from > 0) {
            add("using [from] is not allowed in a scroll context");
        }
        if (body.size == 0) {
            add("[size] cannot be [0] in a scroll context");
        }
        if (!body.rescore.is_null()) {
            add("using [rescore] is not allowed in a scroll context");
        }
        if (parameters.flag_or("request_cache", false)) {
            add("[request_cache] cannot be used in a scroll context");
        }
        if (!wrong.empty()) {
            return fault("action_request_validation_exception", "Validation Failed:" + wrong);
        }
    }
    return {};
}

}  // namespace

Result<SearchBody> parse_search(const Json& body, const Parameters& parameters) {
    SearchBody out;
    if (!body.is_null() && !body.is_object()) {
        return parsing_error(
            "Expected [START_OBJECT] but found [" + std::string(token_of(body)) + "]"
        );
    }
    const bool explicit_source = body.find("_source") != nullptr;
    for (const auto& [name, value] : body.is_object() ? body.members() : Json::Object()) {
        const bool shows = out.shows_source;
        KUMO_TRY(read_member(name, value, out));
        if (name == "stored_fields" && explicit_source) {
            out.shows_source = shows || out.shows_source;
        }
    }
    if (explicit_source && body.find("stored_fields") != nullptr) {
        out.shows_source = out.source.show;
    }
    KUMO_TRY(read_parameters(parameters, out));
    KUMO_TRY(check(parameters, out));
    if (out.total_as_int && out.track_total_hits == 10'000) {
        out.track_total_hits = -1;
    }
    return out;
}

}  // namespace kumo::api_elastic
