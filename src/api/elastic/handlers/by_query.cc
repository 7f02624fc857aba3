#include "api/elastic/documents/source_filter.h"
#include "api/elastic/documents/writer.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/handlers/task_run.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/script/run_script.h"
#include "api/elastic/search/fetch.h"
#include "api/elastic/search/search_run.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::size_t kBatch = 1000;

/// What one such request did.
struct Progress {
    MonotonicTime begin{};
    std::int64_t total = 0;
    std::int64_t created = 0;
    std::int64_t updated = 0;
    std::int64_t deleted = 0;
    std::int64_t batches = 0;
    std::int64_t conflicts = 0;
    std::int64_t noops = 0;
    Json failures = Json::array();
    bool cancelled = false;

    Json json(const Context& context, bool creates, bool updates) const {
        Json out = Json::object(
            {{"took",
              std::chrono::duration_cast<std::chrono::milliseconds>(
                  context.clock.monotonic_now() - begin
              )
                  .count()},
             {"timed_out", false},
             {"total", total}}
        );
        if (updates) {
            out["updated"] = updated;
        }
        if (creates) {
            out["created"] = created;
        }
        out["deleted"] = deleted;
        out["batches"] = batches;
        out["version_conflicts"] = conflicts;
        out["noops"] = noops;
        out["retries"] = Json::object({{"bulk", 0}, {"search", 0}});
        out["throttled_millis"] = 0;
        out["requests_per_second"] = -1.0;
        if (cancelled) {
            out["canceled"] = "by user request";
        }
        out["throttled_until_millis"] = 0;
        out["failures"] = failures;
        return out;
    }
};

struct ByQuery {
    Json query;
    std::int64_t max_docs = -1;
    bool proceed = false;  ///< On conflicts.
    bool refresh = false;
};

/// Hits of a query over targets, as documents.
struct Found {
    std::string index;
    search::StoredDocument document;
};

Result<std::vector<Found>> find_all(
    const Context& context,
    const std::vector<SearchTarget>& targets,
    const Json& query,
    std::int64_t max_docs
) {
    namespace tree = search::tree;
    std::vector<Found> out;
    for (std::uint32_t t = 0; t < targets.size(); ++t) {
        const auto parsed_for = query_context(context, targets[t]);
        tree::Boolean both;
        if (!query.is_null()) {
            KUMO_TRY_ASSIGN(auto node, parse_query(query, *parsed_for));
            both.filter.push_back(std::move(node));
        }
        if (!targets[t].filter.is_null()) {
            KUMO_TRY_ASSIGN(auto node, parse_query(targets[t].filter, *parsed_for));
            both.filter.push_back(std::move(node));
        }
        const tree::NodePtr node =
            both.filter.empty() ? tree::match_all() : tree::boolean(std::move(both));
        tree::Evaluation evaluation(*targets[t].snapshot);
        KUMO_TRY_ASSIGN(const auto matches, tree::evaluate(*node, evaluation, false));
        for (std::uint32_t p = 0; p < matches.size(); ++p) {
            for (const search::DocId doc : matches[p].docs) {
                if (max_docs >= 0 && out.size() >= static_cast<std::size_t>(max_docs)) {
                    return out;
                }
                KUMO_TRY_ASSIGN(auto document, stored_document(targets[t], {t, p, doc, 0, {}}));
                out.push_back({targets[t].index->name, std::move(document)});
            }
        }
    }
    return out;
}

