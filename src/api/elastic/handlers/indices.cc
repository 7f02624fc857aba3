#include "api/elastic/documents/writer.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/handlers/task_run.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/mapping/analysis.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/usage.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

IndicesOptions all_states() {
    IndicesOptions options;
    options.expand_closed = true;
    return options;
}

Json created(const std::string& name) {
    return Json::object({{"acknowledged", true}, {"shards_acknowledged", true}, {"index", name}});
}

/// A change of each of the indices.
Status change_each(
    const Request& request,
    const std::vector<ResolvedIndex>& indices,
    const std::function<Status(Index&)>& change
) {
    for (const ResolvedIndex& one : indices) {
        auto done = request.context.indices.update(one.index->name, change);
        if (!done.ok()) {
            return done.error();
        }
    }
    return {};
}

/// An expression that names nothing may not stand for everything by accident.
Status check_destructive(const Request& request, const std::string& expression) {
    const Json settings = request.context.cluster.find("settings");
    for (const std::string_view scope : {"transient", "persistent"}) {
        const Json* const of = settings.find(scope);
        const Json* const value =
            of == nullptr ? nullptr : of->find("action.destructive_requires_name");
        const bool all =
            expression.empty() || expression == "_all" || expression.find('*') != std::string::npos;
        if (value != nullptr && value->to_bool().value_or(false) && all) {
            return illegal_argument("Wildcard expressions or all indices are not allowed");
        }
    }
    return {};
}

}  // namespace

Json shown_settings(const Request& request, const Json& flat) {
    return request.parameters.flag_or("flat_settings", false) ? flat : nested_settings(flat);
}

Json index_settings(const Index& index) {
    Json out = index.settings;
    out["index.uuid"] = index.uuid;
    out["index.creation_date"] = std::to_string(index.created_at);
    out["index.provided_name"] = index.name;
    out["index.version.created"] = std::to_string(kVersionId);
    if (out.find("index.replication.type") == nullptr) {
        out["index.replication.type"] = "DOCUMENT";
    }
    return out;
}

Result<Answer> put_index(const Request& request) {
    KUMO_TRY_ASSIGN(Json body, request.json());
    if (body.is_object()) {
        for (const auto& [name, value] : body.members()) {
            if (name != "settings" && name != "mappings" && name != "aliases") {
                return fault("parse_exception", "unknown key [" + name + "] for create index");
            }
        }
    }
    KUMO_TRY_ASSIGN(
        const std::string name,
        resolve_date_math(request.context, request.part("index"))
    );
    KUMO_TRY_ASSIGN(const IndexPtr index, create_index(request.context, name, body));
    Json out = created(index->name);
    KUMO_TRY_ASSIGN(const WriteOptions options, WriteOptions::of(request.parameters));
    if (options.active_shards > 1) {
        out["shards_acknowledged"] = false;
    }
    return Answer(std::move(out));
}

Result<Answer> get_index(const Request& request) {
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, {}));
    Json out = Json::object();
    for (const ResolvedIndex& one : indices) {
        const Index& index = *one.index;
        Json entry =
            Json::object({{"aliases", index.aliases}, {"mappings", index.mapping->json()}});
        entry["settings"] = shown_settings(request, index_settings(index));
        out[index.name] = std::move(entry);
    }
    return Answer(std::move(out));
}

Result<Answer> index_exists(const Request& request) {
    const auto indices = resolve_request(request, {});
    const bool found = indices.ok() && !indices.value().empty();
    return Answer(found ? 200 : 404, Json::object());
}

Result<Answer> delete_index(const Request& request) {
    const std::string expression = request.part("index");
    KUMO_TRY(check_destructive(request, expression));
    IndicesOptions options = all_states();
    options.forbid_aliases = true;
    for (const std::string& one : split_list(expression)) {
        if (one.find('*') != std::string::npos || request.context.indices.find(one) != nullptr) {
            continue;
        }
        for (const IndexPtr& index : request.context.indices.all()) {
            if (index->aliases.find(one) != nullptr
                && !request.parameters.flag_or("ignore_unavailable", false)) {
                return illegal_argument(
                    "The provided expression [" + one
                    + "] matches an alias, specify the corresponding concrete indices instead."
                );
            }
        }
    }
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, options));
    for (const ResolvedIndex& one : indices) {
        KUMO_TRY(request.context.indices.remove(one.index->name));
        request.context.pins.refresh(one.index->name);
        request.context.usage.forget(one.index->uuid);
    }
    return Answer(acknowledged());
}

