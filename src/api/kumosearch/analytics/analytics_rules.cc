#include "api/kumosearch/analytics/analytics_rules.h"

#include "api/kumosearch/resources/derive.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using Type = AnalyticsRule::Type;
using wire::JsonValue;

constexpr std::size_t kNameBytesMax = 512;

constexpr std::pair<std::string_view, Type> kTypes[] = {
    {"popular_queries", Type::kPopularQueries},
    {"nohits_queries", Type::kNohitsQueries},
    {"counter", Type::kCounter},
    {"log", Type::kLog},
};

constexpr std::string_view kDocumentEvents[] = {"click", "conversion", "visit", "custom"};

std::string_view name_of(Type type) {
    return kTypes[static_cast<std::size_t>(type)].first;
}

Error wrong(const char* text) {
    return invalid_argument(text);
}

/// Empty if it is no text of a length that can be.
std::string_view short_text(JsonValue value) {
    const std::string_view text = text_of(value);
    return text.size() <= kNameBytesMax ? text : std::string_view();
}

Status read_kind(JsonValue body, AnalyticsRule& rule) {
    const JsonValue event_type = body.find("event_type");
    const JsonValue type = body.find("type");
    if (!event_type || !event_type.is_string()) {
        return wrong("Event type is required when creating a new analytics rule");
    }
    if (!type || !type.is_string()) {
        return wrong("Type is required when creating a new analytics rule");
    }
    rule.collection = short_text(body.find("collection"));
    if (rule.collection.empty()) {
        return wrong("Collection is required when creating a new analytics rule");
    }
    rule.event_type = event_type.as_string();
    const auto* known = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& one) {
        return one.first == type.as_string();
    });
    const bool of_documents =
        std::find(std::begin(kDocumentEvents), std::end(kDocumentEvents), rule.event_type)
        != std::end(kDocumentEvents);
    if (known != std::end(kTypes)) {
        rule.type = known->second;
    }
    const bool fits =
        known != std::end(kTypes)
        && (rule.type == Type::kLog ? of_documents || rule.is_about_searches()
                                    : (rule.type == Type::kCounter) == of_documents
                                          && rule.counts_queries() == rule.is_about_searches());
    if (!fits) {
        return wrong("Event type or type is invalid (or) combination of both is invalid");
    }
    return {};
}

/// What makes a rule what it is stays.
Status check_unchanged(JsonValue body, const AnalyticsRule& rule) {
    const auto differs = [&](std::string_view name, std::string_view known) {
        const JsonValue value = body.find(name);
        return value && text_of(value) != known;
    };
    if (differs("type", name_of(rule.type))) {
        return wrong("Rule type cannot be changed");
    }
    if (differs("collection", rule.collection)) {
        return wrong("Rule collection cannot be changed");
    }
    if (differs("event_type", rule.event_type)) {
        return wrong("Rule event type cannot be changed");
    }
    return {};
}

/// A flag stays as it is if it is not given.
Status read_flag(JsonValue value, const char* error, bool& flag) {
    if (value && !value.is_bool()) {
        return wrong(error);
    }
    flag = value ? value.as_bool() : flag;
    return {};
}

Status read_count(JsonValue value, const char* error, std::int64_t most, std::int64_t& count) {
    if (value) {
        const bool good = value.type() == wire::JsonType::kInt64 && value.as_int64() > 0;
        if (!good) {
            return wrong(error);
        }
        count = value.as_int64();
    }
    if (count <= 0) {
        return wrong(error);
    }
    count = std::min(count, most);
    return {};
}

Status read_meta_fields(JsonValue fields, AnalyticsRule& rule) {
    if (!fields) {
        return {};
    }
    if (!fields.is_array()) {
        return wrong("Meta fields should be an array of strings");
    }
    rule.keeps_filter = false;
    rule.keeps_tag = false;
    for (const JsonValue field : fields.as_array()) {
        const std::string_view name = text_of(field);
        if (name.empty()) {
            return wrong("Meta field should a non-empty string");
        }
        if (name != "filter_by" && name != "analytics_tag") {
            return wrong("Meta field should be either filter_by or analytics_tag");
        }
        (name == "filter_by" ? rule.keeps_filter : rule.keeps_tag) = true;
    }
    return {};
}

Status read_destination(JsonValue value, const char* error, std::string& destination) {
    if (value) {
        destination = short_text(value);
    }
    return destination.empty() ? Status(wrong(error)) : Status();
}