Result<ByQuery> by_query_of(const Request& request, const Json& body) {
    ByQuery out;
    for (const auto& [name, value] : body.is_object() ? body.members() : Json::Object()) {
        if (name == "query") {
            out.query = value;
        } else if (name == "max_docs") {
            out.max_docs = value.to_int64().value_or(-1);
        } else if (name == "conflicts") {
            out.proceed = value.text() == "proceed";
        } else if (name != "script" && name != "slice" && name != "sort" && name != "size" && name != "_source") {
            return parsing_error("Unknown key for a START_OBJECT in [" + name + "].");
        }
    }
    KUMO_TRY_ASSIGN(SearchBody search, parse_search(Json(), request.parameters));
    if (!search.query.is_null()) {
        out.query = search.query;
    }
    for (const char* const name : {"max_docs", "size"}) {
        if (request.parameters.has(name)) {
            KUMO_TRY_ASSIGN(out.max_docs, request.parameters.integer(name, -1));
        }
    }
    if (out.max_docs == 0 || out.max_docs < -1) {
        return illegal_argument(
            "[max_docs] parameter cannot be negative or zero, found ["
            + std::to_string(out.max_docs) + "]"
        );
    }
    const std::string conflicts = request.parameters.text("conflicts");
    if (!conflicts.empty() && conflicts != "proceed" && conflicts != "abort") {
        return illegal_argument(
            "conflicts may only be \"proceed\" or \"abort\" but was [" + conflicts + "]"
        );
    }
    out.proceed = out.proceed || conflicts == "proceed";
    KUMO_TRY_ASSIGN(out.refresh, request.parameters.flag("refresh", false));
    return out;
}

/// Hands items over in batches; false if a conflict ends it.
bool write_all(
    const Context& context,
    std::vector<WriteItem> items,
    const ByQuery& how,
    const Task& task,
    Progress& progress
) {
    WriteOptions options;
    options.refresh = how.refresh;
    for (std::size_t at = 0; at < items.size(); at += kBatch) {
        if (task.cancelled.load()) {
            progress.cancelled = true;
            return false;
        }
        std::vector<WriteItem> batch(
            std::make_move_iterator(items.begin() + static_cast<std::ptrdiff_t>(at)),
            std::make_move_iterator(
                items.begin() + static_cast<std::ptrdiff_t>(std::min(at + kBatch, items.size()))
            )
        );
        ++progress.batches;
        bool ended = false;
        for (const WriteAnswer& answer : write_items(context, std::move(batch), options)) {
            if (answer.error) {
                const Fault why = fault_of(*answer.error);
                if (why.status == 409) {
                    ++progress.conflicts;
                    if (how.proceed) {
                        continue;
                    }
                }
                progress.failures.push(Json::object(
                    {{"index", answer.index},
                     {"id", answer.id},
                     {"cause", cause_json(why)},
                     {"status", why.status}}
                ));
                ended = true;
                continue;
            }
            const std::string result = answer.body.find("result")->text();
            progress.created += result == "created" ? 1 : 0;
            progress.updated += result == "updated" ? 1 : 0;
            progress.deleted += result == "deleted" ? 1 : 0;
        }
        if (ended) {
            return false;
        }
    }
    return true;
}

int status_of(const Progress& progress) {
    int status = 200;
    for (const Json& failure : progress.failures.items()) {
        status =
            std::max(status, static_cast<int>(failure.find("status")->to_int64().value_or(500)));
    }
    return status;
}

WriteItem item_of(Found found, WriteKind kind) {
    WriteItem item;
    item.kind = kind;
    item.index = found.index;
    item.id = std::move(found.document.id);
    item.routing = std::move(found.document.meta.routing);
    item.if_seq = found.document.meta.seq;
    item.if_term = found.document.meta.term;
    item.source = std::move(found.document.source);
    return item;
}

