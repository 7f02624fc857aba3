#include "api/kumosearch/analytics/analytics.h"

#include "api/kumosearch/analytics/analytics_flush.h"
#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/stored_resource.h"
#include "api/kumosearch/query/search_plan.h"
#include "api/kumosearch/resources/derive.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

using node::ResourceKind;

constexpr std::uint32_t kEventsShownMax = 1000;
constexpr ByteView kDone = R"({"ok":true})";

/// The collections that a rule names have to be there.
Status check_collections(const node::Node& node, const AnalyticsRule& rule) {
    if (!node.collection(rule.collection).ok()) {
        return invalid_argument("Collection " + rule.collection + " does not exist");
    }
    if (!rule.destination.empty() && !node.collection(rule.destination).ok()) {
        return invalid_argument("Destination collection does not exist");
    }
    return {};
}

void answer_bad_json(const Call& call) {
    answer_error(call, invalid_argument("Bad JSON."));
}

/// Answers of several rules, made one after the other. Loop-owned.
struct RulesRun {
    explicit RulesRun(CallPtr of) : call(std::move(of)) {}

    CallPtr call;
    std::vector<Result<AnalyticsRule>> rules{};
    bool many = false;
    std::vector<std::string> answers{};

    static void next(const std::shared_ptr<RulesRun>& run) {
        const std::size_t at = run->answers.size();
        if (at == run->rules.size()) {
            run->answer_all();
            return;
        }
        const Result<AnalyticsRule>& rule = run->rules[at];
        const auto known = run->call->context.node.resources(ResourceKind::kAnalyticsRule);
        const Status good =
            !rule.ok() ? Status(rule.error())
            : known->size() >= kAnalyticsRulesMax
                ? Status(Error{ErrorCode::kLimitExceeded, "There are 1000 rules already."})
                : check_collections(run->call->context.node, rule.value());
        if (!good.ok()) {
            run->take(good.error());
            next(run);
            return;
        }
        node::PutResource put;
        put.kind = ResourceKind::kAnalyticsRule;
        put.name = rule.value().name;
        put.items = {{"", write_analytics_rule(rule.value())}};
        put.must_be_new = true;
        run->call->context.node.put_resource(
            std::move(put),
            run->call->loop(),
            [run](const Result<node::ResourcePtr>& done) {
                if (done.ok()) {
                    run->answers.push_back(done.value()->value());
                } else if (done.error().code == ErrorCode::kAlreadyExists) {
                    run->take(invalid_argument("Rule already exists"));
                } else {
                    run->take(done.error());
                }
                next(run);
            }
        );
    }

private:
    std::optional<Error> error_{};  ///< Of the only one.

    void take(const Error& why) {
        error_ = why;
        std::string json;
        wire::JsonWriter(json).begin_object().key("error").string(why.message).end_object();
        answers.push_back(std::move(json));
    }

    void answer_all() const {
        if (!many) {
            if (error_) {
                answer_error(*call, *error_);
            } else {
                answer(*call, 200, answers.front());
            }
            return;
        }
        std::string json;
        wire::JsonWriter out(json);
        out.begin_array();
        for (const std::string& one : answers) {
            out.raw(one);
        }
        out.end_array();
        answer(*call, 200, std::move(json));
    }
};

/// The members of a document that are shown of an event.
std::string without_id(const std::string& document) {
    const wire::JsonDocument parsed = parse_stored(document);
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object();
    for (const auto [name, value] : parsed.root().as_object()) {
        if (name != "id") {
            out.key(name).value(value);
        }
    }
    out.end_object();
    return json;
}

std::int64_t timestamp_of(const std::string& event) {
    const wire::JsonDocument parsed = parse_stored(event);
    const wire::JsonValue value = parsed.root().find("timestamp");
    return value && value.type() == wire::JsonType::kInt64 ? value.as_int64() : 0;
}

void answer_events(const Call& call, std::vector<std::pair<std::int64_t, std::string>> events) {
    std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) {
        return a.first > b.first;
    });
    const auto most = call.parameters.unsigned_32("n", kEventsShownMax);
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("events").begin_array();
    for (std::size_t i = 0; i < std::min<std::size_t>(events.size(), most.value()); ++i) {
        out.raw(events[i].second);
    }
    out.end_array().end_object();
    answer(call, 200, std::move(json));
}

