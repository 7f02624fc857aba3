#include "api/elastic/cluster_view.h"
#include "api/elastic/documents/writer.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/handlers/several_searches.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/routing.h"
#include "api/elastic/search/fetch.h"
#include "api/elastic/search/search_run.h"
#include "api/elastic/search_contexts.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::size_t kSearchesPerRequestMax = 10'000;
/// `search.max_keep_alive` if nobody says.
constexpr const char* kKeepAliveMax = "24h";

/// A search whose hits are given out page by page.
struct Scroll final : SearchContexts::Entry {
    std::unique_ptr<SearchRun> run;
    std::size_t next = 0;
};

/// Snapshots that several searches see.
struct PointInTime final : SearchContexts::Entry {
    std::vector<SearchTarget> targets;
    std::int64_t created_at = 0;
    std::atomic<std::int64_t> keep_alive_millis{0};
};

std::int64_t now_millis(const Context& context) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               context.clock.wall_now().time_since_epoch()
    )
        .count();
}

std::int64_t whole_millis(Duration time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

/// Ids of what is kept of one kind.
template <typename T>
std::vector<std::string> kept_ids(const Context& context) {
    std::vector<std::string> out;
    for (const auto& [id, entry] : context.contexts.all()) {
        if (dynamic_cast<const T*>(entry.get()) != nullptr) {
            out.push_back(id);
        }
    }
    return out;
}

Result<Duration> keep_alive_of(const Context& context, std::string_view text) {
    const auto time = parse_time(text);
    if (!time) {
        return illegal_argument(
            "failed to parse setting [keep_alive] with value [" + std::string(text)
            + "] as a time value: unit is missing or unrecognized"
        );
    }
    const std::string given = context.cluster.setting("search.max_keep_alive");
    const std::string most = given.empty() ? kKeepAliveMax : given;
    if (*time > parse_time(most).value_or(*time)) {
        return illegal_argument(
            "Keep alive for request (" + std::string(text) + ") is too large. It must be less than ("
            + most
            + "). This limit can be set by changing the [search.max_keep_alive] cluster level setting."
        );
    }
    return *time;
}

/// With `routing` only the documents of its shards: those of other shards are left out.
Status keep_routed(const Request& request, std::vector<SearchTarget>& targets) {
    const std::vector<std::string> routing = request.parameters.list("routing");
    if (routing.empty()) {
        return {};
    }
    for (SearchTarget& target : targets) {
        if (target.index->shards() == 1) {
            continue;
        }
        std::set<std::int64_t> wanted;
        for (const std::string& one : routing) {
            wanted.insert(shard_of(*target.index, "", one));
        }
        auto kept = std::make_shared<search::Snapshot>(*target.snapshot);
        for (search::Snapshot::Part& part : kept->parts) {
            search::DeletedDocs deleted = part.deleted.share();
            for (search::DocId doc = 0; doc < part.segment->doc_count; ++doc) {
                std::string bytes;
                if (deleted.test(doc) || !part.segment->stored->append(doc, bytes).ok()) {
                    continue;
                }
                KUMO_TRY_ASSIGN(const auto stored, search::parse_stored(bytes));
                if (wanted.count(shard_of(*target.index, stored.id, stored.meta.routing)) == 0) {
                    (void)deleted.set(doc);
                }
            }
            part.deleted = std::move(deleted);
        }
        target.snapshot = std::move(kept);
    }
    return {};
}

Result<std::vector<SearchTarget>>
targets_of(const Request& request, const SearchBody& body, std::string& pit_id) {
    if (!body.pit.is_null()) {
        const Json* const id = body.pit.find("id");
        if (!request.part("index").empty()) {
            return fault(
                "action_request_validation_exception",
                "Validation Failed: 1: [indices] cannot be used with point in time;"
            );
        }
        pit_id = id == nullptr ? "" : id->text();
        const Json* const keep = body.pit.find("keep_alive");
        Duration time{};
        if (keep != nullptr) {
            KUMO_TRY_ASSIGN(time, keep_alive_of(request.context, keep->text()));
        }
        const auto entry =
            std::dynamic_pointer_cast<PointInTime>(request.context.contexts.find(pit_id, time));
        if (entry == nullptr) {
            return fault(
                "search_context_missing_exception",
                "No search context found for id [" + pit_id + "]"
            );
        }
        if (keep != nullptr) {
            const std::int64_t before = entry->keep_alive_millis.load();
            entry->keep_alive_millis.store(std::max(before, whole_millis(time)));
        }
        return entry->targets;
    }
    KUMO_TRY_ASSIGN(
        const IndicesOptions options,
        IndicesOptions::of_reads().with(request.parameters)
    );
    KUMO_TRY_ASSIGN(auto targets, search_targets(request.context, request.part("index"), options));
    KUMO_TRY(keep_routed(request, targets));
    return targets;
}

/// What says how a search is run, where there is but one way.
Status check_way(const Request& request) {
    const std::string type = request.parameters.text("search_type");
    if (!type.empty() && type != "query_then_fetch" && type != "dfs_query_then_fetch") {
        return illegal_argument("No search type for [" + type + "]");
    }
    KUMO_TRY_ASSIGN(
        const std::int64_t batch,
        request.parameters.integer("batched_reduce_size", 512)
    );
    if (batch < 2) {
        return illegal_argument("batchedReduceSize must be >= 2");
    }
    KUMO_TRY_ASSIGN(
        const std::int64_t before,
        request.parameters.integer("pre_filter_shard_size", 128)
    );
    if (before < 1) {
        return illegal_argument("preFilterShardSize must be >= 1");
    }
    KUMO_TRY_ASSIGN(
        const std::int64_t at_once,
        request.parameters.integer("max_concurrent_shard_requests", 5)
    );
    if (at_once < 1) {
        return illegal_argument("maxConcurrentShardRequests must be >= 1");
    }
    return {};
}

/// Names that boosts are given to have to be there.
Status check_boosts(const Request& request, const SearchBody& body) {
    for (const Json& one : body.indices_boost.is_array() ? body.indices_boost.items()
                                                         : Json::Array{body.indices_boost}) {
        for (const auto& [name, boost] : one.members()) {
            IndicesOptions options;
            options.ignore_unavailable = request.parameters.flag_or("ignore_unavailable", false);
            auto resolved = resolve(request.context, name, options);
            if (!resolved.ok()) {
                return resolved.error();
            }
        }
    }
    return {};
}

Error missing_scroll(const std::string& id) {
    return fault("search_context_missing_exception", "No search context found for id [" + id + "]");
}

}  // namespace