/// What a script makes of an item; false: it is left alone.
Result<bool>
change_item(const NamedScript& script, std::uint64_t version, WriteItem& item, Progress& progress) {
    KUMO_TRY_ASSIGN(Json source, Json::parse(item.source));
    Json ctx = Json::object(
        {{"op", "index"},
         {"_index", item.index},
         {"_id", item.id},
         {"_version", version},
         {"_routing", item.routing.empty() ? Json() : Json(item.routing)},
         {"_source", std::move(source)}}
    );
    KUMO_TRY(script.change(ctx));
    const auto text = [&ctx](std::string_view name) {
        const Json* const value = std::as_const(ctx).find(name);
        return value == nullptr || value->is_null() ? std::string() : value->text();
    };
    const std::string op = text("op");
    if (op == "noop" || op == "none") {
        ++progress.noops;
        return false;
    }
    if (op != "index" && op != "create" && op != "delete") {
        return illegal_argument(
            "Operation type [" + op + "] not allowed, only [noop, index, delete] are allowed"
        );
    }
    item.kind = op == "delete" ? WriteKind::kDelete : item.kind;
    item.index = text("_index");
    item.id = text("_id");
    item.routing = text("_routing");
    item.source = ctx["_source"].dump();
    return true;
}

/// As the script, if there is one, leaves it.
Status add_item(
    const std::optional<NamedScript>& script,
    std::uint64_t version,
    WriteItem item,
    std::vector<WriteItem>& items,
    Progress& progress
) {
    bool writes = true;
    if (script) {
        KUMO_TRY_ASSIGN(writes, change_item(*script, version, item, progress));
    }
    if (writes) {
        items.push_back(std::move(item));
    }
    return {};
}

Result<Answer> run_by_query(const Request& request, const Task& task, WriteKind kind) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    std::optional<NamedScript> script;
    if (const Json* const given = body.find("script");
        given != nullptr && kind == WriteKind::kIndex) {
        KUMO_TRY_ASSIGN(script, NamedScript::of(request.context.cluster, *given));
    }
    KUMO_TRY_ASSIGN(const ByQuery how, by_query_of(request, body));
    KUMO_TRY_ASSIGN(
        const IndicesOptions options,
        IndicesOptions::of_reads().with(request.parameters)
    );
    KUMO_TRY_ASSIGN(
        const auto targets,
        search_targets(request.context, request.part("index"), options)
    );
    Progress progress;
    progress.begin = request.context.clock.monotonic_now();
    KUMO_TRY_ASSIGN(
        std::vector<Found> found,
        find_all(request.context, targets, how.query, how.max_docs)
    );
    progress.total = static_cast<std::int64_t>(found.size());
    std::vector<WriteItem> items;
    for (Found& one : found) {
        const std::uint64_t version = one.document.meta.version;
        WriteItem item = item_of(std::move(one), kind);
        item.pipeline = request.parameters.text("pipeline");
        KUMO_TRY(add_item(script, version, std::move(item), items, progress));
    }
    (void)write_all(request.context, std::move(items), how, task, progress);
    if (how.refresh) {
        for (const SearchTarget& target : targets) {
            request.context.pins.refresh(target.index->name);
        }
    }
    return Answer(
        status_of(progress),
        progress.json(request.context, false, kind != WriteKind::kDelete)
    );
}

Result<Answer> by_query_task(const Request& request, WriteKind kind, TaskKind task) {
    task.cancellable = true;
    return run_as_task(request, std::move(task), [kind](const Request& of, const Task& running) {
        return run_by_query(of, running, kind);
    });
}