/// A search for the events of a user that are in the collection; nothing if there can be none.
std::optional<search::SearchRequest> events_request(const Call& call, std::uint32_t most) {
    const auto info = call.context.node.collection(kEventsCollection);
    const std::string& user = call.parameters.text("user_id");
    const std::string& name = call.parameters.text("name");
    if (!info.ok() || user.find('`') != std::string::npos || name.find('`') != std::string::npos) {
        return std::nullopt;
    }
    Parameters parameters;
    parameters.set("q", "*");
    parameters.set("filter_by", "user_id:=`" + user + "` && name:=`" + name + "`");
    parameters.set("sort_by", "timestamp:desc");
    auto plan = plan_search(parameters, info.value().spec.schema, call.context.options);
    if (!plan.ok()) {
        return std::nullopt;
    }
    plan.value().request.limit = most;
    return std::move(plan.value().request);
}

}  // namespace

void create_rules(const CallPtr& call, const std::string& body) {
    const auto parsed = wire::JsonDocument::parse(body);
    const auto run = std::make_shared<RulesRun>(call);
    if (parsed.ok() && parsed.value().root().is_array()) {
        run->many = true;
        for (const wire::JsonValue rule : parsed.value().root().as_array()) {
            run->rules.push_back(read_analytics_rule(rule, nullptr));
        }
    } else if (parsed.ok() && parsed.value().root().is_object()) {
        run->rules.push_back(read_analytics_rule(parsed.value().root(), nullptr));
    } else {
        answer_bad_json(*call);
        return;
    }
    // Collections that rules name may be another node's a moment ago.
    call->context.node.refresh(call->loop(), [run](const Result<bool>&) { RulesRun::next(run); });
}

void list_rules(const CallPtr& call) {
    const std::string& tag = call->parameters.text("rule_tag");
    const auto rules = call->context.analytics.rules();
    std::string json;
    wire::JsonWriter out(json);
    out.begin_array();
    for (const auto& [name, rule] : *rules) {
        if (tag.empty() || rule.rule_tag == tag) {
            out.raw(write_analytics_rule(rule));
        }
    }
    out.end_array();
    answer(*call, 200, std::move(json));
}

void get_rule(const CallPtr& call) {
    find_resource(call, ResourceKind::kAnalyticsRule, [call](const node::ResourcePtr& found) {
        if (found == nullptr) {
            answer_message(*call, 400, "Rule not found");
        } else {
            answer(*call, 200, found->value());
        }
    });
}

void put_rule(const CallPtr& call, const std::string& body) {
    find_resource(call, ResourceKind::kAnalyticsRule, [call, body](const node::ResourcePtr& found) {
        const auto parsed = wire::JsonDocument::parse(body);
        if (!parsed.ok() || !parsed.value().root().is_object()) {
            answer_bad_json(*call);
            return;
        }
        // The path says which one it is.
        std::string named;
        wire::JsonWriter out(named);
        out.begin_object().key("name").string(call->path.front());
        for (const auto [name, value] : parsed.value().root().as_object()) {
            if (name != "name") {
                out.key(name).value(value);
            }
        }
        out.end_object();
        const wire::JsonDocument document = parse_stored(named);
        const auto before = found == nullptr ? std::nullopt : stored_analytics_rule(*found);
        const auto rule = read_analytics_rule(document.root(), before ? &*before : nullptr);
        const Status good =
            rule.ok() ? check_collections(call->context.node, rule.value()) : Status(rule.error());
        if (!good.ok()) {
            answer_error(*call, good.error());
            return;
        }
        node::PutResource put;
        put.kind = ResourceKind::kAnalyticsRule;
        put.name = rule.value().name;
        put.items = {{"", write_analytics_rule(rule.value())}};
        call->context.node.put_resource(
            std::move(put),
            call->loop(),
            [call](const Result<node::ResourcePtr>& done) {
                if (done.ok()) {
                    answer(*call, 200, done.value()->value());
                } else {
                    answer_error(*call, done.error());
                }
            }
        );
    });
}

void delete_rule(const CallPtr& call) {
    call->context.node.delete_resource(
        {ResourceKind::kAnalyticsRule, call->path.front(), {}},
        call->loop(),
        [call](const Result<node::ResourcePtr>& gone) {
            if (gone.ok()) {
                answer(*call, 200, gone.value()->value());
            } else if (gone.error().code == ErrorCode::kNotFound) {
                answer_message(*call, 400, "Rule not found");
            } else {
                answer_error(*call, gone.error());
            }
        }
    );
}

void create_event(const CallPtr& call, const std::string& body) {
    const auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        answer_bad_json(*call);
        return;
    }
    const Status added = call->context.analytics.add_event(
        parsed.value().root(),
        call->response->peer().host_string()
    );
    if (added.ok()) {
        answer(*call, 200, std::string(kDone));
    } else if (added.error().code == ErrorCode::kOverloaded) {
        answer_message(*call, 429, added.error().message);
    } else {
        answer_error(*call, added.error());
    }
}