Result<Json> run_search(const Request& request, const Json& given) {
    KUMO_TRY(check_way(request));
    KUMO_TRY_ASSIGN(SearchBody body, parse_search(given, request.parameters));
    KUMO_TRY(check_boosts(request, body));
    std::string pit_id;
    KUMO_TRY_ASSIGN(auto targets, targets_of(request, body, pit_id));
    const std::string scroll = body.scroll;
    auto run = std::make_unique<SearchRun>(request.context, std::move(targets), std::move(body));
    if (scroll.empty()) {
        KUMO_TRY(run->run());
        KUMO_TRY_ASSIGN(Json out, run->answer());
        const auto before = request.parameters.integer("pre_filter_shard_size", 128);
        const auto shards_at = out.find("_shards");
        if (before.ok() && shards_at->find("total")->as_int64() > before.value()) {
            (*shards_at)["skipped"] = run->shards_without_matches();
        }
        const auto batch = request.parameters.integer("batched_reduce_size", 512);
        const std::int64_t shards = run->shards_json().find("total")->as_int64();
        if (batch.ok() && shards > batch.value()) {
            // As many as a coordinator that reduces so many answers at a time would need.
            out["num_reduce_phases"] =
                1 + (shards - batch.value() + batch.value() - 2) / (batch.value() - 1);
        }
        if (!pit_id.empty()) {
            out["pit_id"] = pit_id;
            std::rotate(out.members().begin(), out.members().end() - 1, out.members().end());
        }
        return out;
    }
    KUMO_TRY_ASSIGN(const Duration keep, keep_alive_of(request.context, scroll));
    run->keep_all();
    KUMO_TRY(run->run());
    KUMO_TRY_ASSIGN(Json out, run->answer());
    auto entry = std::make_shared<Scroll>();
    entry->next = static_cast<std::size_t>(run->body().size);
    entry->run = std::move(run);
    KUMO_TRY_ASSIGN(const std::string id, request.context.contexts.add(std::move(entry), keep));
    Json with_id = Json::object({{"_scroll_id", id}});
    with_id.merge(out);
    return with_id;
}

