#include "api/kumosearch/analytics/analytics_flush.h"

#include "api/kumosearch/auth/secrets.h"
#include "api/kumosearch/query/search_plan.h"
#include "base/log.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <chrono>
#include <deque>
#include <limits>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using Query = AnalyticsPending::Query;

/// Documents that one flush of a rule removes beyond its limit; the next one goes on.
constexpr std::uint32_t kTrimMax = 250;

/// Of what one write of a flush says, without names and numbers.
constexpr std::size_t kFlushWriteBytesMax = std::size_t{4} << 20;
constexpr std::size_t kFlushWriteDocumentsMax = 5000;
static_assert(kFlushWriteDocumentsMax <= node::kBatchDocumentsMax);
static_assert(8 * kFlushWriteBytesMax <= node::kBatchBytesMax);  // Escapes are six bytes for one.

/// How much one write has been given.
class WriteSize {
public:
    /// Counts one more document, unless that is too much. One alone is taken, whatever its size.
    bool takes(std::size_t bytes) {
        if (documents_ > 0
            && (documents_ == kFlushWriteDocumentsMax || bytes_ + bytes > kFlushWriteBytesMax)) {
            return false;
        }
        ++documents_;
        bytes_ += bytes;
        return true;
    }

private:
    std::size_t documents_ = 0;
    std::size_t bytes_ = 0;
};

std::size_t bytes_of(const Query& query) {
    return query.q.size() + query.filter_by.size() + query.tag.size();
}

/// The document of a query: the same one from every node.
std::string id_of(const Query& query) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    constexpr std::size_t kDigitBytes = 16;
    std::string text;
    for (const std::string* part : {&query.q, &query.filter_by, &query.tag}) {
        text.append(std::to_string(part->size())).append(":").append(*part);
    }
    std::string id;
    for (const char c : sha256(text).substr(0, kDigitBytes)) {
        const auto byte = static_cast<unsigned char>(c);
        id += kDigits[byte >> 4U];
        id += kDigits[byte & 15U];
    }
    return id;
}

void write_increment(wire::JsonWriter& out, std::string_view field, std::int64_t by) {
    out.key("$operations").begin_object().key("increment").begin_object();
    out.key(field).integer(by).end_object().end_object();
}

std::string query_document(const Query& query, std::int64_t count) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("id").string(id_of(query)).key("q").string(query.q);
    if (!query.filter_by.empty()) {
        out.key("filter_by").string(query.filter_by);
    }
    if (!query.tag.empty()) {
        out.key("analytics_tag").string(query.tag);
    }
    write_increment(out, "count", count);
    out.end_object();
    return json;
}

std::string counter_document(const std::string& id, const std::string& field, std::int64_t by) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("id").string(id);
    write_increment(out, field, by);
    out.end_object();
    return json;
}

node::CollectionSpec events_spec() {
    node::CollectionSpec spec;
    spec.name = kEventsCollection;
    search::Field name{"name"};
    search::Field user{"user_id"};
    search::Field timestamp{"timestamp", search::ValueType::kInt64};
    timestamp.sort = true;
    spec.schema.fields = {name, user, timestamp};
    return spec;
}

/// One flush on its way, a step after the other. Loop-owned.
struct FlushRun : std::enable_shared_from_this<FlushRun> {
    using Step = std::function<void(std::shared_ptr<FlushRun>)>;

    Analytics& analytics;
    node::Node& node;
    const DialectOptions& options;
    io::Loop& loop;
    std::function<void()> done;
    std::int64_t oldest_event = 0;  ///< Microseconds since the epoch.
    std::deque<Step> steps{};

    FlushRun(
        Analytics& to_flush,
        node::Node& at,
        const DialectOptions& with,
        io::Loop& on,
        std::function<void()> when_done
    )
        : analytics(to_flush), node(at), options(with), loop(on), done(std::move(when_done)) {}

    void next() {
        if (steps.empty()) {
            done();
            return;
        }
        const Step step = std::move(steps.front());
        steps.pop_front();
        step(shared_from_this());
    }