void get_events(const CallPtr& call) {
    for (const char* name : {"user_id", "name", "n"}) {
        if (call->parameters.text(name).empty()) {
            answer_error(
                *call,
                invalid_argument("Missing required parameter '" + std::string(name) + "'.")
            );
            return;
        }
    }
    const auto most = call->parameters.unsigned_32("n", 0);
    if (!most.ok() || most.value() > kEventsShownMax) {
        answer_error(
            *call,
            most.ok() ? invalid_argument("N cannot be greater than 1000") : most.error()
        );
        return;
    }
    Analytics& analytics = call->context.analytics;
    const auto rules = analytics.rules();
    if (!rules->contains(call->parameters.text("name"))) {
        answer_error(*call, invalid_argument("Rule not found"));
        return;
    }
    std::vector<std::pair<std::int64_t, std::string>> events;
    for (auto& event : analytics.events_of(
             call->parameters.text("user_id"),
             call->parameters.text("name"),
             most.value()
         )) {
        events.emplace_back(event.timestamp, std::move(event.json));
    }
    auto request = events_request(*call, most.value());
    if (!request) {
        answer_events(*call, std::move(events));
        return;
    }
    call->context.node.search(
        kEventsCollection,
        std::move(*request),
        call->loop(),
        [call, events = std::move(events)](const Result<search::SearchResult>& found) mutable {
            if (!found.ok()) {
                answer_error(*call, found.error());
                return;
            }
            for (const search::Hit& hit : found.value().hits) {
                std::string event = without_id(hit.document);
                const std::int64_t timestamp = timestamp_of(event);
                events.emplace_back(timestamp, std::move(event));
            }
            answer_events(*call, std::move(events));
        }
    );
}

void flush_events(const CallPtr& call) {
    const Context& context = call->context;
    flush_analytics(
        context.analytics,
        context.node,
        context.clock,
        context.options,
        call->loop(),
        [call] { answer(*call, 200, std::string(kDone)); }
    );
}

namespace {

/// One of the events that another server has logged.
Result<AnalyticsPending::Event> read_logged_event(wire::JsonValue json) {
    const Error wrong =
        invalid_argument("An event must be an object with a `name`, a `user_id` and a `timestamp`."
        );
    if (!json.is_object()) {
        return wrong;
    }
    const wire::JsonValue name = json.find("name");
    const wire::JsonValue user = json.find("user_id");
    const wire::JsonValue timestamp = json.find("timestamp");
    const bool good = name && name.is_string() && user && user.is_string() && timestamp
                      && timestamp.type() == wire::JsonType::kInt64 && timestamp.as_int64() >= 0
                      && json.raw().size() <= Analytics::kEventBytesMax;
    if (!good) {
        return wrong;
    }
    AnalyticsPending::Event event;
    event.rule = name.as_string();
    event.user = user.as_string();
    event.timestamp = timestamp.as_int64();
    // The server that has the event may have an id for it; here it gets one of its own.
    event.json = without_id(std::string(json.raw()));
    return event;
}

}  // namespace

void aggregate_events(const CallPtr& call, const std::string& body) {
    const auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_array()) {
        answer_bad_json(*call);
        return;
    }
    std::deque<AnalyticsPending::Event> events;
    for (const wire::JsonValue one : parsed.value().root().as_array()) {
        auto event = read_logged_event(one);
        if (!event.ok() || events.size() == Analytics::kEventsMax) {
            answer_error(
                *call,
                event.ok() ? Error{ErrorCode::kLimitExceeded, "Only upto 10000 events at once."}
                           : event.error()
            );
            return;
        }
        events.push_back(std::move(event).value());
    }
    const Context& context = call->context;
    write_events(
        context.analytics,
        context.node,
        context.options,
        call->loop(),
        std::move(events),
        [call] { answer(*call, 200, std::string(kDone)); }
    );
}

void get_analytics_status(const CallPtr& call) {
    const Analytics::Sizes sizes = call->context.analytics.sizes();
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("doc_counter_events").unsigned_integer(sizes.document_counters);
    out.key("doc_log_events").unsigned_integer(sizes.document_events);
    out.key("log_prefix_queries").unsigned_integer(sizes.typing[2]);
    out.key("nohits_prefix_queries").unsigned_integer(sizes.typing[1]);
    out.key("popular_prefix_queries").unsigned_integer(sizes.typing[0]);
    out.key("query_counter_events").unsigned_integer(sizes.query_counters);
    out.key("query_log_events").unsigned_integer(sizes.query_events).end_object();
    answer(*call, 200, std::move(json));
}

}  // namespace kumo::api_kumosearch