Result<Answer> search(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    KUMO_TRY_ASSIGN(Json out, run_search(request, body));
    return Answer(std::move(out));
}

Result<Answer> multi_search(const Request& request) {
    if (request.body.empty()) {
        return fault("parse_exception", "request body or source parameter is required");
    }
    Request each = request;
    each.parameters = Parameters();
    for (const char* const name : {"rest_total_hits_as_int", "typed_keys"}) {
        if (const std::string* const value = request.parameters.find(name)) {
            each.parameters.set(name, *value);
        }
    }
    return several_searches(each, {kSearchesPerRequestMax, "searches"}, run_search);
}

Result<Answer> count(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    for (const auto& [name, value] : body.is_object() ? body.members() : Json::Object()) {
        if (name != "query") {
            return parsing_error("request does not support [" + name + "]");
        }
    }
    KUMO_TRY_ASSIGN(SearchBody parsed, parse_search(body, request.parameters));
    KUMO_TRY_ASSIGN(
        const IndicesOptions options,
        IndicesOptions::of_reads().with(request.parameters)
    );
    KUMO_TRY_ASSIGN(auto targets, search_targets(request.context, request.part("index"), options));
    KUMO_TRY(keep_routed(request, targets));
    KUMO_TRY_ASSIGN(
        const std::uint64_t total,
        count_matches(request.context, targets, parsed.query)
    );
    std::int64_t shards = 0;
    for (const SearchTarget& target : targets) {
        shards += target.index->shards();
    }
    return Answer(Json::object(
        {{"count", total},
         {"_shards",
          Json::object({{"total", shards}, {"successful", shards}, {"skipped", 0}, {"failed", 0}})}}
    ));
}

Result<Answer> scroll(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    std::string id = request.part("scroll_id");
    id = id.empty() ? request.parameters.text("scroll_id") : id;
    std::string keep = request.parameters.text("scroll");
    for (const auto& [name, value] : body.is_object() ? body.members() : Json::Object()) {
        if (name == "scroll_id") {
            id = value.text();
        } else if (name == "scroll") {
            keep = value.text();
        } else {
            return illegal_argument(
                "Unknown parameter [" + name
                + "] in request body or parameter is of the wrong type[VALUE_STRING] "
            );
        }
    }
    if (id.empty()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: scrollId is missing;"
        );
    }
    Duration time{};
    if (!keep.empty()) {
        KUMO_TRY_ASSIGN(time, keep_alive_of(request.context, keep));
    }
    const auto entry = std::dynamic_pointer_cast<Scroll>(request.context.contexts.find(id, time));
    if (entry == nullptr) {
        return missing_scroll(id);
    }
    const auto size = static_cast<std::size_t>(entry->run->body().size);
    KUMO_TRY_ASSIGN(Json hits, entry->run->hits_json(entry->next, size));
    entry->next += size;
    Json found = entry->run->hits_object(std::move(hits));
    if (request.parameters.flag_or("rest_total_hits_as_int", false)) {
        found["total"] = entry->run->total();
    } else {
        found["total"] = Json::object({{"value", entry->run->total()}, {"relation", "eq"}});
    }
    return Answer(Json::object(
        {{"_scroll_id", id},
         {"took", 0},
         {"timed_out", false},
         {"_shards", entry->run->shards_json()},
         {"hits", std::move(found)}}
    ));
}