    void plan(AnalyticsPending pending) {
        const auto rules = analytics.rules();
        for (auto& [name, queries] : pending.queries) {
            const auto rule = rules->find(name);
            if (rule != rules->end()) {
                plan_queries(rule->second, std::move(queries));
            }
        }
        for (auto& [name, documents] : pending.documents) {
            const auto rule = rules->find(name);
            if (rule != rules->end()) {
                plan_documents(rule->second, std::move(documents));
            }
        }
        if (!pending.events.empty()) {
            plan_events(std::move(pending.events));
        }
    }

private:
    void plan_queries(const AnalyticsRule& rule, std::map<Query, std::int64_t> queries) {
        while (!queries.empty()) {
            AnalyticsPending part;
            WriteSize size;
            while (!queries.empty() && size.takes(bytes_of(queries.begin()->first))) {
                part.queries[rule.name].insert(queries.extract(queries.begin()));
            }
            plan_write(rule, search::WriteAction::kEmplace, std::move(part));
        }
        steps.emplace_back([rule](const std::shared_ptr<FlushRun>& run) { trim(run, rule); });
    }

    void plan_documents(const AnalyticsRule& rule, std::map<std::string, std::int64_t> documents) {
        while (!documents.empty()) {
            AnalyticsPending part;
            WriteSize size;
            while (!documents.empty() && size.takes(documents.begin()->first.size())) {
                part.documents[rule.name].insert(documents.extract(documents.begin()));
            }
            plan_write(rule, search::WriteAction::kUpdate, std::move(part));
        }
    }

    void plan_events(std::deque<AnalyticsPending::Event> events) {
        AnalyticsRule rule;
        rule.name = "log";
        rule.destination = kEventsCollection;
        steps.emplace_back([](const std::shared_ptr<FlushRun>& run) {
            if (run->node.collection(kEventsCollection).ok()) {
                run->next();
                return;
            }
            // Another node may be making it: whoever comes second finds it.
            run->node.create_collection(events_spec(), run->loop, [run](const auto&) {
                run->next();
            });
        });
        while (!events.empty()) {
            AnalyticsPending part;
            WriteSize size;
            while (!events.empty() && size.takes(events.front().json.size())) {
                part.events.push_back(std::move(events.front()));
                events.pop_front();
            }
            plan_write(rule, search::WriteAction::kCreate, std::move(part));
        }
        steps.emplace_back([](const std::shared_ptr<FlushRun>& run) { forget_old(run); });
    }

    /// What the node does not take is given back; what a document does not take is dropped.
    void plan_write(const AnalyticsRule& rule, search::WriteAction action, AnalyticsPending part) {
        const auto shared = std::make_shared<AnalyticsPending>(std::move(part));
        steps.emplace_back([rule, action, shared](const std::shared_ptr<FlushRun>& run) {
            node::WriteBatch batch;
            batch.action = action;
            batch.documents = documents_of(rule, *shared);
            run->node.write(
                rule.destination,
                std::move(batch),
                run->loop,
                [run, rule, shared](const Result<std::vector<Result<search::Written>>>& written) {
                    run->on_written(rule, written, *shared);
                    run->next();
                }
            );
        });
    }

    static std::vector<std::string>
    documents_of(const AnalyticsRule& rule, const AnalyticsPending& part) {
        std::vector<std::string> out;
        for (const auto& [name, queries] : part.queries) {
            for (const auto& [query, count] : queries) {
                out.push_back(query_document(query, count));
            }
        }
        for (const auto& [name, documents] : part.documents) {
            for (const auto& [id, count] : documents) {
                out.push_back(counter_document(id, rule.counter_field, count));
            }
        }
        for (const AnalyticsPending::Event& event : part.events) {
            out.push_back(event.json);
        }
        return out;
    }

