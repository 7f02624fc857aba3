#include "api/elastic/documents/writer.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/handlers/task_run.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/index_stats.h"
#include "api/elastic/routing.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

enum class Resize : std::uint8_t {
    kClone,
    kSplit,
    kShrink,
};

Resize kind_of(const Request& request) {
    return request.path.find("/_split/") != std::string::npos    ? Resize::kSplit
           : request.path.find("/_shrink/") != std::string::npos ? Resize::kShrink
                                                                 : Resize::kClone;
}

const char* name_of(Resize kind) {
    switch (kind) {
        case Resize::kSplit: return "split";
        case Resize::kShrink: return "shrink";
        case Resize::kClone: break;
    }
    return "clone";
}

/// A block that would keep the new index from becoming one.
constexpr std::string_view kMetadataBlocks[] = {
    "index.blocks.read_only",
    "index.blocks.read_only_allow_delete",
    "index.blocks.metadata"};

Status check_request(Resize kind, const std::string& target, const Json& body, const Json& given) {
    for (const auto& [name, value] : body.is_object() ? body.members() : Json::Object()) {
        if (name != "settings" && name != "aliases" && name != "max_shard_size") {
            return fault(
                "x_content_parse_exception",
                "[1:2] [resize_request] unknown field [" + name + "]"
            );
        }
    }
    for (const std::string_view block : kMetadataBlocks) {
        const Json* const value = given.find(block);
        if (value != nullptr && value->to_bool().value_or(false)) {
            return fault(
                "action_request_validation_exception",
                "Validation Failed: 1: target index [" + target + "] will be blocked by ["
                    + std::string(block)
                    + "=true], this will disable metadata writes and cause the shards to be "
                      "unassigned;"
            );
        }
    }
    const bool counts = given.find("index.number_of_shards") != nullptr;
    if (kind == Resize::kSplit && !counts) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: index.number_of_shards is required for split operations;"
        );
    }
    if (body.find("max_shard_size") != nullptr) {
        if (kind != Resize::kShrink) {
            return fault(
                "action_request_validation_exception",
                "Validation Failed: 1: Unsupported parameter [max_shard_size];"
            );
        }
        if (counts) {
            return illegal_argument(
                "Cannot set max_shard_size and index.number_of_shards at the same time!"
            );
        }
    }
    return {};
}

/// What of the source's blocks the new index would get although it must not.
Status check_copied_blocks(const std::string& target, const Index& source, const Json& given) {
    for (const std::string_view block : kMetadataBlocks) {
        if (source.setting(block) == "true" && given.find(block) == nullptr) {
            return illegal_argument(
                "target index [" + target + "] will be blocked by [" + std::string(block)
                + "=true] which is copied from the source index [" + source.name
                + "], this will disable metadata writes and cause the shards to be unassigned"
            );
        }
    }
    return {};
}

/// The fewest shards, of those that divide the source's, none of which is larger.
std::int64_t shards_by_size(std::int64_t before, std::uint64_t bytes, std::uint64_t most) {
    for (std::int64_t count = 1; count < before; ++count) {
        if (before % count == 0 && bytes / static_cast<std::uint64_t>(count) <= most) {
            return count;
        }
    }
    return before;
}

Result<std::int64_t> target_shards(
    const Request& request,
    Resize kind,
    const Index& source,
    const Json& body,
    const Json& given
) {
    const std::int64_t before = source.shards();
    if (const Json* const most = body.find("max_shard_size")) {
        const auto bytes = parse_bytes(most->text());
        if (!bytes || *bytes == 0) {
            return illegal_argument("max_shard_size must be greater than 0");
        }
        return shards_by_size(before, index_sizes(request.context, source).bytes, *bytes);
    }
    const Json* const wanted = given.find("index.number_of_shards");
    if (wanted == nullptr) {
        return kind == Resize::kShrink ? 1 : before;
    }
    return std::max<std::int64_t>(wanted->to_int64().value_or(before), 1);
}