Result<Answer> clear_scroll(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    std::vector<std::string> ids = split_list(request.part("scroll_id"));
    if (const Json* const given = body.find("scroll_id")) {
        ids.clear();
        for (const Json& one : given->is_array() ? given->items() : Json::Array{*given}) {
            ids.push_back(one.text());
        }
    }
    if (ids.empty() && !body.is_null()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: no scroll ids specified;"
        );
    }
    std::int64_t freed = 0;
    if (ids.empty() || (ids.size() == 1 && ids.front() == "_all")) {
        for (const std::string& id : kept_ids<Scroll>(request.context)) {
            freed += request.context.contexts.remove(id) ? 1 : 0;
        }
        return Answer(Json::object({{"succeeded", true}, {"num_freed", freed}}));
    }
    for (const std::string& id : ids) {
        freed += request.context.contexts.remove(id) ? 1 : 0;
    }
    return Answer(
        freed == 0 ? 404 : 200,
        Json::object({{"succeeded", true}, {"num_freed", freed}})
    );
}

Result<Answer> open_point_in_time(const Request& request) {
    const std::string keep = request.parameters.text("keep_alive");
    if (keep.empty()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: keep alive not specified;"
        );
    }
    KUMO_TRY_ASSIGN(const Duration time, keep_alive_of(request.context, keep));
    KUMO_TRY_ASSIGN(
        const IndicesOptions options,
        IndicesOptions::of_reads().with(request.parameters)
    );
    auto entry = std::make_shared<PointInTime>();
    KUMO_TRY_ASSIGN(
        entry->targets,
        search_targets(request.context, request.part("index"), options)
    );
    entry->created_at = now_millis(request.context);
    entry->keep_alive_millis.store(whole_millis(time));
    std::int64_t shards = 0;
    for (const SearchTarget& target : entry->targets) {
        shards += target.index->shards();
    }
    const std::int64_t created = entry->created_at;
    KUMO_TRY_ASSIGN(const std::string id, request.context.contexts.add(std::move(entry), time));
    return Answer(Json::object(
        {{"pit_id", id},
         {"_shards",
          Json::object({{"total", shards}, {"successful", shards}, {"skipped", 0}, {"failed", 0}})},
         {"creation_time", created}}
    ));
}

Result<Answer> close_point_in_time(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    std::vector<std::string> ids;
    const Json* const given = body.find("pit_id");
    for (const Json& one : given == nullptr    ? Json::Array()
                           : given->is_array() ? given->items()
                                               : Json::Array{*given}) {
        ids.push_back(one.text());
    }
    if (request.path.ends_with("/_all")) {
        ids = kept_ids<PointInTime>(request.context);
        if (ids.empty()) {
            return Answer(Json::object({{"pits", Json::array()}}));
        }
    }
    if (ids.empty()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: no pit ids specified;"
        );
    }
    Json list = Json::array();
    bool any = false;
    for (const std::string& id : ids) {
        const bool removed = request.context.contexts.remove(id);
        any = any || removed;
        list.push(Json::object({{"successful", removed}, {"pit_id", id}}));
    }
    return Answer(any ? 200 : 404, Json::object({{"pits", std::move(list)}}));
}

Result<Answer> list_points_in_time(const Request& request) {
    Json list = Json::array();
    for (const auto& [id, entry] : request.context.contexts.all()) {
        if (const auto* const pit = dynamic_cast<const PointInTime*>(entry.get())) {
            list.push(Json::object(
                {{"pit_id", id},
                 {"creation_time", pit->created_at},
                 {"keep_alive", pit->keep_alive_millis.load()}}
            ));
        }
    }
    return Answer(Json::object({{"pits", std::move(list)}}));
}

