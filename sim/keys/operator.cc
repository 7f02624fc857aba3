#include "keys/cluster.h"

#include <algorithm>

// Whoever makes nodes a cluster, with commands as CLUSTER has them, and mends what faults leave.

namespace kumo::node::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Duration kMeetAgainAfter = milliseconds(800);
constexpr milliseconds kVoteLeavesWithin(3000);
constexpr Duration kLeftBehindAfter = seconds(6);
constexpr Duration kPlaceAgainAfter = milliseconds(500);

void ignore(const Status& /*status*/) {}

}  // namespace

/// Whether it answers an operator.
bool Cluster::runs(std::size_t i) const {
    return nodes_[i].up && nodes_[i].pauses[0] == 0 && nodes_[i].pauses[1] == 0;
}

void Cluster::operate() {
    if (pick(20) != 0) {
        return;
    }
    if (runs(0) && !node(0).state()->cluster.id.is_nil()) {
        cluster_ = node(0).state()->cluster.id;
    }
    const auto reference = somebody_in_cluster();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!runs(i) || node(i).self().is_nil()) {
            continue;
        }
        assign(i);
        for (const auto& [id, move] : node(i).state()->kv.moves) {
            outcome_.moved += move->done && moved_.insert(id).second ? 1 : 0;
        }
        const cluster::NodeId self = node(i).self();
        if (is_to_be_reset(i, reference)) {
            note("node " + std::to_string(i) + " is reset");
            node(i).reset(pick(2) == 0 ? self : make_uuid(random_));
            continue;
        }
        const bool in = reference && node(i).state()->cluster.id == cluster_
                        && node(*reference).state()->cluster.members.contains(self);
        if (in) {
            place(i);
        } else {
            meet(i);
        }
    }
}

/// Who was forgotten, when the others do not need its vote any more. And who is left behind in the
/// end by a cluster that had no slots yet, and went into another one while this node was cut off.
bool Cluster::is_to_be_reset(std::size_t i, std::optional<std::size_t> reference) {
    Computer& computer = nodes_[i];
    const State& state = *node(i).state();
    if (state.cluster.id == cluster_ && !cluster_.is_nil()) {
        computer.had_lease_at = now();
        if (!reference || *reference == i) {
            return false;  // Nobody could say.
        }
        const auto& forgotten = node(*reference).state()->kv.forgotten;
        const auto found = forgotten.find(node(i).self());
        const auto status = node(*reference).control_status();
        const auto& voters = status->voters;
        return found != forgotten.end()
               && now() / 1'000'000 - found->second > kVoteLeavesWithin.count()
               && std::find(voters.begin(), voters.end(), node(i).self()) == voters.end();
    }
    computer.had_lease_at = !calm_ || node(i).has_lease() ? now() : computer.had_lease_at;
    const KvGroup* own = node(i).group();
    const bool has_nothing =
        (i >= parts_.size() || !parts_[i].assigned) && (own == nullptr || own->slots.empty());
    const bool left_behind = now() - computer.had_lease_at > Duration(kLeftBehindAfter).count();
    computer.had_lease_at = left_behind ? now() : computer.had_lease_at;
    return has_nothing && left_behind;
}

std::optional<std::size_t> Cluster::somebody_in_cluster() {
    const std::size_t first = pick(nodes_.size());
    for (std::size_t k = 0; k < nodes_.size(); ++k) {
        const std::size_t i = (first + k) % nodes_.size();
        if (runs(i) && !cluster_.is_nil() && node(i).state()->cluster.id == cluster_
            && node(i).state()->cluster.members.contains(node(i).self()) && node(i).has_lease()) {
            return i;
        }
    }
    return std::nullopt;
}

/// Its part of the slots, once.
void Cluster::assign(std::size_t i) {
    if (i >= parts_.size() || parts_[i].assigned) {
        return;
    }
    const State& state = *node(i).state();
    const KvGroup* owner = owner_of(state.kv, parts_[i].slot);
    if (owner != nullptr) {
        parts_[i].assigned = true;
        return;
    }
    const bool ready = slots_first_ || state.cluster.members.size() == nodes_.size();
    if (ready && group_led_by(state.kv, state.cluster, node(i).self()) != nullptr) {
        node(i).propose(KvCommand(KvAddSlots{node(i).self(), parts_[i].slots}), ignore);
    }
}

void Cluster::meet(std::size_t i) {
    const auto other = somebody_in_cluster();
    if (!other || *other == i || now() - nodes_[i].met_at < kMeetAgainAfter.count()) {
        return;
    }
    nodes_[i].met_at = now();
    if (pick(2) == 0) {
        note("node " + std::to_string(i) + " is to meet " + std::to_string(*other));
        node(i).meet(cluster_host(*other).to_string());
    } else {
        note("node " + std::to_string(*other) + " is to meet " + std::to_string(i));
        node(*other).meet(cluster_host(i).to_string());
    }
}

