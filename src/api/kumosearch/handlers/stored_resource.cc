#include "api/kumosearch/handlers/stored_resource.h"

#include "wire/json_writer.h"

#include <string>
#include <utility>

namespace kumo::api_kumosearch {

void find_resource(
    const CallPtr& call,
    node::ResourceKind kind,
    const std::function<void(const node::ResourcePtr&)>& use
) {
    const node::ResourcePtr found = call->context.node.resource(kind, call->path.front());
    if (found != nullptr) {
        use(found);
        return;
    }
    call->context.node.refresh(call->loop(), [call, kind, use](const Result<bool>&) {
        use(call->context.node.resource(kind, call->path.front()));
    });
}

void answer_name(const Call& call, std::string_view member, std::string_view text) {
    std::string json;
    wire::JsonWriter(json).begin_object().key(member).string(text).end_object();
    answer(call, 200, std::move(json));
}

}  // namespace kumo::api_kumosearch