    void on_written(
        const AnalyticsRule& rule,
        const Result<std::vector<Result<search::Written>>>& written,
        AnalyticsPending& back
    ) {
        const std::string where = "analytics: rule " + rule.name + ": " + rule.destination + ": ";
        if (!written.ok()) {
            log_warn(where + written.error().message);
            if (written.error().code != ErrorCode::kNotFound) {
                analytics.give_back(std::move(back));
            }
            return;
        }
        for (const auto& one : written.value()) {
            if (!one.ok() && one.error().code != ErrorCode::kNotFound) {
                log_warn(where + one.error().message);
                return;
            }
        }
    }

    /// Removes the queries that were asked least, beyond the rule's limit.
    static void trim(const std::shared_ptr<FlushRun>& run, const AnalyticsRule& rule) {
        const auto collection = run->node.collection(rule.destination);
        Parameters parameters;
        parameters.set("q", "*");
        parameters.set("sort_by", "count:desc");
        auto plan = collection.ok()
                        ? plan_search(parameters, collection.value().spec.schema, run->options)
                        : Result<SearchPlan>(collection.error());
        if (!plan.ok()) {
            run->next();
            return;
        }
        search::SearchRequest request = std::move(plan.value().request);
        request.offset = static_cast<std::uint64_t>(rule.limit);
        request.limit = kTrimMax;
        run->node.search(
            rule.destination,
            std::move(request),
            run->loop,
            [run, rule](const Result<search::SearchResult>& found) {
                run->erase_found(rule, found);
            }
        );
    }

    void erase_found(const AnalyticsRule& rule, const Result<search::SearchResult>& found) {
        std::string ids;
        for (const search::Hit& hit :
             found.ok() ? found.value().hits : std::vector<search::Hit>()) {
            const auto document = wire::JsonDocument::parse(hit.document);
            const wire::JsonValue id =
                document.ok() ? document.value().root().find("id") : wire::JsonValue();
            if (id && id.is_string() && id.as_string().find('`') == std::string_view::npos) {
                ids.append(ids.empty() ? "`" : ",`").append(id.as_string()).append("`");
            }
        }
        erase_where(rule.destination, ids.empty() ? "" : "id:[" + ids + "]");
    }

    static void forget_old(const std::shared_ptr<FlushRun>& run) {
        run->erase_where(kEventsCollection, "timestamp:<" + std::to_string(run->oldest_event));
    }

    void erase_where(const std::string& collection, const std::string& filter_by) {
        const auto info = node.collection(collection);
        Parameters parameters;
        parameters.set("q", "*");
        parameters.set("filter_by", filter_by);
        auto plan = info.ok() && !filter_by.empty()
                        ? plan_search(parameters, info.value().spec.schema, options)
                        : Result<SearchPlan>(invalid_argument("nothing to erase"));
        if (!plan.ok()) {
            next();
            return;
        }
        node.erase_matching(
            collection,
            std::move(plan.value().request.filter),
            loop,
            [self = shared_from_this()](const Result<std::uint64_t>&) { self->next(); }
        );
    }
};

}  // namespace

void flush_analytics(
    Analytics& analytics,
    node::Node& node,
    const Clock& clock,
    const DialectOptions& options,
    io::Loop& loop,
    std::function<void()> done
) {
    const auto run = std::make_shared<FlushRun>(analytics, node, options, loop, std::move(done));
    const auto now = std::chrono::floor<std::chrono::microseconds>(clock.wall_now());
    run->oldest_event =
        now.time_since_epoch().count()
        - std::chrono::microseconds(std::chrono::seconds(options.analytics_ttl_seconds)).count();
    run->plan(analytics.take());
    run->next();
}

void write_events(
    Analytics& analytics,
    node::Node& node,
    const DialectOptions& options,
    io::Loop& loop,
    std::deque<AnalyticsPending::Event> events,
    std::function<void()> done
) {
    const auto run = std::make_shared<FlushRun>(analytics, node, options, loop, std::move(done));
    run->oldest_event = std::numeric_limits<std::int64_t>::min();
    AnalyticsPending pending;
    pending.events = std::move(events);
    run->plan(std::move(pending));
    run->next();
}

}  // namespace kumo::api_kumosearch