Result<Answer> validate_query(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    KUMO_TRY_ASSIGN(
        const IndicesOptions options,
        IndicesOptions::of_reads().with(request.parameters)
    );
    KUMO_TRY_ASSIGN(
        const auto targets,
        search_targets(request.context, request.part("index"), options)
    );
    KUMO_TRY_ASSIGN(const bool explain, request.parameters.flag("explain", false));
    Json out = Json::object();
    std::int64_t shards = 0;
    Json explanations = Json::array();
    std::optional<Error> wrong;
    for (const auto& [name, value] : body.is_object() ? body.members() : Json::Object()) {
        if (name != "query") {
            wrong = parsing_error("request does not support [" + name + "]");
        }
    }
    SearchBody parsed;
    if (!wrong) {
        auto search = parse_search(body, request.parameters);
        if (search.ok()) {
            parsed = std::move(search).value();
        } else {
            wrong = search.error();
        }
    }
    for (const SearchTarget& target : targets) {
        ++shards;
        std::optional<Error> here = wrong;
        if (!here && !parsed.query.is_null()) {
            const auto context = query_context(request.context, target);
            auto node = parse_query(parsed.query, *context);
            if (!node.ok()) {
                here = node.error();
            }
        }
        Json entry = Json::object({{"index", target.index->name}, {"valid", !here}});
        if (here) {
            const Fault why = fault_of(*here);
            entry["error"] = why.type + ": " + why.reason;
            wrong = wrong ? wrong : here;
        } else {
            entry["explanation"] = parsed.query.is_null() ? "*:*" : parsed.query.dump();
        }
        explanations.push(std::move(entry));
    }
    if (wrong && fault_of(*wrong).type == "parsing_exception" && targets.empty()) {
        return Answer(Json::object({{"valid", false}}));
    }
    out["_shards"] = Json::object({{"total", 1}, {"successful", 1}, {"failed", 0}});
    out["valid"] = !wrong;
    if (wrong && explain) {
        const Fault why = fault_of(*wrong);
        out["error"] = why.type + ": " + why.reason;
    }
    if (explain) {
        out["explanations"] = std::move(explanations);
    }
    return Answer(std::move(out));
}

Result<Answer> explain(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    KUMO_TRY_ASSIGN(const SearchBody parsed, parse_search(body, request.parameters));
    if (parsed.query.is_null()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: query is missing;"
        );
    }
    KUMO_TRY_ASSIGN(
        const auto targets,
        search_targets(request.context, request.part("index"), IndicesOptions::of_reads())
    );
    if (targets.size() != 1) {
        return no_such_index(request.part("index"));
    }
    const std::string id = request.part("id");
    const SearchTarget& target = targets.front();
    Json out = Json::object({{"_index", target.index->name}, {"_id", id}, {"matched", false}});
    KUMO_TRY_ASSIGN(
        const FoundDocument document,
        get_document(request.context, target.index->name, id, false)
    );
    if (!document.found) {
        return Answer(404, std::move(out));
    }
    const auto context = query_context(request.context, target);
    namespace tree = search::tree;
    KUMO_TRY_ASSIGN(const tree::NodePtr query, parse_query(parsed.query, *context));
    tree::Boolean both;
    both.must.push_back(query);
    both.filter.push_back(tree::ids({id}));
    if (!target.filter.is_null()) {
        KUMO_TRY_ASSIGN(auto filter, parse_query(target.filter, *context));
        both.filter.push_back(std::move(filter));
    }
    tree::Evaluation evaluation(*target.snapshot);
    KUMO_TRY_ASSIGN(
        const auto matches,
        tree::evaluate(*tree::boolean(std::move(both)), evaluation, true)
    );
    float score = 0;
    bool matched = false;
    for (const tree::Matches& part : matches) {
        if (part.size() > 0) {
            matched = true;
            score = part.score_at(0);
        }
    }
    out["matched"] = matched;
    out["explanation"] = Json::object(
        {{"value", matched ? Json::number_float(score) : Json(0.0)},
         {"description", matched ? "score of " + parsed.query.dump() : "no matching clause"},
         {"details", Json::array()}}
    );
    const SourceFilter source = SourceFilter::of(request.parameters);
    if (request.parameters.has("_source") || !source.is_plain()
        || request.parameters.has("stored_fields")) {
        KUMO_TRY_ASSIGN(const Json all, Json::parse(document.stored.source));
        Json get = Json::object(
            {{"_seq_no", document.stored.meta.seq},
             {"_primary_term", document.stored.meta.term},
             {"found", true}}
        );
        if (source.show) {
            get["_source"] = source.apply(all);
        }
        out["get"] = std::move(get);
    }
    return Answer(std::move(out));
}

}  // namespace kumo::api_elastic
