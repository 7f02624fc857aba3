#pragma once

#include "api/kumosearch/auth/authenticator.h"
#include "api/kumosearch/query/join_planner.h"
#include "node/node.h"

#include <string>
#include <vector>

/// What handlers need to let requests join. Stateless.
namespace kumo::api_kumosearch {

/// For a request about documents of that collection, whose grant has to cover the others, too,
/// unless its embedded parameters name them. The node and the grant outlive it.
JoinPlanner join_planner(const node::Node& node, const Grant& grant, JoinTarget main);

/// The collections that the parameters name as `$name(`.
std::vector<std::string> joined_names(const Parameters& parameters);

/// Whether one of them is not here.
bool names_unknown_collection(const node::Node& node, const Parameters& parameters);

}  // namespace kumo::api_kumosearch