Status read_search_params(JsonValue params, AnalyticsRule& rule) {
    KUMO_TRY(read_flag(
        params.find("expand_query"),
        "Expand query should be a boolean",
        rule.expand_query
    ));
    KUMO_TRY(read_flag(
        params.find("capture_search_requests"),
        "Capture search requests should be a boolean",
        rule.captures
    ));
    KUMO_TRY(read_meta_fields(params.find("meta_fields"), rule));
    if (!rule.counts_queries()) {
        return {};
    }
    KUMO_TRY(read_destination(
        params.find("destination_collection"),
        "Destination collection is required when creating a no hit queries or popular queries type "
        "rule",
        rule.destination
    ));
    return read_count(
        params.find("limit"),
        "Limit should be a number greater than 0",
        kAnalyticsLimitMax,
        rule.limit
    );
}

Status read_counter_params(JsonValue params, AnalyticsRule& rule) {
    if (const JsonValue field = params.find("counter_field")) {
        rule.counter_field = short_text(field);
    }
    if (rule.counter_field.empty()) {
        return wrong("Counter field is required when creating a counter type rule");
    }
    if (rule.destination.empty()) {
        rule.destination = rule.collection;
    }
    KUMO_TRY(read_destination(
        params.find("destination_collection"),
        "Destination collection should be a string",
        rule.destination
    ));
    return read_count(
        params.find("weight"),
        "Weight should be a number greater than 0",
        INT32_MAX,
        rule.weight
    );
}

}  // namespace

Result<AnalyticsRule> read_analytics_rule(JsonValue body, const AnalyticsRule* before) {
    AnalyticsRule rule = before == nullptr ? AnalyticsRule() : *before;
    rule.name = short_text(body.find("name"));
    if (rule.name.empty()) {
        return wrong("Name is required when creating an analytics rule");
    }
    if (before == nullptr) {
        rule.weight = 0;
        KUMO_TRY(read_kind(body, rule));
    } else {
        KUMO_TRY(check_unchanged(body, rule));
    }
    if (const JsonValue tag = body.find("rule_tag")) {
        if (!tag.is_string()) {
            return wrong("Rule tag should be a string");
        }
        rule.rule_tag = short_text(tag);
    }
    const wire::JsonDocument none = parse_stored("{}");
    const JsonValue given = body.find("params");
    const JsonValue params = given && given.is_object() ? given : none.root();
    if (rule.is_about_searches()) {
        KUMO_TRY(read_search_params(params, rule));
    } else if (rule.type == Type::kCounter) {
        KUMO_TRY(read_counter_params(params, rule));
    }
    return rule;
}

std::string write_analytics_rule(const AnalyticsRule& rule) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("collection").string(rule.collection);
    out.key("event_type").string(rule.event_type).key("name").string(rule.name);
    out.key("params").begin_object();
    if (rule.is_about_searches()) {
        out.key("capture_search_requests").boolean(rule.captures);
    }
    if (rule.type == Type::kCounter) {
        out.key("counter_field").string(rule.counter_field);
    }
    if (!rule.destination.empty()) {
        out.key("destination_collection").string(rule.destination);
    }
    if (rule.is_about_searches()) {
        out.key("expand_query").boolean(rule.expand_query);
        if (rule.counts_queries()) {
            out.key("limit").integer(rule.limit);
        }
        out.key("meta_fields").begin_array();
        if (rule.keeps_tag) {
            out.string("analytics_tag");
        }
        if (rule.keeps_filter) {
            out.string("filter_by");
        }
        out.end_array();
    }
    if (rule.type == Type::kCounter) {
        out.key("weight").integer(rule.weight);
    }
    out.end_object();
    out.key("rule_tag").string(rule.rule_tag);
    out.key("type").string(name_of(rule.type)).end_object();
    return json;
}

std::optional<AnalyticsRule> stored_analytics_rule(const node::Resource& resource) {
    const wire::JsonDocument parsed = parse_stored(resource.value());
    auto rule = read_analytics_rule(parsed.root(), nullptr);
    return rule.ok() ? std::optional(std::move(rule).value()) : std::nullopt;
}

AnalyticsRules stored_analytics_rules(const node::NamedResources& stored) {
    AnalyticsRules rules;
    for (const auto& [name, resource] : stored) {
        if (auto rule = stored_analytics_rule(*resource)) {
            rules.emplace(name, std::move(*rule));
        }
    }
    return rules;
}

}  // namespace kumo::api_kumosearch
