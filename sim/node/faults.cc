#include "node/faults.h"

#include "base/random.h"

#include <algorithm>
#include <array>

namespace kumo::node::sim {

namespace {

struct Row {
    FaultKind kind;
    std::string_view name;
    std::uint64_t weight;
};

constexpr std::array<Row, kFaultKinds> kRows = {{
    {FaultKind::kKill, "kill", 8},
    {FaultKind::kPower, "power", 8},
    {FaultKind::kKillAll, "kill_all", 2},
    {FaultKind::kPowerAll, "power_all", 2},
    {FaultKind::kIsolate, "isolate", 5},
    {FaultKind::kCutPair, "cut_pair", 5},
    {FaultKind::kCutOneWay, "cut_one_way", 5},
    {FaultKind::kReset, "reset", 6},
    {FaultKind::kDelay, "delay", 5},
    {FaultKind::kPause, "pause", 6},
    {FaultKind::kPauseLoop, "pause_loop", 5},
    {FaultKind::kSuspend, "suspend", 3},
    {FaultKind::kClock, "clock", 3},
    {FaultKind::kFullDisk, "full_disk", 4},
    {FaultKind::kFsyncPower, "fsync_power", 3},
    {FaultKind::kFsyncKill, "fsync_kill", 3},
    {FaultKind::kLead, "lead", 5},
    {FaultKind::kRolling, "rolling", 2},
    {FaultKind::kDrop, "drop", 4},
    {FaultKind::kLoseLog, "lose_log", 4},
    {FaultKind::kLoseControl, "lose_control", 4},
    {FaultKind::kReplace, "replace", 4},
}};

Duration milliseconds(Random& random, std::uint64_t most) {
    return std::chrono::milliseconds(1 + random.below(most));
}

/// Mostly short, sometimes long.
Duration some_time(Random& random) {
    return random.chance(1, 4) ? milliseconds(random, 12'000) : milliseconds(random, 3'000);
}

}  // namespace

std::string_view name_of(FaultKind kind) {
    return kRows[static_cast<std::size_t>(kind)].name;
}

std::optional<FaultKind> parse_fault(std::string_view name) {
    for (const Row& row : kRows) {
        if (row.name == name) {
            return row.kind;
        }
    }
    return std::nullopt;
}

std::vector<Fault> plan_faults(
    std::uint64_t seed,
    std::size_t nodes,
    Duration span,
    const std::set<FaultKind>& without
) {
    SeededRandom random(seed ^ 0x9E3779B97F4A7C15ULL);
    std::vector<FaultKind> pot;
    const bool all_kinds = random.chance(1, 4);
    for (const Row& row : kRows) {
        if (all_kinds || random.chance(1, 3)) {
            pot.insert(pot.end(), row.weight, row.kind);
        }
    }
    const std::uint64_t pause_most = random.chance(1, 3) ? 800 : 4'000;
    std::vector<Fault> faults;
    Duration at{};
    while (!pot.empty()) {
        at += random.chance(1, 4) ? Duration{} : milliseconds(random, pause_most);
        Fault fault;
        fault.at = at;
        fault.kind = pot[random.below(pot.size())];
        fault.node = random.below(nodes);
        fault.other = (fault.node + 1 + random.below(nodes - 1)) % nodes;
        fault.lasts = some_time(random);
        fault.detail = random.below(1'000'000);
        if (at >= span) {
            break;
        }
        if (!without.contains(fault.kind)) {
            faults.push_back(fault);
        }
    }
    return faults;
}

}  // namespace kumo::node::sim
