#include "api/elastic/documents/writer.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/mapping/analysis.h"
#include "api/elastic/refresh_pins.h"
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
    }
    return Answer(acknowledged());
}

Result<Answer> open_index(const Request& request) {
    IndicesOptions options;
    options.expand_open = false;
    options.expand_closed = true;
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, options));
    KUMO_TRY(change_each(request, indices, [](Index& index) {
        index.closed = false;
        return Status();
    }));
    return Answer(Json::object({{"acknowledged", true}, {"shards_acknowledged", true}}));
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
    IndicesOptions options;
    options.forbid_closed = true;
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, options));
    for (const ResolvedIndex& one : indices) {
        request.context.pins.refresh(one.index->name);
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
    IndicesOptions options;
    options.forbid_closed = true;
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, options));
    return Answer(Json::object({{"_shards", broadcast_shards(indices)}}));
}

Result<Answer> force_merge(const Request& request) {
    if (request.parameters.flag_or("only_expunge_deletes", false)
        && request.parameters.has("max_num_segments")) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: cannot set only_expunge_deletes and max_num_segments at the "
            "same time, "
            "those two parameters are mutually exclusive;"
        );
    }
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, {}));
    auto done = wait_for<bool>([&](node::Reply<bool> reply) {
        request.context.node.compact(request.context.loop, std::move(reply));
    });
    if (!done.ok()) {
        return done.error();
    }
    return Answer(Json::object({{"_shards", broadcast_shards(indices)}}));
}

/// There is none that could be out of date.
Result<Answer> clear_cache(const Request& request) {
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, {}));
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

Result<Answer> clone_index(const Request& request) {
    const bool split = request.path.find("/_split/") != std::string::npos;
    const bool shrink = request.path.find("/_shrink/") != std::string::npos;
    const std::string action = split ? "split" : shrink ? "shrink" : "clone";
    const std::string target = request.part("target");
    const IndexPtr source = request.context.indices.find(request.part("index"));
    if (source == nullptr) {
        return no_such_index(request.part("index"));
    }
    KUMO_TRY_ASSIGN(Json body, request.json());
    Json settings = source->settings;
    settings.erase("index.blocks.write");
    Json given = Json::object();
    if (const Json* const of = body.find("settings")) {
        given = normalized_settings(*of);
    }
    if (source->setting("index.blocks.write") != "true"
        && source->setting("index.blocks.read_only") != "true") {
        return fault(
            "illegal_state_exception",
            "index " + source->name
                + " must be read-only to resize index. use \"index.blocks.write=true\""
        );
    }
    const Json* const wanted = given.find("index.number_of_shards");
    const std::int64_t before = source->shards();
    const std::int64_t after =
        wanted == nullptr ? (shrink ? 1 : before) : wanted->to_int64().value_or(before);
    if (split && wanted == nullptr) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: index.number_of_shards is required for split operations;"
        );
    }
    if (split && (after < before || after % before != 0)) {
        return illegal_argument(
            "the number of source shards [" + std::to_string(before)
            + "] must be less that the number of target shards [" + std::to_string(after) + "]"
        );
    }
    if (shrink && (after > before || before % std::max<std::int64_t>(after, 1) != 0)) {
        return illegal_argument(
            "the number of source shards [" + std::to_string(before) + "] must be a multiple of ["
            + std::to_string(after) + "]"
        );
    }
    if (action == "clone" && wanted != nullptr && after != before) {
        return illegal_argument(
            "cannot provide a number of shards [" + std::to_string(after)
            + "] when cloning an index with [" + std::to_string(before) + "] shards"
        );
    }
    if (given.find("index.similarity.default.type") != nullptr
        || given.find("index.analysis.analyzer.default.type") != nullptr) {
        return illegal_argument("can't change setting for resized index");
    }
    settings.merge(given);
    settings["index.number_of_shards"] = std::to_string(after);
    settings["index.number_of_routing_shards"] = Json();
    Json make = Json::object({{"settings", settings}, {"mappings", source->mapping->json()}});
    if (const Json* const aliases = body.find("aliases")) {
        make["aliases"] = *aliases;
    }
    KUMO_TRY_ASSIGN(const IndexPtr made, create_index(request.context, target, make));
    KUMO_TRY(copy_documents(request.context, *source, *made));
    return Answer(created(made->name));
}

}  // namespace kumo::api_elastic
