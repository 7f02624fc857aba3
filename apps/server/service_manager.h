#pragma once

namespace kumo::server {

// What systemd is told of a unit with Type=notify (sd_notify(3)). Without systemd nothing happens.
// With --supervise the child says it: the unit needs NotifyAccess=all. Any thread.

/// The server takes requests. In a cluster it may still wait for the others: /health tells.
void notify_ready();

/// The server has been told to end.
void notify_stopping();

}  // namespace kumo::server