/// Makes it a copy of whom it is to follow, unless it has slots.
void Cluster::place(std::size_t i) {
    Computer& computer = nodes_[i];
    const State& state = *node(i).state();
    const KvGroup* own = node(i).group();
    const KvGroup* led = group_led_by(state.kv, state.cluster, node(i).self());
    if (led != nullptr && !led->slots.empty()) {
        for (std::size_t part = 0; part < parts_.size(); ++part) {
            computer.follows = led->slots.contains(parts_[part].slot) ? part : computer.follows;
        }
        return;
    }
    const Part& part = parts_[computer.follows];
    const KvGroup* target = owner_of(state.kv, part.slot);
    if ((i < parts_.size() && !parts_[i].assigned) || target == nullptr || own == nullptr
        || own->shard == target->shard) {
        return;
    }
    const cluster::NodeId master = master_of(state.cluster, *target);
    if (!master.is_nil() && now() - computer.asked_at >= kPlaceAgainAfter.count()) {
        computer.asked_at = now();
        note(
            "node " + std::to_string(i) + " is to replicate the master of part "
            + std::to_string(computer.follows)
        );
        node(i).propose(KvCommand(KvReplicate{node(i).self(), master}), ignore);
    }
}

// ---- by hand

void Cluster::hand_over(std::size_t i) {
    const KvGroup* own = node(i).group();
    if (own != nullptr) {
        note("node " + std::to_string(i) + " is to be the master");
        node(i).propose(Command(cluster::BeginHandover{own->shard, node(i).self()}), ignore);
    }
}

void Cluster::move(std::size_t i, std::uint64_t detail) {
    nodes_[i].follows = detail % parts_.size();
}

/// Some of the slots of whoever leads the node's group, mostly with one that is used, to the master
/// of another part.
void Cluster::move_slots(std::size_t i, std::uint64_t detail) {
    const State& state = *node(i).state();
    const KvGroup* own = node(i).group();
    std::vector<const KvGroup*> others;
    for (const auto& [shard, group] : state.kv.groups) {
        if (own != nullptr && shard != own->shard && !group->slots.empty()) {
            others.push_back(group.get());
        }
    }
    if (others.empty() || own->slots.empty()) {
        return;
    }
    const KvGroup& target = *others[detail % others.size()];
    std::uint16_t cut = static_cast<std::uint16_t>(detail % kSlots);
    if (detail % 3 != 0) {
        for (const Part& part : parts_) {
            cut = own->slots.contains(part.slot) ? part.slot : cut;
        }
    }
    SlotSet slots;
    for (const auto& [first, last] : own->slots.ranges()) {
        for (std::uint32_t slot = first; slot <= last; ++slot) {
            const bool before = detail % 2 == 0 ? slot <= cut : slot >= cut;
            if (before) {
                slots.insert(static_cast<std::uint16_t>(slot));
            }
        }
    }
    KvBeginMove command;
    command.id = make_uuid(random_);
    command.source = master_of(state.cluster, *own);
    command.target = master_of(state.cluster, target);
    command.slots = slots;
    command.at_ms = now() / 1'000'000;
    note(
        std::to_string(slots.size()) + " slots of the group of node " + std::to_string(i)
        + " are to move"
    );
    if (const auto from = place_of(command.source), to = place_of(command.target); from && to) {
        trouble_move(*from, *to);
    }
    node(i).propose(KvCommand(command), ignore);
    ++outcome_.moves;
}

std::optional<std::size_t> Cluster::place_of(const cluster::NodeId& id) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].up && node(i).self() == id) {
            return i;
        }
    }
    return std::nullopt;
}

/// A move takes some milliseconds: what is to happen during one has to be brought about.
void Cluster::trouble_move(std::size_t from, std::size_t to) {
    if (pick(4) == 0) {
        return;
    }
    if (pick(3) == 0) {  // So that it takes longer.
        Fault slow{{}, FaultKind::kDelay, to, 0, milliseconds(2000), 3 * pick(60) + 1};
        for (slow.other = 0; slow.other < nodes_.size(); ++slow.other) {
            if (slow.other != to) {
                inject(slow);
            }
        }
    }
    for (std::uint64_t left = 1 + pick(2); left > 0; --left) {
        constexpr FaultKind kKinds[] = {
            FaultKind::kKill,
            FaultKind::kKill,
            FaultKind::kPause,
            FaultKind::kIsolate,
            FaultKind::kCutPair,
            FaultKind::kCheckpoint,
            FaultKind::kHandOver};
        Fault fault;
        fault.kind = kKinds[pick(std::size(kKinds))];
        fault.node = pick(3) == 0 ? from : to;
        fault.other = fault.node == from ? to : from;
        fault.lasts = milliseconds(1 + pick(pick(2) == 0 ? 200 : 4000));
        if (fault.kind == FaultKind::kHandOver) {
            fault.node = pick(nodes_.size());
        }
        const bool near = pick(2) == 0;
        at(std::chrono::microseconds(pick(near ? 40'000 : 400'000)), [this, fault] {
            if (!settings().without.contains(fault.kind)) {
                inject(fault);
            }
        });
    }
}

void Cluster::stop_moves(std::size_t i) {
    note("node " + std::to_string(i) + " stops moves");
    for (const auto& [id, move] : node(i).state()->kv.moves) {
        node(i).propose(KvCommand(KvCancelMove{id}), ignore);
    }
}

/// A replica goes, and is met again: forgotten by the others, it is reset as soon as that is seen.
void Cluster::take_out(std::size_t i) {
    const State& state = *node(i).state();
    const KvGroup* own = node(i).group();
    const auto reference = somebody_in_cluster();
    if (own != nullptr && reference && *reference != i && i != 0 && state.cluster.id == cluster_
        && master_of(state.cluster, *own) != node(i).self()) {
        note("node " + std::to_string(i) + " is to be forgotten");
        const std::int64_t at_ms = now() / 1'000'000;
        node(*reference).propose(KvCommand(KvForget{node(i).self(), at_ms}), ignore);
    }
}

}  // namespace kumo::node::sim
