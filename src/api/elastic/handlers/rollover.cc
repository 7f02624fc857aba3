#include "api/elastic/documents/writer.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/index_stats.h"

#include <cstdio>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// "logs-000009" becomes "logs-000010".
Result<std::string> next_name(const std::string& name) {
    const std::size_t dash = name.rfind('-');
    const auto number =
        dash == std::string::npos ? std::nullopt : Json(name.substr(dash + 1)).to_int64();
    if (!number || *number < 0) {
        return illegal_argument("index name [" + name + "] does not match pattern '^.*-\\d+$'");
    }
    std::string digits = std::to_string(*number + 1);
    digits.insert(0, 6 - std::min<std::size_t>(6, digits.size()), '0');
    return name.substr(0, dash + 1) + digits;
}

struct Age {
    std::int64_t documents = 0;
    std::int64_t age_millis = 0;
    std::uint64_t bytes = 0;
};

Result<Json> conditions_met(const Json& conditions, const Age& age, bool& any) {
    Json out = Json::object();
    for (const auto& [name, value] :
         conditions.is_object() ? conditions.members() : Json::Object()) {
        bool met = false;
        std::string text = value.text();
        if (name == "max_docs") {
            met = age.documents >= value.to_int64().value_or(INT64_MAX);
        } else if (name == "max_age") {
            const auto time = parse_time(text);
            if (!time) {
                return illegal_argument(
                    "failed to parse setting [max_age] with value [" + text
                    + "] as a time value: unit is missing or unrecognized"
                );
            }
            met = age.age_millis
                  >= std::chrono::duration_cast<std::chrono::milliseconds>(*time).count();
        } else if (name == "max_size" || name == "max_primary_shard_size") {
            met = age.bytes >= parse_bytes(text).value_or(UINT64_MAX);
        } else {
            return fault("x_content_parse_exception", "[conditions] unknown field [" + name + "]");
        }
        any = any || met;
        out["[" + name + ": " + text + "]"] = met;
    }
    return out;
}

}  // namespace

Result<Answer> rollover(const Request& request) {
    const std::string alias = request.part("index");
    KUMO_TRY_ASSIGN(const Json body, request.json());
    KUMO_TRY_ASSIGN(const IndexPtr before, resolve_for_write(request.context, alias));
    if (before == nullptr || before->aliases.find(alias) == nullptr) {
        return illegal_argument("rollover target [" + alias + "] does not exist");
    }
    std::string name = request.part("new_index");
    if (name.empty()) {
        KUMO_TRY_ASSIGN(name, next_name(before->name));
    }
    const auto info = request.context.node.collection(before->name);
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        request.context.clock.wall_now().time_since_epoch()
    );
    Age age;
    age.documents = info.ok() ? static_cast<std::int64_t>(info.value().num_documents) : 0;
    age.age_millis = now.count() - before->created_at;
    // An empty index has files, and nothing in them.
    age.bytes = age.documents > 0 ? index_sizes(request.context, *before).bytes : 0;
    const Json* const conditions = body.find("conditions");
    bool any = false;
    KUMO_TRY_ASSIGN(
        Json met,
        conditions_met(conditions == nullptr ? Json::object() : *conditions, age, any)
    );
    const bool rolls = met.empty() || any;
    KUMO_TRY_ASSIGN(const bool dry, request.parameters.flag("dry_run", false));
    if (request.context.indices.find(name) != nullptr) {
        return fault("resource_already_exists_exception", "index [" + name + "] already exists");
    }
    if (rolls && !dry) {
        Json make = Json::object();
        for (const std::string_view part : {"settings", "mappings", "aliases"}) {
            if (const Json* const of = body.find(part)) {
                make[part] = *of;
            }
        }
        const Json options = *before->aliases.find(alias);
        const bool says = options.find("is_write_index") != nullptr;
        Json next = options;
        if (says) {
            next["is_write_index"] = true;
        }
        make["aliases"][alias] = next;
        KUMO_TRY_ASSIGN(const IndexPtr made, create_index(request.context, name, make));
        auto changed = request.context.indices.update(before->name, [&](Index& index) {
            if (says) {
                index.aliases[alias]["is_write_index"] = false;
            } else {
                index.aliases.erase(alias);
            }
            ++index.aliases_version;
            return Status();
        });
        if (!changed.ok()) {
            return changed.error();
        }
    }
    return Answer(Json::object(
        {{"acknowledged", rolls && !dry},
         {"shards_acknowledged", rolls && !dry},
         {"old_index", before->name},
         {"new_index", name},
         {"rolled_over", rolls && !dry},
         {"dry_run", dry},
         {"conditions", std::move(met)}}
    ));
}

}  // namespace kumo::api_elastic
