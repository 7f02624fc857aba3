#pragma once

#include <span>
#include <string>
#include <vector>

namespace kumo::api_redis {

/// A command with the database it ran in: what logs and replicas are given.
struct PropagatedCommand {
    int db = 0;
    std::vector<std::string> arguments;
    bool for_replicas_only = false;  ///< A message: nothing that a log keeps.
};

/// Somebody who wants every change: an append-only file, a replica.
class ChangeFeed {
public:
    virtual ~ChangeFeed() = default;
    ChangeFeed(const ChangeFeed&) = delete;
    ChangeFeed& operator=(const ChangeFeed&) = delete;

    /// The effects of one command, script or transaction: all or nothing. In the order of
    /// execution.
    virtual void on_changes(std::span<const PropagatedCommand> commands) = 0;

    /// Whether it wants them now: changes that nobody wants are not even written down.
    virtual bool follows() const { return true; }

protected:
    ChangeFeed() = default;
};

}  // namespace kumo::api_redis
