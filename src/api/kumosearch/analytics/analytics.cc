#include "api/kumosearch/analytics/analytics.h"

#include "api/kumosearch/resources/derive.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace kumo::api_kumosearch {

namespace {

using Query = AnalyticsPending::Query;
using Event = AnalyticsPending::Event;
using wire::JsonValue;

/// Whoever goes on typing within this time has not yet said what they look for.
constexpr Duration kTypingTime = std::chrono::seconds(4);
constexpr std::int64_t kMinuteSeconds = 60;

std::int64_t number_of(JsonValue value) {
    return value && value.type() == wire::JsonType::kInt64 ? value.as_int64() : 0;
}

/// Queries that differ in capitals and white space are the same one.
std::string normalized(std::string_view q) {
    std::string out;
    for (const char c : q) {
        const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (space && (out.empty() || out.back() == ' ')) {
            continue;
        }
        out += space ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    while (out.ends_with(' ')) {
        out.pop_back();
    }
    return out;
}

Query query_of(const AnalyticsRule& rule, std::string q, std::string filter, std::string tag) {
    return {
        std::move(q),
        rule.keeps_filter ? std::move(filter) : std::string(),
        rule.keeps_tag ? std::move(tag) : std::string()};
}

/// An event of a search, as it is shown.
std::string event_json(
    const AnalyticsRule& rule,
    const Query& query,
    std::string_view user,
    std::int64_t timestamp
) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object();
    if (!query.tag.empty()) {
        out.key("analytics_tag").string(query.tag);
    }
    out.key("collection").string(rule.collection).key("event_type").string(rule.event_type);
    if (!query.filter_by.empty()) {
        out.key("filter_by").string(query.filter_by);
    }
    out.key("name").string(rule.name).key("query").string(query.q);
    out.key("timestamp").integer(timestamp).key("user_id").string(user).end_object();
    return json;
}

/// An event of documents, as it is shown.
std::string event_json(const AnalyticsRule& rule, JsonValue data, std::int64_t timestamp) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("collection").string(rule.collection);
    for (const std::string_view name : {"doc_id", "doc_ids"}) {
        if (const JsonValue value = data.find(name)) {
            out.key(name).value(value);
        }
    }
    out.key("event_type").string(rule.event_type).key("name").string(rule.name);
    out.key("query").string(text_of(data.find("query")));
    out.key("timestamp").integer(timestamp);
    out.key("user_id").string(text_of(data.find("user_id")));
    for (const auto [name, value] : data.as_object()) {
        const bool known = name == "doc_id" || name == "doc_ids" || name == "query"
                           || name == "user_id" || name == "collection" || name == "event_type"
                           || name == "name" || name == "timestamp" || name == "id";
        if (rule.event_type == "custom" && !known) {
            out.key(name).value(value);
        }
    }
    out.end_object();
    return json;
}

Error wrong(const char* text) {
    return invalid_argument(text);
}

Status check_text(JsonValue data, std::string_view name, const char* error) {
    const JsonValue value = data.find(name);
    return value && !value.is_string() ? Status(wrong(error)) : Status();
}

Status check_search_data(JsonValue data) {
    const JsonValue q = data.find("q");
    if (!q || !q.is_string()) {
        return wrong("'q' should be a string and is required");
    }
    KUMO_TRY(check_text(data, "filter_by", "'filter_by' should be a string"));
    return check_text(data, "analytics_tag", "'analytics_tag' should be a string");
}

Status check_document_data(JsonValue data) {
    const JsonValue one = data.find("doc_id");
    const JsonValue many = data.find("doc_ids");
    if (one && many) {
        return wrong("doc_ids and doc_id cannot both be present");
    }
    if (!one && !many) {
        return wrong("doc_ids or doc_id is required");
    }
    if (many && !many.is_array()) {
        return wrong("doc_ids should be an array");
    }
    return check_text(data, "doc_id", "doc_id should be a string");
}

}  // namespace

