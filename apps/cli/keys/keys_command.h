#pragma once

#include "cli/options.h"

namespace kumo::cli {

/// The verbs for clusters of keys: `cluster check|rebalance|reshard|fix`. As command.h.
int run_keys(const KeysOptions& options);

}  // namespace kumo::cli
