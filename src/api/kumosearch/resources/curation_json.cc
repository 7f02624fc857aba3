#include "api/kumosearch/resources/curations.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using wire::JsonValue;

constexpr std::int64_t kPositionMax = 1'000'000;
constexpr std::size_t kTagsMax = 100;

Error wrong(std::string_view what) {
    return invalid_argument(std::string(what));
}

Status check_tags(JsonValue tags) {
    const Error error = wrong("The `tags` value must be an array of strings.");
    if (!tags.is_array() || tags.as_array().size() > kTagsMax) {
        return error;
    }
    for (const JsonValue tag : tags.as_array()) {
        if (!tag.is_string()) {
            return error;
        }
    }
    return {};
}

bool is_match(JsonValue match) {
    return match.is_string() && (match.as_string() == "exact" || match.as_string() == "contains");
}

Status check_rule(JsonValue rule) {
    if (!rule || !rule.is_object()) {
        return wrong("Missing `rule` definition.");
    }
    const bool has_query = rule.find("query") && rule.find("match");
    if (!rule.find("filter_by") && !rule.find("tags") && !has_query) {
        return wrong("The `rule` definition must contain either a `tags` or a `query` and `match`."
        );
    }
    if (const JsonValue query = rule.find("query"); query && !query.is_string()) {
        return wrong("The `query` of a rule must be a string.");
    }
    if (const JsonValue match = rule.find("match"); match && !is_match(match)) {
        return wrong("The `match` of a rule must be `exact` or `contains`.");
    }
    if (const JsonValue filter = rule.find("filter_by")) {
        if (!filter.is_string()) {
            return wrong("Curation `rule.filter_by` must be a string.");
        }
        if (filter.as_string().find('{') != ByteView::npos) {
            return Error{
                ErrorCode::kUnsupported,
                "Placeholders in `rule.filter_by` are not supported yet."};
        }
    }
    const JsonValue tags = rule.find("tags");
    return tags ? check_tags(tags) : Status();
}

Status check_list(JsonValue list, std::string_view name) {
    const std::string start = "The `" + std::string(name) + "` value must be an array";
    if (!list.is_array()) {
        return invalid_argument(start + ".");
    }
    if (list.as_array().size() > kCuratedIdsMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "Only upto 1000 `" + std::string(name) + "` can be given."};
    }
    for (const JsonValue element : list.as_array()) {
        if (!element.is_object()) {
            return invalid_argument(start + " of objects.");
        }
    }
    return {};
}

Status check_includes(JsonValue includes) {
    KUMO_TRY(check_list(includes, "includes"));
    for (const JsonValue include : includes.as_array()) {
        const JsonValue id = include.find("id");
        const JsonValue position = include.find("position");
        if (!id || !position) {
            return wrong("Inclusion definition must define both `id` and `position` keys.");
        }
        if (!id.is_string()) {
            return wrong("Inclusion `id` must be a string.");
        }
        if (position.type() != wire::JsonType::kInt64) {
            return wrong("Inclusion `position` must be an integer.");
        }
        if (position.as_int64() < 1 || position.as_int64() > kPositionMax) {
            return wrong("Inclusion `position` must be from 1 to 1000000.");
        }
    }
    return {};
}

Status check_excludes(JsonValue excludes) {
    KUMO_TRY(check_list(excludes, "excludes"));
    for (const JsonValue exclude : excludes.as_array()) {
        const JsonValue id = exclude.find("id");
        if (!id) {
            return wrong("Exclusion definition must define an `id`.");
        }
        if (!id.is_string()) {
            return wrong("Exclusion `id` must be a string.");
        }
    }
    return {};
}

Status check_texts(JsonValue body) {
    if (const JsonValue filter = body.find("filter_by")) {
        if (!filter.is_string()) {
            return wrong("The `filter_by` must be a string.");
        }
        if (filter.as_string().empty()) {
            return wrong("The `filter_by` must be a non-empty string.");
        }
    }
    for (const std::string_view name : {"sort_by", "replace_query"}) {
        if (const JsonValue text = body.find(name); text && !text.is_string()) {
            return invalid_argument("The `" + std::string(name) + "` must be a string.");
        }
    }
    const JsonValue remove = body.find("remove_matched_tokens");
    if (body.find("replace_query") && remove && remove.is_bool() && remove.as_bool()) {
        return wrong("Only one of `replace_query` or `remove_matched_tokens` can be specified.");
    }
    return {};
}