Result<Answer> run_reindex(const Request& request, const Task& task) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    const Json* const source = body.find("source");
    const Json* const dest = body.find("dest");
    if (source == nullptr || dest == nullptr) {
        return fault("parse_exception", "[reindex] needs [source] and [dest]");
    }
    if (source->find("remote") != nullptr) {
        return not_supported("reindexing from another cluster is not supported");
    }
    std::optional<NamedScript> script;
    if (const Json* const given = body.find("script")) {
        KUMO_TRY_ASSIGN(script, NamedScript::of(request.context.cluster, *given));
    }
    const Json* const from = source->find("index");
    const Json* const to = dest->find("index");
    if (from == nullptr || to == nullptr) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: index is missing;"
        );
    }
    std::string expression;
    for (const Json& one : from->is_array() ? from->items() : Json::Array{*from}) {
        expression += (expression.empty() ? "" : ",") + one.text();
    }
    KUMO_TRY_ASSIGN(
        const auto targets,
        search_targets(request.context, expression, IndicesOptions::of_reads())
    );
    for (const SearchTarget& target : targets) {
        if (target.index->name == to->text()) {
            return fault(
                "action_request_validation_exception",
                "Validation Failed: 1: reindex cannot write into an index its reading from ["
                    + to->text() + "];"
            );
        }
    }
    ByQuery how;
    const Json* const limit = body.find("max_docs");
    how.max_docs = limit == nullptr ? -1 : limit->to_int64().value_or(-1);
    const Json* const conflicts = body.find("conflicts");
    how.proceed = conflicts != nullptr && conflicts->text() == "proceed";
    KUMO_TRY_ASSIGN(how.refresh, request.parameters.flag("refresh", false));
    if (const Json* const query = source->find("query")) {
        how.query = *query;
    }
    SourceFilter filter;
    if (const Json* const given = source->find("_source")) {
        KUMO_TRY_ASSIGN(filter, SourceFilter::of(*given));
    }
    const Json* const op_type = dest->find("op_type");
    const Json* const version_type = dest->find("version_type");
    const Json* const pipeline = dest->find("pipeline");
    Progress progress;
    progress.begin = request.context.clock.monotonic_now();
    KUMO_TRY_ASSIGN(
        std::vector<Found> found,
        find_all(request.context, targets, how.query, how.max_docs)
    );
    progress.total = static_cast<std::int64_t>(found.size());
    std::vector<WriteItem> items;
    for (Found& one : found) {
        const std::uint64_t version = one.document.meta.version;
        WriteItem item = item_of(
            std::move(one),
            op_type != nullptr && op_type->text() == "create" ? WriteKind::kCreate
                                                              : WriteKind::kIndex
        );
        item.if_seq.reset();
        item.if_term.reset();
        item.index = to->text();
        item.pipeline = pipeline == nullptr ? "" : pipeline->text();
        if (version_type != nullptr && version_type->text().starts_with("external")) {
            item.rule = version_type->text() == "external_gte" ? search::VersionRule::kExternalGte
                                                               : search::VersionRule::kExternal;
            item.version = version;
        }
        if (!filter.is_plain()) {
            KUMO_TRY_ASSIGN(const Json all, Json::parse(item.source));
            item.source = filter.apply(all).dump();
        }
        KUMO_TRY(add_item(script, version, std::move(item), items, progress));
    }
    (void)write_all(request.context, std::move(items), how, task, progress);
    if (how.refresh) {
        request.context.pins.refresh(to->text());
    }
    return Answer(status_of(progress), progress.json(request.context, true, true));
}

}  // namespace

Result<Answer> delete_by_query(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    if (body.find("query") == nullptr && !request.parameters.has("q")) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: query is missing;"
        );
    }
    return by_query_task(
        request,
        WriteKind::kDelete,
        {"indices:data/write/delete/byquery", "delete-by-query [" + request.part("index") + "]"}
    );
}

Result<Answer> update_by_query(const Request& request) {
    return by_query_task(
        request,
        WriteKind::kIndex,
        {"indices:data/write/update/byquery", "update-by-query [" + request.part("index") + "]"}
    );
}

Result<Answer> reindex(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    const auto index_of = [&body](std::string_view end) {
        const Json* const of = body.find(end);
        const Json* const index = of == nullptr ? nullptr : of->find("index");
        return index == nullptr ? std::string() : index->is_array() ? index->dump() : index->text();
    };
    TaskKind kind;
    kind.action = "indices:data/write/reindex";
    kind.description = "reindex from [" + index_of("source") + "] to [" + index_of("dest") + "]";
    kind.cancellable = true;
    return run_as_task(request, std::move(kind), run_reindex);
}

}  // namespace kumo::api_elastic
