#pragma once

#include "base/result.h"
#include "node/node.h"
#include "search/join/join.h"

namespace kumo::node {

/// Takes the documents of all collections that a request joins, one after the other, as of now.
/// kNotFound, kUnavailable as Node::snapshot().
Status take_joined(const Node& node, search::JoinRequest& joins);

}  // namespace kumo::node