std::string encode_pending(const AnalyticsPending& pending) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("queries").begin_array();
    for (const auto& [rule, queries] : pending.queries) {
        for (const auto& [query, count] : queries) {
            out.begin_object().key("rule").string(rule).key("q").string(query.q);
            out.key("filter_by").string(query.filter_by).key("tag").string(query.tag);
            out.key("count").integer(count).end_object();
        }
    }
    out.end_array().key("documents").begin_array();
    for (const auto& [rule, documents] : pending.documents) {
        for (const auto& [id, count] : documents) {
            out.begin_object().key("rule").string(rule).key("id").string(id);
            out.key("count").integer(count).end_object();
        }
    }
    out.end_array().key("events").begin_array();
    for (const Event& event : pending.events) {
        out.begin_object().key("rule").string(event.rule).key("user").string(event.user);
        out.key("timestamp").integer(event.timestamp).key("event").raw(event.json).end_object();
    }
    out.end_array().end_object();
    return json;
}

AnalyticsPending decode_pending(const std::string& bytes) {
    const wire::JsonDocument parsed = parse_stored(bytes);
    AnalyticsPending pending;
    for (const JsonValue one : elements_of(parsed.root().find("queries"))) {
        Query query{
            std::string(text_of(one.find("q"))),
            std::string(text_of(one.find("filter_by"))),
            std::string(text_of(one.find("tag")))};
        pending.queries[std::string(text_of(one.find("rule")))][std::move(query)] +=
            number_of(one.find("count"));
    }
    for (const JsonValue one : elements_of(parsed.root().find("documents"))) {
        pending.documents[std::string(text_of(one.find("rule")))]
                         [std::string(text_of(one.find("id")))] += number_of(one.find("count"));
    }
    for (const JsonValue one : elements_of(parsed.root().find("events"))) {
        if (const JsonValue event = one.find("event"); event && event.is_object()) {
            pending.events.push_back(
                {std::string(text_of(one.find("rule"))),
                 std::string(text_of(one.find("user"))),
                 number_of(one.find("timestamp")),
                 std::string(event.raw())}
            );
        }
    }
    return pending;
}

Analytics::Analytics(const node::Node& node, const Clock& clock, const Options& options)
    : node_(node),
      clock_(clock),
      captures_searches_(options.captures_searches),
      events_per_minute_(options.events_per_minute) {
    if (!options.pending.empty()) {
        give_back(decode_pending(options.pending));
        const MutexLock lock(mutex_);
        changed_ = false;
    }
}

std::int64_t Analytics::now_us() const {
    return std::chrono::floor<std::chrono::microseconds>(clock_.wall_now())
        .time_since_epoch()
        .count();
}

std::shared_ptr<const AnalyticsRules> Analytics::rules() const {
    auto stored = node_.resources(node::ResourceKind::kAnalyticsRule);
    auto known = rules_.load();
    if (known == nullptr || known->stored != stored) {
        AnalyticsRules parsed = stored_analytics_rules(*stored);
        known = std::make_shared<const Parsed>(Parsed{std::move(stored), std::move(parsed)});
        rules_.store(known);
    }
    return {known, &known->rules};
}

bool Analytics::wants_searches() const {
    return captures_searches_ && !node_.resources(node::ResourceKind::kAnalyticsRule)->empty();
}

void Analytics::note_search(const SearchNote& note) {
    const std::string q = normalized(note.q);
    if (q.empty() || q == "*" || q.size() > kQueryBytesMax
        || note.filter_by.size() > kFilterBytesMax || note.tag.size() > kFilterBytesMax) {
        return;
    }
    const auto known = rules();
    const MonotonicTime now = clock_.monotonic_now();
    const MutexLock lock(mutex_);
    for (const auto& [name, rule] : *known) {
        const bool fits =
            rule.is_about_searches() && rule.captures && rule.collection == note.collection
            && (rule.type == AnalyticsRule::Type::kLog
                || (rule.type == AnalyticsRule::Type::kPopularQueries) == (note.found > 0));
        if (!fits) {
            continue;
        }
        if (typing_.size() >= kTypingMax) {
            settle(*known, true);
        }
        Typing typing{query_of(rule, q, note.filter_by, note.tag), now};
        const auto [at, is_new] = typing_.try_emplace({name, note.user}, typing);
        if (!is_new) {
            if (now - at->second.at >= kTypingTime) {
                settle_one(*known, at->first, at->second);
            }
            at->second = std::move(typing);
        }
    }
}

