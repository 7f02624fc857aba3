#pragma once

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::node::sim {

enum class FaultKind : std::uint8_t {
    kKill,         ///< A process dies.
    kPower,        ///< A machine loses power, and with it what was not synced.
    kKillAll,      ///< Every process, at once.
    kPowerAll,     ///< Every machine, at once.
    kIsolate,      ///< Nothing gets to a node, nor from it.
    kCutPair,      ///< Nothing gets from one to the other, nor back.
    kCutOneWay,    ///< Nothing gets from one to the other.
    kReset,        ///< Connections between two nodes, or all of them, break.
    kDelay,        ///< Whatever goes from one to the other takes long.
    kPause,        ///< A process stands still; its clocks go on.
    kPauseLoop,    ///< One of its threads does.
    kSuspend,      ///< A machine sleeps; its monotonic clock has not seen it.
    kClock,        ///< A machine's clocks are a bit fast or slow.
    kFullDisk,     ///< A disk has no room for a while.
    kFsyncPower,   ///< A sync fails; later the machine starts anew.
    kFsyncKill,    ///< A sync fails; later the process starts anew.
    kLead,         ///< An operator makes a node lead.
    kRolling,      ///< An operator restarts one node after the other.
    kDrop,         ///< A client drops a collection, and makes it again.
    kLoseLog,      ///< A process dies, and its log is damaged or gone when it is back.
    kLoseControl,  ///< A process dies, and its control plane's directory is damaged when it is
                   ///< back.
    kReplace,      ///< A machine is replaced by one with an empty disk at the same address.
};

inline constexpr std::size_t kFaultKinds = 22;

std::string_view name_of(FaultKind kind);
std::optional<FaultKind> parse_fault(std::string_view name);

struct Fault {
    Duration at{};
    FaultKind kind{};
    std::size_t node = 0;
    std::size_t other = 0;
    Duration lasts{};
    std::uint64_t detail = 0;
};

/// What a seed does to a cluster, in order of time. Each seed has some of the kinds, rarely or
/// often. A kind that is left out leaves the others as they are.
std::vector<Fault> plan_faults(
    std::uint64_t seed,
    std::size_t nodes,
    Duration span,
    const std::set<FaultKind>& without
);

}  // namespace kumo::node::sim