Status check_shards(Resize kind, const Index& source, std::int64_t after) {
    const std::int64_t before = source.shards();
    const std::string from = std::to_string(before);
    const std::string to = std::to_string(after);
    switch (kind) {
        case Resize::kClone:
            if (after != before) {
                return illegal_argument(
                    "the number of source shards [" + from
                    + "] must be equal to the number of target shards [" + to + "]"
                );
            }
            return {};
        case Resize::kSplit: {
            const std::int64_t routing = routing_shards(source);
            if (after <= before) {
                return illegal_argument(
                    "the number of source shards [" + from
                    + "] must be less that the number of target shards [" + to + "]"
                );
            }
            if (before > 1 && (routing % after != 0 || after % before != 0)) {
                return fault(
                    "illegal_state_exception",
                    "the number of routing shards [" + std::to_string(routing)
                        + "] must be a multiple of the target shards [" + to + "]"
                );
            }
            return {};
        }
        case Resize::kShrink: break;
    }
    if (after > before) {
        return illegal_argument(
            "the number of source shards [" + from
            + "] must be greater than the number of target shards [" + to + "]"
        );
    }
    return before % after == 0
               ? Status()
               : Status(illegal_argument(
                   "the number of source shards [" + from + "] must be a multiple of [" + to + "]"
               ));
}

Status check_given(const Json& given) {
    if (given.find("index.number_of_routing_shards") != nullptr) {
        return illegal_argument("cannot provide index.number_of_routing_shards on resize");
    }
    for (const auto& [name, value] : given.members()) {
        if (name.starts_with("index.similarity.") || name.starts_with("index.analysis.")
            || name == "index.sort.field") {
            return illegal_argument("can't override " + name + " when shrinking index");
        }
    }
    return {};
}

Result<Answer> resize(const Request& request) {
    const Resize kind = kind_of(request);
    const std::string target = request.part("target");
    KUMO_TRY_ASSIGN(Json body, request.json());
    if (!request.parameters.flag_or("copy_settings", true)) {
        return illegal_argument("parameter [copy_settings] can not be explicitly set to [false]");
    }
    const Json* const of = body.find("settings");
    const Json given = of == nullptr ? Json::object() : normalized_settings(*of);
    KUMO_TRY(check_request(kind, target, body, given));
    const IndexPtr source = request.context.indices.find(request.part("index"));
    if (source == nullptr) {
        return no_such_index(request.part("index"));
    }
    KUMO_TRY(check_copied_blocks(target, *source, given));
    KUMO_TRY_ASSIGN(const std::int64_t after, target_shards(request, kind, *source, body, given));
    KUMO_TRY(check_given(given));
    KUMO_TRY(check_shards(kind, *source, after));
    if (source->setting("index.blocks.write") != "true"
        && source->setting("index.blocks.read_only") != "true") {
        return fault(
            "illegal_state_exception",
            "index " + source->name
                + " must be read-only to resize index. use \"index.blocks.write=true\""
        );
    }
    Json settings = source->settings;
    settings.merge(given);
    settings["index.number_of_shards"] = std::to_string(after);
    settings["index.number_of_routing_shards"] = Json();
    // Documents come before the blocks do.
    Json blocks = Json::object();
    for (const auto& [name, value] : std::as_const(settings).members()) {
        if (name.starts_with("index.blocks.") && !value.is_null()) {
            blocks[name] = value;
        }
    }
    for (const auto& [name, value] : blocks.members()) {
        settings.erase(name);
    }
    Json make = Json::object({{"settings", settings}, {"mappings", source->mapping->json()}});
    if (const Json* const aliases = body.find("aliases")) {
        make["aliases"] = *aliases;
    }
    KUMO_TRY_ASSIGN(const IndexPtr made, create_index(request.context, target, make));
    KUMO_TRY(copy_documents(request.context, *source, *made));
    if (!blocks.empty()) {
        auto blocked = request.context.indices.update(made->name, [&blocks](Index& index) {
            index.settings.merge(blocks);
            return Status();
        });
        if (!blocked.ok()) {
            return blocked.error();
        }
    }
    return Answer(
        Json::object({{"acknowledged", true}, {"shards_acknowledged", true}, {"index", made->name}})
    );
}

}  // namespace

Result<Answer> resize_index(const Request& request) {
    TaskKind kind;
    kind.action = "indices:admin/resize";
    kind.description = std::string(name_of(kind_of(request))) + " from [" + request.part("index")
                       + "] to [" + request.part("target") + "]";
    return run_as_task(request, std::move(kind), [](const Request& of, const Task& /*task*/) {
        return resize(of);
    });
}

}  // namespace kumo::api_elastic