/// What nobody types any more counts, or everything.
void Analytics::settle(const AnalyticsRules& rules, bool all) {
    const MonotonicTime now = clock_.monotonic_now();
    std::erase_if(typing_, [&](const auto& entry) {
        const bool over = all || now - entry.second.at >= kTypingTime;
        if (over) {
            settle_one(rules, entry.first, entry.second);
        }
        return over;
    });
}

void Analytics::settle_one(
    const AnalyticsRules& rules,
    const std::pair<std::string, std::string>& who,
    const Typing& typing
) {
    const auto rule = rules.find(who.first);
    if (rule == rules.end()) {
        return;
    }
    if (rule->second.counts_queries()) {
        count(who.first, typing.query, 1);
    } else {
        const std::int64_t now = now_us();
        log({who.first, who.second, now, event_json(rule->second, typing.query, who.second, now)});
    }
}

void Analytics::count(const std::string& rule, Query query, std::int64_t by) {
    auto& queries = pending_.queries[rule];
    const std::size_t bytes = query.q.size() + query.filter_by.size() + query.tag.size();
    auto at = queries.find(query);
    if (at == queries.end()) {
        if (!has_room(bytes)) {
            return;
        }
        at = queries.emplace(std::move(query), 0).first;
    }
    at->second += by;
    changed_ = true;
}

void Analytics::count(const std::string& rule, std::string document, std::int64_t by) {
    if (document.size() > search::kIdBytesMax) {
        return;  // There is none of that id.
    }
    auto& documents = pending_.documents[rule];
    auto at = documents.find(document);
    if (at == documents.end()) {
        if (!has_room(document.size())) {
            return;
        }
        at = documents.emplace(std::move(document), 0).first;
    }
    at->second += by;
    changed_ = true;
}

/// For one more counter, which is counted.
bool Analytics::has_room(std::size_t bytes) {
    if (counters_ >= kCountersMax || counter_bytes_ + bytes > kCounterBytesMax) {
        return false;
    }
    ++counters_;
    counter_bytes_ += bytes;
    return true;
}

void Analytics::log(Event event) {
    if (event.json.size() > kEventBytesMax) {
        return;
    }
    if (pending_.events.size() >= kEventsMax) {
        pending_.events.pop_front();
    }
    pending_.events.push_back(std::move(event));
    changed_ = true;
}

bool Analytics::admit(const std::string& address) {
    const std::int64_t minute = now_us() / 1'000'000 / kMinuteSeconds;
    if (addresses_.size() >= kAddressesMax && !addresses_.contains(address)) {
        std::erase_if(addresses_, [&](const auto& one) { return one.second.minute != minute; });
        if (addresses_.size() >= kAddressesMax) {
            return false;
        }
    }
    Address& known = addresses_[address];
    if (known.minute != minute) {
        known = {minute, 0};
    }
    return known.events++ < events_per_minute_;
}

