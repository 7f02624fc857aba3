#pragma once

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace kumo::node::sim {

enum class FaultKind : std::uint8_t {
    kKill,        ///< A process dies.
    kPower,       ///< A machine loses power, and with it what was not synced.
    kKillAll,     ///< Every process, or every machine, at once.
    kKillSome,    ///< The same, of some.
    kIsolate,     ///< Nothing gets to a node, nor from it.
    kCutPair,     ///< Nothing gets from one to the other, nor back.
    kCutOneWay,   ///< Nothing gets from one to the other.
    kReset,       ///< Connections between two nodes, or all of them, break.
    kDelay,       ///< Whatever goes from one to the other takes long.
    kPause,       ///< A process stands still; its clocks go on.
    kPauseLoop,   ///< One of its threads does.
    kHandOver,    ///< An operator makes another copy the master.
    kMove,        ///< An operator makes a replica one of another master.
    kTakeOut,     ///< An operator takes a replica out of the cluster, and it is met again.
    kCheckpoint,  ///< An operator has the keys stored.
    kMoveSlots,   ///< An operator moves slots from a master to another one.
    kStopMoves,   ///< And thinks better of it.
};

inline constexpr std::size_t kFaultKinds = 17;

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
