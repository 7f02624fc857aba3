#pragma once

#include "config.h"

#include <functional>

namespace kumo::server {

/// Runs `serve` in a child process and waits for it. When the child dies of anything but a signal
/// to end or its own early error, the other nodes of the cluster are told, who then need not wait
/// to miss it, and another child is started. SIGTERM and SIGINT are passed on to the child.
///
/// Before any thread is started; with SIGTERM and SIGINT blocked. Returns what the process is to
/// exit with; in the child, what `serve` returned.
int supervise(const Config& config, const std::function<int()>& serve);

}  // namespace kumo::server