Status Analytics::add_event(JsonValue event, const std::string& address) {
    const auto known = rules();
    const MutexLock lock(mutex_);
    if (!admit(address)) {
        return Error{ErrorCode::kOverloaded, "event rate limit reached."};
    }
    const JsonValue name = event.find("name");
    const JsonValue data = event.find("data");
    if (!name || !name.is_string()) {
        return wrong("name is required");
    }
    if (!data || !data.is_object()) {
        return wrong("data is required");
    }
    KUMO_TRY(check_text(data, "user_id", "user_id should be a string"));
    const auto found = known->find(name.as_string());
    if (found == known->end()) {
        return wrong("Rule not found");
    }
    const AnalyticsRule& rule = found->second;
    const std::string user(text_of(data.find("user_id")));
    const std::int64_t now = now_us();
    if (rule.is_about_searches()) {
        KUMO_TRY(check_search_data(data));
        Query query = query_of(
            rule,
            std::string(text_of(data.find("q"))),
            std::string(text_of(data.find("filter_by"))),
            std::string(text_of(data.find("analytics_tag")))
        );
        if (query.q.size() > kQueryBytesMax) {
            return wrong("'q' is too long");
        }
        if (query.filter_by.size() > kFilterBytesMax || query.tag.size() > kFilterBytesMax) {
            return wrong("'filter_by' or 'analytics_tag' is too long");
        }
        if (rule.counts_queries()) {
            query.q = normalized(query.q);
            count(rule.name, std::move(query), 1);
        } else {
            log({rule.name, user, now, event_json(rule, query, user, now)});
        }
        return {};
    }
    KUMO_TRY(check_document_data(data));
    if (rule.type == AnalyticsRule::Type::kLog) {
        log({rule.name, user, now, event_json(rule, data, now)});
        return {};
    }
    if (const JsonValue one = data.find("doc_id")) {
        count(rule.name, std::string(one.as_string()), rule.weight);
    }
    for (const JsonValue one : elements_of(data.find("doc_ids"))) {
        if (one.is_string()) {
            count(rule.name, std::string(one.as_string()), rule.weight);
        }
    }
    return {};
}

std::vector<Event>
Analytics::events_of(std::string_view user, std::string_view rule, std::size_t most) {
    const MutexLock lock(mutex_);
    settle(*rules(), false);
    std::vector<Event> out;
    const auto& events = pending_.events;
    std::copy_if(events.rbegin(), events.rend(), std::back_inserter(out), [&](const Event& event) {
        return out.size() < most && event.user == user && event.rule == rule;
    });
    return out;
}

AnalyticsPending Analytics::take() {
    const MutexLock lock(mutex_);
    settle(*rules(), false);
    changed_ = true;
    counters_ = 0;
    counter_bytes_ = 0;
    return std::exchange(pending_, {});
}

void Analytics::give_back(AnalyticsPending pending) {
    const MutexLock lock(mutex_);
    for (auto& [rule, queries] : pending.queries) {
        for (const auto& [query, by] : queries) {
            count(rule, query, by);
        }
    }
    for (auto& [rule, documents] : pending.documents) {
        for (const auto& [id, by] : documents) {
            count(rule, id, by);
        }
    }
    std::deque<Event> later = std::exchange(pending_.events, {});
    for (Event& event : pending.events) {
        log(std::move(event));
    }
    for (Event& event : later) {
        log(std::move(event));
    }
}

std::optional<std::string> Analytics::changes() {
    const MutexLock lock(mutex_);
    settle(*rules(), false);
    if (!std::exchange(changed_, false)) {
        return std::nullopt;
    }
    return encode_pending(pending_);
}

Analytics::Sizes Analytics::sizes() {
    const auto known = rules();
    const MutexLock lock(mutex_);
    settle(*known, false);
    const auto is_about_searches = [&](const std::string& name) {
        const auto rule = known->find(name);
        return rule != known->end() && rule->second.is_about_searches();
    };
    Sizes out;
    for (const auto& [who, typing] : typing_) {
        if (const auto rule = known->find(who.first); rule != known->end()) {
            const auto type = rule->second.type;
            ++out.typing
                  [type == AnalyticsRule::Type::kPopularQueries  ? 0
                   : type == AnalyticsRule::Type::kNohitsQueries ? 1
                                                                 : 2];
        }
    }
    for (const auto& [rule, queries] : pending_.queries) {
        out.query_counters += queries.size();
    }
    for (const auto& [rule, documents] : pending_.documents) {
        out.document_counters += documents.size();
    }
    for (const Event& event : pending_.events) {
        ++(is_about_searches(event.rule) ? out.query_events : out.document_events);
    }
    return out;
}

}  // namespace kumo::api_kumosearch
