#include "keys/plan.h"

#include "base/random.h"

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
    {FaultKind::kPower, "power", 6},
    {FaultKind::kKillAll, "kill_all", 2},
    {FaultKind::kKillSome, "kill_some", 4},
    {FaultKind::kIsolate, "isolate", 8},
    {FaultKind::kCutPair, "cut_pair", 6},
    {FaultKind::kCutOneWay, "cut_one_way", 6},
    {FaultKind::kReset, "reset", 5},
    {FaultKind::kDelay, "delay", 5},
    {FaultKind::kPause, "pause", 6},
    {FaultKind::kPauseLoop, "pause_loop", 5},
    {FaultKind::kHandOver, "hand_over", 6},
    {FaultKind::kMove, "move", 5},
    {FaultKind::kTakeOut, "take_out", 4},
    {FaultKind::kCheckpoint, "checkpoint", 6},
    {FaultKind::kMoveSlots, "move_slots", 14},
    {FaultKind::kStopMoves, "stop_moves", 2},
}};

Duration milliseconds(Random& random, std::uint64_t most) {
    return std::chrono::milliseconds(1 + random.below(most));
}

/// Mostly short, sometimes long.
Duration some_time(Random& random) {
    return random.chance(1, 4) ? milliseconds(random, 10'000) : milliseconds(random, 3'000);
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
        if (all_kinds || random.chance(2, 5)) {
            pot.insert(pot.end(), row.weight, row.kind);
        }
    }
    if (random.chance(1, 3)) {  // Many moves of slots, and little else.
        pot.insert(pot.end(), 2 * pot.size(), FaultKind::kMoveSlots);
    }
    const std::uint64_t pause_most = random.chance(1, 3) ? 800 : 3'000;
    std::vector<Fault> faults;
    // Some begin while the nodes still meet.
    Duration at = std::chrono::seconds(random.chance(1, 2) ? 0 : 5);
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
