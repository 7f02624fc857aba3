#include "search/query/search.h"

#include "api/kumosearch/handlers/cached_search.h"
#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/joins.h"
#include "api/kumosearch/handlers/run_search.h"
#include "api/kumosearch/query/filter_parser.h"
#include "api/kumosearch/query/search_plan.h"
#include "api/kumosearch/query/search_response.h"
#include "api/kumosearch/resources/curations.h"
#include "api/kumosearch/resources/synonyms.h"
#include "api/kumosearch/resources/values.h"
#include "search/index/adapted_snapshot.h"
#include "wire/json.h"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

/// The embedded parameters win, except that filters are ANDed.
void embed(Parameters& parameters, const Parameters& embedded) {
    const std::string filter = parameters.text("filter_by");
    parameters.override_with(embedded);
    if (embedded.has("filter_by")) {
        parameters.set("filter_by", filter);
        parameters.and_filter(embedded.text("filter_by"));
    }
}

/// What named resources add to a search.
Status add_resources(
    const node::Node& node,
    const Parameters& parameters,
    const node::CollectionSpec& collection,
    search::SearchRequest& request
) {
    KUMO_TRY_ASSIGN(request.stopwords, find_stopwords(node, parameters, collection.schema));
    KUMO_TRY_ASSIGN(request.synonyms, find_synonyms(node, parameters, collection));
    return {};
}

/// What analytics are told of a search, if they want to know: the first page of a search that
/// does not ask to be left out.
std::optional<SearchNote> note_of(
    const Call& call,
    const std::string& collection,
    const Parameters& parameters,
    const std::string& q
) {
    const std::string& page = parameters.text("page");
    const bool first = page.empty() || page == "1" || page == "0";
    if (!call.context.analytics.wants_searches() || !first
        || !parameters.flag("enable_analytics", true)) {
        return std::nullopt;
    }
    SearchNote note;
    note.collection = collection;
    note.q = q;
    note.filter_by = parameters.text("filter_by");
    note.tag = parameters.text("analytics_tag");
    note.user = parameters.text("x-kumosearch-user-id", "x-typesense-user-id");
    if (note.user.empty()) {
        note.user = call.user.empty() ? call.response->peer().host_string() : call.user;
    }
    return note;
}

/// A search that was answered from the cache was a search.
void note_cached(const Call& call, const SearchOrder& order, const std::string& answer) {
    auto note = note_of(
        call,
        resolve_collection(call.context.node, order.collection),
        order.parameters,
        order.parameters.text("q")
    );
    if (note) {
        const auto parsed = wire::JsonDocument::parse(answer);
        const wire::JsonValue found =
            parsed.ok() ? parsed.value().root().find("found") : wire::JsonValue();
        note->found =
            found && found.type() == wire::JsonType::kInt64 && found.as_int64() > 0 ? 1 : 0;
        call.context.analytics.note_search(*note);
    }
}

/// A field that a scoped key hides must not come out as a highlight. (One that the request itself
/// leaves out may: a snippet in place of the whole text.)
Status hide_highlights(
    const Parameters& embedded,
    const search::Schema& schema,
    search::HighlightOptions& highlight
) {
    KUMO_TRY_ASSIGN(const FieldSelection fields, plan_plain_fields(embedded));
    for (std::vector<std::size_t>* list : {&highlight.fields, &highlight.full_fields}) {
        std::erase_if(*list, [&](std::size_t field) {
            return !fields.shows(schema.fields[field].name);
        });
    }
    return {};
}

/// One search on its way: found, curated, planned. Loop-owned, except while rules are
/// tried on a worker.
struct SearchRun {
    CallPtr call;
    std::string name;  ///< Of the collection, or an alias.
    Parameters parameters;
    Grant grant;
    std::function<void(Result<PreparedSearch>)> done;
    std::shared_ptr<const node::CollectionSpec> collection{};
    std::shared_ptr<const search::Schema> schema{};  ///< The collection's, shared.
    Error missing{ErrorCode::kNotFound, ""};         ///< Why there is no collection.
    CurationSets curations{};
    Curated curated{};
    std::string first_q{};

