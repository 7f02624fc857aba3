#pragma once

#include "config.h"
#include "node/node.h"

namespace kumo::server {

/// The settings that are the node's.
node::NodeOptions node_options(const Config& config);

}  // namespace kumo::server