Result<Answer> open_index(const Request& request) {
    const auto work = [](const Request& of, const Task& /*task*/) -> Result<Answer> {
        IndicesOptions options;
        options.expand_open = false;
        options.expand_closed = true;
        KUMO_TRY_ASSIGN(const auto indices, resolve_request(of, options));
        KUMO_TRY(change_each(of, indices, [](Index& index) {
            index.closed = false;
            return Status();
        }));
        return Answer(Json::object({{"acknowledged", true}, {"shards_acknowledged", true}}));
    };
    return run_as_task(
        request,
        {"indices:admin/open", "open indices [" + request.part("index") + "]"},
        work
    );
}

Result<Answer> close_index(const Request& request) {
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, {}));
    KUMO_TRY(change_each(request, indices, [](Index& index) {
        index.closed = true;
        return Status();
    }));
    Json all = Json::object();
    for (const ResolvedIndex& one : indices) {
        all[one.index->name] = Json::object({{"closed", true}});
    }
    return Answer(Json::object(
        {{"acknowledged", true}, {"shards_acknowledged", true}, {"indices", std::move(all)}}
    ));
}

Result<Answer> refresh(const Request& request) {
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, IndicesOptions::of_reads()));
    for (const ResolvedIndex& one : indices) {
        request.context.pins.refresh(one.index->name);
        request.context.usage.add(one.index->uuid, Use::kRefresh);
    }
    return Answer(Json::object({{"_shards", broadcast_shards(indices)}}));
}

/// What is acknowledged is on disk already.
Result<Answer> flush(const Request& request) {
    if (request.parameters.flag_or("force", false)
        && !request.parameters.flag_or("wait_if_ongoing", true)) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: wait_if_ongoing must be true for a force flush;"
        );
    }
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, IndicesOptions::of_reads()));
    for (const ResolvedIndex& one : indices) {
        request.context.usage.flushed(one.index->uuid);
    }
    return Answer(Json::object({{"_shards", broadcast_shards(indices)}}));
}

Result<Answer> force_merge(const Request& request) {
    KUMO_TRY_ASSIGN(const bool expunges, request.parameters.flag("only_expunge_deletes", false));
    KUMO_TRY_ASSIGN(const bool flushes, request.parameters.flag("flush", true));
    KUMO_TRY_ASSIGN(const bool primaries, request.parameters.flag("primary_only", false));
    KUMO_TRY_ASSIGN(const std::int64_t most, request.parameters.integer("max_num_segments", -1));
    const auto work = [primaries](const Request& of, const Task& /*task*/) -> Result<Answer> {
        KUMO_TRY_ASSIGN(const auto indices, resolve_request(of, {}));
        auto done = wait_for<bool>([&of](node::Reply<bool> reply) {
            of.context.node.compact(of.context.loop, std::move(reply));
        });
        if (!done.ok()) {
            return done.error();
        }
        Json shards = broadcast_shards(indices);
        if (primaries) {
            shards["total"] = *shards.find("successful");
        }
        return Answer(Json::object({{"_shards", std::move(shards)}}));
    };
    const auto word = [](bool value) {
        return std::string(value ? "true" : "false");
    };
    TaskKind kind;
    kind.action = "indices:admin/forcemerge";
    kind.description = "Force-merge indices [" + request.part("index") + "], maxSegments["
                       + std::to_string(most) + "], onlyExpungeDeletes[" + word(expunges)
                       + "], flush[" + word(flushes) + "], primaryOnly[" + word(primaries) + "]";
    KUMO_TRY_ASSIGN(Answer answer, run_as_task(request, std::move(kind), work));
    if (expunges && request.parameters.has("max_num_segments")) {
        answer.warning =
            "setting only_expunge_deletes and max_num_segments at the same time is "
            "deprecated and will be rejected in a future version";
    }
    return answer;
}

/// There is none that could be out of date.
Result<Answer> clear_cache(const Request& request) {
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, {}));
    for (const ResolvedIndex& one : indices) {
        request.context.usage.clear_fielddata(one.index->uuid);
    }
    return Answer(Json::object({{"_shards", broadcast_shards(indices)}}));
}

Result<Answer> add_block(const Request& request) {
    const std::string block = request.part("block");
    if (block != "write" && block != "read" && block != "metadata" && block != "read_only") {
        return illegal_argument("No block found with name " + block);
    }
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, {}));
    KUMO_TRY(change_each(request, indices, [&block](Index& index) {
        index.settings["index.blocks." + block] = "true";
        return Status();
    }));
    Json all = Json::array();
    for (const ResolvedIndex& one : indices) {
        all.push(Json::object({{"name", one.index->name}, {"blocked", true}}));
    }
    return Answer(Json::object(
        {{"acknowledged", true}, {"shards_acknowledged", true}, {"indices", std::move(all)}}
    ));
}

}  // namespace kumo::api_elastic