    /// False if the collection, or a resource that the parameters name, is not here.
    bool find_all() {
        const node::Node& node = call->context.node;
        apply_preset(node, parameters);
        auto info = node.collection(resolve_collection(node, name));
        if (!info.ok()) {
            missing = std::move(info).error();
            return false;
        }
        schema = info.value().schema;
        collection = std::make_shared<const node::CollectionSpec>(std::move(info.value().spec));
        return !names_unknown_resource(node, parameters)
               && !names_unknown_collection(node, parameters);
    }

    static void start(const std::shared_ptr<SearchRun>& run) {
        if (run->collection == nullptr) {
            run->done(run->missing);
            return;
        }
        run->first_q = run->parameters.text("q");
        run->curations = find_curations(run->call->context.node, run->parameters, *run->collection);
        if (run->curations.empty()) {
            finish(run);
            return;
        }
        if (needs_index(run->curations, run->parameters, run->context(nullptr))) {
            curate_on_worker(run);
            return;
        }
        run->curated = curate(run->curations, run->parameters, run->context(nullptr));
        finish(run);
    }

private:
    CurationContext context(std::shared_ptr<const search::Snapshot> snapshot) const {
        const auto now = std::chrono::floor<std::chrono::seconds>(call->context.clock.wall_now());
        CurationContext out{collection->schema, now.time_since_epoch().count(), {}, {}};
        out.fits = [this](const std::string& filter) {
            JoinPlanner joins = planner();
            FilterLimits limits{call->context.options.filter_by_max_ops};
            limits.joins = &joins;
            return parse_filter(filter, collection->schema, limits).ok();
        };
        out.has_value = [snapshot =
                             std::move(snapshot)](std::size_t field, const std::string& text) {
            if (snapshot == nullptr) {
                return false;
            }
            search::Filter filter;
            filter.kind = search::Filter::Kind::kExact;
            filter.field = field;
            filter.text = text;
            const auto ids = search::matching_ids(*snapshot, filter, 1);
            return ids.ok() && !ids.value().empty();
        };
        return out;
    }

    static void curate_on_worker(const std::shared_ptr<SearchRun>& run) {
        auto snapshot = run->call->context.node.snapshot(run->collection->name);
        if (!snapshot.ok()) {
            run->done(std::move(snapshot).error());
            return;
        }
        io::Loop& loop = run->call->loop();
        const Status submitted = run->call->context.pool.submit(
            // A copy that may be moved, which a capture of `run` itself is not.
            [self = std::shared_ptr<SearchRun>(run), &loop, snapshot = std::move(snapshot).value()](
            ) mutable {
                snapshot = search::adapted(snapshot, self->schema);
                self->curated = curate(self->curations, self->parameters, self->context(snapshot));
                // The reference moves along: the last one must be dropped on the loop.
                loop.post([self = std::move(self)] { finish(self); });
            }
        );
        if (!submitted.ok()) {
            run->done(submitted.error());
        }
    }

    JoinPlanner planner() const {
        return join_planner(call->context.node, grant, {collection->name, schema});
    }

    /// A scoped key's filter says which joined documents its owner may see.
    Status restrict(JoinPlanner& joins) const {
        const std::string& filter = grant.embedded.text("filter_by");
        if (filter.find('$') == std::string::npos) {
            return {};
        }
        FilterLimits limits{call->context.options.filter_by_max_ops};
        limits.joins = &joins;
        KUMO_TRY_ASSIGN(const search::Filter embedded, parse_filter(filter, *schema, limits));
        joins.allow_only(embedded);
        return {};
    }

    Result<SearchPlan> plan() const {
        const node::Node& node = call->context.node;
        JoinPlanner joins = planner();
        KUMO_TRY(restrict(joins));
        KUMO_TRY_ASSIGN(
            SearchPlan plan,
            plan_search(parameters, collection->schema, call->context.options, &joins)
        );
        KUMO_TRY(add_resources(node, parameters, *collection, plan.request));
        add_curated(curated, plan.request);
        for (search::SortKey& key : plan.request.sort) {
            if (key.by == search::SortKey::By::kRandom && !key.seed) {
                const auto now = call->context.clock.wall_now().time_since_epoch();
                key.seed = static_cast<std::uint64_t>(now.count());
            }
        }
        KUMO_TRY(hide_highlights(grant.embedded, collection->schema, plan.request.highlight));
        plan.request.schema = schema;
        plan.shape.q = first_q;
        plan.shape.metadata = curated.metadata;
        return plan;
    }