Status check_options(JsonValue body) {
    for (const std::string_view name :
         {"remove_matched_tokens", "filter_curated_hits", "stop_processing"}) {
        if (const JsonValue flag = body.find(name); flag && !flag.is_bool()) {
            return invalid_argument("The `" + std::string(name) + "` must be a boolean.");
        }
    }
    for (const std::string_view name : {"effective_from_ts", "effective_to_ts"}) {
        if (const JsonValue time = body.find(name); time && time.type() != wire::JsonType::kInt64) {
            return invalid_argument("The `" + std::string(name) + "` must be an integer.");
        }
    }
    for (const std::string_view name : {"metadata", "custom_parameters"}) {
        if (const JsonValue object = body.find(name); object && !object.is_object()) {
            return invalid_argument("The `" + std::string(name) + "` must be a JSON object.");
        }
    }
    if (body.find("diversity")) {
        return Error{ErrorCode::kUnsupported, "The property `diversity` is not supported yet."};
    }
    return {};
}

Status check_curation(JsonValue body) {
    KUMO_TRY(check_rule(body.find("rule")));
    KUMO_TRY(check_options(body));
    const auto effects = {
        "includes",
        "excludes",
        "metadata",
        "filter_by",
        "sort_by",
        "remove_matched_tokens",
        "replace_query",
        "custom_parameters"};
    const bool does_something = std::any_of(effects.begin(), effects.end(), [&](const char* name) {
        return static_cast<bool>(body.find(name));
    });
    if (!does_something) {
        return wrong(
            "Must contain one of: `includes`, `excludes`, `metadata`, `filter_by`, "
            "`sort_by`, `remove_matched_tokens`, `replace_query`."
        );
    }
    if (const JsonValue includes = body.find("includes")) {
        KUMO_TRY(check_includes(includes));
    }
    if (const JsonValue excludes = body.find("excludes")) {
        KUMO_TRY(check_excludes(excludes));
    }
    return check_texts(body);
}

/// The member if it says anything.
void copy(wire::JsonWriter& writer, JsonValue from, std::string_view name) {
    const JsonValue value = from.find(name);
    if (value && !(value.is_string() && value.as_string().empty())) {
        writer.key(name).value(value);
    }
}

void write_rule(wire::JsonWriter& writer, JsonValue rule) {
    writer.key("rule").begin_object();
    copy(writer, rule, "filter_by");
    copy(writer, rule, "match");
    if (const JsonValue query = rule.find("query")) {
        writer.key("query").value(query);  // An empty one too: what is shown can be put again.
    }
    std::set<std::string> tags;
    if (const JsonValue list = rule.find("tags")) {
        for (const JsonValue tag : list.as_array()) {
            tags.emplace(tag.as_string());
        }
    }
    if (!tags.empty()) {
        writer.key("tags").begin_array();
        for (const std::string& tag : tags) {
            writer.string(tag);
        }
        writer.end_array();
    }
    writer.end_object();
}

bool flag_of(JsonValue body, std::string_view name, bool absent) {
    const JsonValue flag = body.find(name);
    return flag ? flag.as_bool() : absent;
}

/// `id` and `position` alone.
void write_places(wire::JsonWriter& writer, JsonValue body, std::string_view name) {
    writer.key(name).begin_array();
    if (const JsonValue list = body.find(name)) {
        for (const JsonValue element : list.as_array()) {
            writer.begin_object();
            copy(writer, element, "id");
            copy(writer, element, "position");
            writer.end_object();
        }
    }
    writer.end_array();
}

}  // namespace

Result<std::string> read_curation(const std::string& id, JsonValue body) {
    KUMO_TRY(check_curation(body));
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object();
    copy(writer, body, "custom_parameters");
    copy(writer, body, "effective_from_ts");
    copy(writer, body, "effective_to_ts");
    write_places(writer, body, "excludes");
    copy(writer, body, "filter_by");
    writer.key("filter_curated_hits").boolean(flag_of(body, "filter_curated_hits", false));
    writer.key("id").string(id);
    write_places(writer, body, "includes");
    copy(writer, body, "metadata");
    const bool removes = body.find("filter_by") && !body.find("replace_query");
    writer.key("remove_matched_tokens").boolean(flag_of(body, "remove_matched_tokens", removes));
    copy(writer, body, "replace_query");
    write_rule(writer, body.find("rule"));
    copy(writer, body, "sort_by");
    writer.key("stop_processing").boolean(flag_of(body, "stop_processing", true));
    writer.end_object();
    return json;
}

}  // namespace kumo::api_kumosearch
