#pragma once

#include "api/kumosearch/call.h"
#include "node/resource.h"

#include <functional>
#include <string_view>

/// What the routes of named resources share. Stateless.
namespace kumo::api_kumosearch {

/// Gives `use` the resource that the path names, or null. One that is not here may have been put at
/// another node a moment ago: then this node asks before it says so. Runs at once or later, on the
/// call's loop.
void find_resource(
    const CallPtr& call,
    node::ResourceKind kind,
    const std::function<void(const node::ResourcePtr&)>& use
);

/// {"<member>": "<text>"}
void answer_name(const Call& call, std::string_view member, std::string_view text);

}  // namespace kumo::api_kumosearch