    static void finish(const std::shared_ptr<SearchRun>& run) {
        auto plan = run->plan();
        if (plan.ok()) {
            auto note = note_of(*run->call, run->collection->name, run->parameters, run->first_q);
            run->done(PreparedSearch{run->collection, std::move(plan).value(), std::move(note)});
        } else {
            run->done(std::move(plan).error());
        }
    }
};

void run_prepared(
    const CallPtr& call,
    PreparedSearch prepared,
    const std::function<void(Result<std::string>)>& done
) {
    const MonotonicTime started = call->context.clock.monotonic_now();
    auto note = prepared.note;
    call->context.node.search(
        prepared.collection->name,
        std::move(prepared.plan.request),
        call->loop(),
        [call,
         done,
         started,
         note = std::move(note),
         collection = prepared.collection,
         shape = std::move(prepared.plan.shape)](Result<search::SearchResult> found) mutable {
            if (!found.ok()) {
                done(std::move(found).error());
                return;
            }
            const Duration took = call->context.clock.monotonic_now() - started;
            if (note) {
                note->found = found.value().found;
                call->context.analytics.note_search(*note);
            }
            done(write_result(found.value(), shape, collection->schema, collection->name, took));
        }
    );
}

void run_uncached(
    const CallPtr& call,
    SearchOrder order,
    std::function<void(Result<std::string>)> done,
    const std::shared_ptr<bool>& joins = nullptr
) {
    prepare_search(
        call,
        std::move(order),
        [call, done = std::move(done), joins](Result<PreparedSearch> prepared) {
            if (!prepared.ok()) {
                done(std::move(prepared).error());
                return;
            }
            if (joins != nullptr) {
                *joins = !prepared.value().plan.request.joins.collections.empty();
            }
            run_prepared(call, std::move(prepared).value(), done);
        }
    );
}

}  // namespace

void prepare_search(
    const CallPtr& call,
    SearchOrder order,
    std::function<void(Result<PreparedSearch>)> done
) {
    embed(order.parameters, order.grant.embedded);
    const auto run = std::make_shared<SearchRun>(SearchRun{
        call,
        std::move(order.collection),
        std::move(order.parameters),
        std::move(order.grant),
        std::move(done)});
    if (run->find_all()) {
        SearchRun::start(run);
        return;
    }
    // Another node may have made what is missing a moment ago.
    call->context.node.refresh(call->loop(), [run](const Result<bool>&) {
        (void)run->find_all();
        SearchRun::start(run);
    });
}

void run_search(
    const CallPtr& call,
    SearchOrder order,
    std::function<void(Result<std::string>)> done
) {
    auto cached = CachedSearch::of(*call, order);
    if (!cached) {
        run_uncached(call, std::move(order), std::move(done));
        return;
    }
    if (const auto answer = cached->find()) {
        note_cached(*call, order, *answer);
        done(*answer);
        return;
    }
    // What it depends on is known of one collection only.
    const auto joins = std::make_shared<bool>(false);
    run_uncached(
        call,
        std::move(order),
        [cached = std::move(*cached), done = std::move(done), joins](Result<std::string> json) {
            if (json.ok() && !*joins) {
                cached.put(json.value());
            }
            done(std::move(json));
        },
        joins
    );
}

void search_collection(const CallPtr& call) {
    Parameters parameters = call->parameters;
    if (!parameters.has("q")) {
        parameters.set("q", "");
    }
    run_search(
        call,
        {call->collection(), std::move(parameters), call->grant},
        [call](Result<std::string> json) {
            if (!json.ok()) {
                answer_error(*call, json.error());
                return;
            }
            answer(*call, 200, std::move(json).value());
        }
    );
}

}  // namespace kumo::api_kumosearch
