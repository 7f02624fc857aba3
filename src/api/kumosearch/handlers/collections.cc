#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/schema_json.h"
#include "wire/json_writer.h"

#include <chrono>
#include <string>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

void answer_collection(const Call& call, int status, const node::CollectionInfo& info) {
    std::string json;
    wire::JsonWriter writer(json);
    write_collection(writer, info);
    answer(call, status, std::move(json));
}

}  // namespace

void create_collection(const CallPtr& call, std::string body) {
    if (call->parameters.has("src_name")) {
        answer_error(
            *call,
            {ErrorCode::kUnsupported, "Cloning a collection by `src_name` is not supported yet."}
        );
        return;
    }
    auto spec = parse_collection(body);
    if (!spec.ok()) {
        answer_error(*call, spec.error());
        return;
    }
    if (!call->grant.allows(spec.value().name)) {
        answer_error(*call, forbidden());
        return;
    }
    const WallTime now = call->context.clock.wall_now();
    spec.value().created_at =
        std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    call->context.node.create_collection(
        std::move(spec).value(),
        call->loop(),
        [call](Result<node::CollectionInfo> made) {
            if (!made.ok()) {
                answer_error(*call, made.error());
                return;
            }
            answer_collection(*call, 201, made.value());
        }
    );
}

void list_collections(const CallPtr& call) {
    const Parameters& parameters = call->parameters;
    const auto limit = parameters.unsigned_integer("limit", UINT64_MAX);
    const auto offset = parameters.unsigned_integer("offset", 0);
    if (!limit.ok() || !offset.ok()) {
        answer_error(*call, !limit.ok() ? limit.error() : offset.error());
        return;
    }
    const std::vector<std::string> excluded = parameters.list("exclude_fields");
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_array();
    std::uint64_t seen = 0;
    std::uint64_t written = 0;
    for (const node::CollectionInfo& info : call->context.node.collections()) {
        if (!call->grant.allows(info.spec.name)) {
            continue;
        }
        if (seen++ >= offset.value() && written < limit.value()) {
            write_collection(writer, info, excluded);
            ++written;
        }
    }
    writer.end_array();
    answer(*call, 200, std::move(json));
}

void get_collection(const CallPtr& call) {
    const auto info = call->context.node.collection(call->collection());
    if (!info.ok()) {
        answer_error(*call, info.error());
        return;
    }
    answer_collection(*call, 200, info.value());
}

void delete_collection(const CallPtr& call) {
    call->context.node.drop_collection(
        call->collection(),
        call->loop(),
        [call](Result<node::CollectionInfo> dropped) {
            if (!dropped.ok()) {
                answer_error(*call, dropped.error());
                return;
            }
            answer_collection(*call, 200, dropped.value());
        }
    );
}

}  // namespace kumo::api_kumosearch
