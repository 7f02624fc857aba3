#include "node/cluster.h"

#include <algorithm>

// Nodes that start and end, and what happens to them.

namespace kumo::node::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// A lease that is good now rests on answers that were given within that time.
constexpr Duration kQuorumKnownFor = seconds(3);
constexpr std::uint64_t kPlenty = std::uint64_t{1} << 40;
constexpr std::int64_t kTrueRate = io::SimClock::kTrueRatePpm;

std::string node_name(std::size_t i) {
    return "node " + std::to_string(i);
}

std::string show(Duration duration) {
    return std::to_string(std::chrono::duration_cast<milliseconds>(duration).count()) + " ms";
}

}  // namespace

void Cluster::start(std::size_t i) {
    Computer& computer = nodes_[i];
    if (!computer.powered) {
        computer.powered = true;
        for (std::size_t k = 0; k < nodes_count_; ++k) {
            if (k != i) {
                mend(i, k);
                mend(k, i);
            }
        }
    }
    if (computer.loses_log) {
        lose_log(i);
    }
    if (computer.loses_control) {
        lose_control(i);
    }
    if (std::exchange(computer.is_replaced, false)) {
        replace(i);
    }
    const Status booted = computer.machine->boot();
    if (!booted.ok()) {
        note(node_name(i) + " cannot start: " + booted.error().message);
        if (booted.error().code == ErrorCode::kCorruption
            || (calm_ && booted.error().code != ErrorCode::kUnavailable)) {
            fail(node_name(i) + " cannot start: " + booted.error().message);
        }
        computer.machine->stop();
        computer.start_at = now() + Duration(seconds(1)).count();
        return;
    }
    computer.up = true;
    ++computer.boot;
    ++outcome_.starts;
    computer.needs_restart = false;
    set_clock_rate(i, computer.clock_rate);
    note(node_name(i) + " starts");
}

void Cluster::stop(std::size_t i, io::CrashKind kind, Duration down) {
    Computer& computer = nodes_[i];
    if (!computer.up) {
        return;
    }
    if (is_fragile()) {
        return;
    }
    if (!fsync_ && kind == io::CrashKind::kPower) {
        // What was acknowledged might be nowhere else.
        fragile_ = all_in_sync() && nobody_is_hindered();
        kind = fragile_ ? kind : io::CrashKind::kProcess;
    }
    note(
        node_name(i) + (kind == io::CrashKind::kPower ? " loses power" : " is killed") + " for "
        + show(down)
    );
    if (kind == io::CrashKind::kPower) {
        computer.powered = false;
        for (std::size_t k = 0; k < nodes_count_; ++k) {
            if (k != i) {
                cut(i, k);
                cut(k, i);
            }
        }
        computer.machine->fs().crash(kind);
    }
    computer.machine->fs().fail_next_sync("");
    computer.machine->stop();
    computer.up = false;
    computer.down_since = now();
    computer.suspended.reset();
    computer.pauses[0] = 0;
    computer.pauses[1] = 0;
    computer.start_at = now() + down.count();
    for (auto call = calls_.begin(); call != calls_.end();) {
        const bool lost = call->second.node == i;
        outcome_.unknown += lost ? 1 : 0;
        call = lost ? calls_.erase(call) : std::next(call);
    }
}

bool Cluster::nobody_is_hindered() {
    const bool cut_off =
        std::any_of(cuts_.begin(), cuts_.end(), [](const auto& each) { return each.second != 0; });
    return !cut_off && std::all_of(nodes_.begin(), nodes_.end(), [](const Computer& each) {
        return each.pauses[0] == 0 && each.pauses[1] == 0 && !each.suspended;
    });
}

/// Without fsync one machine may lose power, and nothing else may happen until it has everything
/// again from the others: that much is promised.
bool Cluster::is_fragile() {
    fragile_ = fragile_ && !all_in_sync();
    return fragile_;
}

/// Every node is up, and has everything: one may lose power, also without fsync.
bool Cluster::all_in_sync() {
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        if (!serves(i) || nodes_[i].suspended) {
            return false;
        }
        const ClusterInfo info = nodes_[i].machine->node().cluster();
        for (const auto& shard : info.shards) {
            const auto in_sync =
                std::count_if(shard.copies.begin(), shard.copies.end(), [](const auto& copy) {
                    return copy.in_sync;
                });
            if (static_cast<std::size_t>(in_sync) != nodes_count_) {
                return false;
            }
        }
    }
    return true;
}

void Cluster::start_due() {
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        if (!nodes_[i].up && now() >= nodes_[i].start_at) {
            start(i);
        }
    }
}

bool Cluster::serves(std::size_t i) {
    return nodes_[i].up && nodes_[i].machine->node().health().ok;
}

/// One that takes requests: others answer "Not Ready" (api/kumosearch/dialect.cc).
std::optional<std::size_t> Cluster::some_node() {
    const std::size_t first = pick(nodes_count_);
    for (std::size_t k = 0; k < nodes_count_; ++k) {
        const std::size_t i = (first + k) % nodes_count_;
        if (serves(i) && !nodes_[i].suspended) {
            return i;
        }
    }
    return std::nullopt;
}

// ---- faults

void Cluster::inject(const Fault& fault) {
    if (is_fragile()) {
        return;
    }
    ++outcome_.faults;
    const std::size_t i = fault.node;
    const bool up = nodes_[i].up;
    switch (fault.kind) {
        case FaultKind::kKill: stop(i, io::CrashKind::kProcess, fault.lasts); return;
        case FaultKind::kPower: stop(i, io::CrashKind::kPower, fault.lasts); return;
        case FaultKind::kKillAll:
        case FaultKind::kPowerAll: {
            // Without fsync, one machine may lose power while the others go on.
            const bool power = fault.kind == FaultKind::kPowerAll && fsync_;
            const auto kind = power ? io::CrashKind::kPower : io::CrashKind::kProcess;
            for (std::size_t k = 0; k < nodes_count_; ++k) {
                stop(k, kind, fault.lasts + milliseconds(pick(2000)));
            }
            return;
        }
        case FaultKind::kLead:
            if (up) {
                note(node_name(i) + " is asked to lead");
                Machine& machine = *nodes_[i].machine;
                const auto answered = call(i, "lead");
                machine.node().lead(machine.loop(), [answered](const Result<bool>&) {
                    answered();
                });
            }
            return;
        case FaultKind::kRolling:
            if (!rolling_) {
                rolling_ = true;
                roll(0);
            }
            return;
        case FaultKind::kDrop: drop_collection(pick(slots_.size())); return;
        case FaultKind::kLoseLog:
            stop(i, io::CrashKind::kProcess, fault.lasts);
            nodes_[i].loses_log = fault.detail;
            return;
        case FaultKind::kLoseControl:
            stop(i, io::CrashKind::kProcess, fault.lasts + kQuorumKnownFor);
            nodes_[i].loses_control = fault.detail;
            return;
        case FaultKind::kReplace:
            stop(i, io::CrashKind::kProcess, fault.lasts + kQuorumKnownFor);
            nodes_[i].is_replaced = true;
            return;
        case FaultKind::kIsolate:
        case FaultKind::kCutPair:
        case FaultKind::kCutOneWay:
        case FaultKind::kReset:
        case FaultKind::kDelay: inject_network(fault); return;
        default:
            if (up) {
                inject_process(fault);
            }
    }
}

/// Whether what a node has may be lost: no copy of its counts any more, as one of the others knows.
/// While it is down that stays so.
bool Cluster::may_lose(std::size_t i) {
    for (std::size_t k = 0; k < nodes_count_; ++k) {
        if (k == i || !serves(k)) {
            continue;
        }
        const ClusterInfo info = nodes_[k].machine->node().cluster();
        std::set<std::string> ids;  // More than one, if it was replaced a moment ago.
        bool down = true;
        for (const auto& member : info.members) {
            if (member.name == "n" + std::to_string(i)) {
                ids.insert(member.id);
                down = down && !member.up;
            }
        }
        const auto counts = [&](const ClusterInfo::Shard& shard) {
            return std::any_of(shard.copies.begin(), shard.copies.end(), [&](const auto& copy) {
                return ids.contains(copy.node) && copy.in_sync;
            });
        };
        if (down && !ids.empty() && std::none_of(info.shards.begin(), info.shards.end(), counts)) {
            return true;
        }
    }
    return false;
}

void Cluster::lose_log(std::size_t i) {
    const std::uint64_t detail = *std::exchange(nodes_[i].loses_log, std::nullopt);
    if (!may_lose(i)) {
        return;
    }
    Machine& machine = *nodes_[i].machine;
    note("the log of " + node_name(i) + (detail % 2 == 0 ? " is gone" : " is damaged"));
    if (detail % 2 == 0) {
        (void)io::remove_tree(machine.fs(), "/data/wal");
        return;
    }
    for (const std::string& file : machine.files()) {
        // Longer than a header: it cannot be taken for one that was never finished.
        const std::string path = "/data" + file;
        if (file.starts_with("/wal/wal-") && machine.fs().file_size(path).value() > 64) {
            machine.fs().flip_bit(path, detail % 64, 3);
            return;
        }
    }
}

/// Whether the control plane can do without the member that a node is: there is a majority without
/// it, as the lease of another node shows. And no shard counts on it.
bool Cluster::may_leave(std::size_t i) {
    const auto has_quorum = [](const Computer& computer) {
        return computer.up && !computer.suspended && computer.machine->node().health().ok;
    };
    return now() - nodes_[i].down_since >= kQuorumKnownFor.count() && may_lose(i)
           && std::any_of(nodes_.begin(), nodes_.end(), has_quorum);
}

void Cluster::lose_control(std::size_t i) {
    const std::uint64_t detail = *std::exchange(nodes_[i].loses_control, std::nullopt);
    if (!may_leave(i)) {
        return;
    }
    Machine& machine = *nodes_[i].machine;
    std::vector<std::string> files;
    for (const std::string& file : machine.files()) {
        // Longer than a header, as in lose_log().
        const bool whole = machine.fs().file_size("/data" + file).value() > 64;
        const bool kept = file == "/control/identity" || file == "/control/hard_state"
                          || file == "/control/snapshot" || file.starts_with("/control/wal/wal-");
        if (whole && kept) {
            files.push_back("/data" + file);
        }
    }
    if (files.empty()) {
        return;
    }
    const std::string& file = files[detail % files.size()];
    note(file + " of " + node_name(i) + " is damaged");
    ++outcome_.controls_lost;
    machine.fs().flip_bit(file, detail / files.size() % 64, 3);
}

void Cluster::replace(std::size_t i) {
    if (!may_leave(i)) {
        return;
    }
    note(node_name(i) + " has an empty disk");
    ++outcome_.replaced;
    io::SimFs& fs = nodes_[i].machine->fs();
    if (!io::remove_tree(fs, "/data").ok() || !fs.sync_dir("/").ok()) {
        fail("the disk of " + node_name(i) + " cannot be emptied");
    }
}

void Cluster::inject_network(const Fault& fault) {
    const std::size_t i = fault.node;
    const std::size_t j = fault.other;
    note(
        std::string(name_of(fault.kind)) + " " + std::to_string(i) + " " + std::to_string(j)
        + " for " + show(fault.lasts)
    );
    switch (fault.kind) {
        case FaultKind::kIsolate:
            for (std::size_t k = 0; k < nodes_count_; ++k) {
                if (k != i) {
                    cut_for(i, k, fault.lasts);
                    cut_for(k, i, fault.lasts);
                }
            }
            return;
        case FaultKind::kCutPair: cut_for(j, i, fault.lasts); [[fallthrough]];
        case FaultKind::kCutOneWay: cut_for(i, j, fault.lasts); return;
        case FaultKind::kReset:
            if (fault.detail % 4 == 0) {
                site_.network.reset_all();
            } else {
                site_.network.reset_between(cluster_host(i), cluster_host(j));
            }
            return;
        default: {
            const auto most = milliseconds(1 + fault.detail % (fault.detail % 3 == 0 ? 2000 : 100));
            site_.network.set_delay(cluster_host(i), cluster_host(j), most / 2, most);
            at(fault.lasts, [this, i, j] {
                site_.network.set_delay(
                    cluster_host(i),
                    cluster_host(j),
                    std::chrono::microseconds(20),
                    milliseconds(2)
                );
            });
        }
    }
}

void Cluster::inject_process(const Fault& fault) {
    const std::size_t i = fault.node;
    Computer& computer = nodes_[i];
    note(std::string(name_of(fault.kind)) + " " + std::to_string(i) + " for " + show(fault.lasts));
    const std::uint64_t boot = computer.boot;
    switch (fault.kind) {
        case FaultKind::kPause: pause(i, 1, fault.lasts); [[fallthrough]];
        case FaultKind::kPauseLoop:
            pause(i, fault.kind == FaultKind::kPause ? 0 : fault.detail % 2, fault.lasts);
            return;
        case FaultKind::kSuspend: suspend(i, fault.lasts); return;
        case FaultKind::kClock:
            computer.clock_rate =
                kTrueRate - 5'000 + static_cast<std::int64_t>(fault.detail % 10'000);
            if (!computer.suspended) {
                set_clock_rate(i, computer.clock_rate);
            }
            return;
        case FaultKind::kFullDisk:
            computer.machine->fs().set_free_bytes(fault.detail % 20'000);
            at(fault.lasts, [this, i] { nodes_[i].machine->fs().set_free_bytes(kPlenty); });
            return;
        case FaultKind::kFsyncPower:
        case FaultKind::kFsyncKill: {
            static constexpr const char* kParts[] = {"/data/wal", "/data/control", "/data/coll"};
            computer.machine->fs().fail_next_sync(kParts[fault.detail % 3]);
            computer.needs_restart = true;
            const auto kind = fault.kind == FaultKind::kFsyncKill ? io::CrashKind::kProcess
                                                                  : io::CrashKind::kPower;
            at(fault.lasts, [this, i, boot, kind] {
                if (nodes_[i].boot == boot) {
                    stop(i, kind, milliseconds(1 + pick(2000)));
                }
            });
            return;
        }
        default: return;
    }
}

void Cluster::cut(std::size_t from, std::size_t to) {
    if (++cuts_[{from, to}] == 1) {
        site_.network.cut(cluster_host(from), cluster_host(to));
    }
}

void Cluster::mend(std::size_t from, std::size_t to) {
    if (--cuts_[{from, to}] == 0) {
        site_.network.mend(cluster_host(from), cluster_host(to));
    }
}

void Cluster::cut_for(std::size_t from, std::size_t to, Duration lasts) {
    cut(from, to);
    at(lasts, [this, from, to] { mend(from, to); });
}

void Cluster::pause(std::size_t i, std::size_t loop, Duration lasts) {
    Computer& computer = nodes_[i];
    if (++computer.pauses[loop] == 1) {
        (loop == 0 ? computer.machine->loop() : computer.machine->control_loop()).pause();
    }
    at(lasts, [this, i, loop, boot = computer.boot] {
        if (nodes_[i].up && nodes_[i].boot == boot) {
            unpause(i, loop);
        }
    });
}

void Cluster::unpause(std::size_t i, std::size_t loop) {
    Computer& computer = nodes_[i];
    if (--computer.pauses[loop] == 0) {
        (loop == 0 ? computer.machine->loop() : computer.machine->control_loop()).resume();
    }
}

void Cluster::set_clock_rate(std::size_t i, std::int64_t rate) {
    nodes_[i].machine->loop().set_clock_rate(rate);
    nodes_[i].machine->control_loop().set_clock_rate(rate);
}

void Cluster::suspend(std::size_t i, Duration lasts) {
    Computer& computer = nodes_[i];
    if (computer.suspended) {
        return;
    }
    computer.suspended = now();
    set_clock_rate(i, 1);
    at(lasts, [this, i, boot = computer.boot] {
        if (nodes_[i].up && nodes_[i].boot == boot) {
            wake(i);
        }
    });
    pause(i, 0, lasts);  // They end after the clocks are right again.
    pause(i, 1, lasts);
}

void Cluster::wake(std::size_t i) {
    Computer& computer = nodes_[i];
    if (computer.suspended) {
        const Duration slept(now() - *computer.suspended);
        computer.machine->loop().note_suspend(slept);
        computer.machine->control_loop().note_suspend(slept);
        computer.suspended.reset();
    }
    set_clock_rate(i, computer.clock_rate);
}

// ---- an operator who restarts one node after the other

void Cluster::roll(std::size_t i) {
    if (i >= nodes_count_ || calm_) {
        rolling_ = false;
        return;
    }
    if (!nodes_[i].up) {
        roll(i + 1);
        return;
    }
    note(node_name(i) + " is shut down");
    Machine& machine = *nodes_[i].machine;
    const auto down = std::make_shared<bool>(false);
    const auto end = [this, i, down, boot = nodes_[i].boot] {
        if (!std::exchange(*down, true)) {
            if (nodes_[i].boot == boot) {
                stop(i, io::CrashKind::kProcess, milliseconds(200));
            }
            wait_and_roll(i, now() + Duration(seconds(20)).count());
        }
    };
    const auto answered = call(i, "shut_down");
    machine.node().shut_down(machine.loop(), [this, answered, end](const Result<bool>&) {
        answered();
        at(Duration{}, end);
    });
    at(seconds(15), end);
}

void Cluster::wait_and_roll(std::size_t i, Time deadline) {
    if (serves(i) || now() >= deadline) {
        roll(i + 1);
    } else {
        at(milliseconds(100), [this, i, deadline] { wait_and_roll(i, deadline); });
    }
}

// ---- the end of all that

void Cluster::heal() {
    note("everything is well again");
    calm_ = true;
    actions_.clear();
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        for (std::size_t k = 0; k < nodes_count_; ++k) {
            if (i != k) {
                cuts_[{i, k}] = 0;
                site_.network.mend(cluster_host(i), cluster_host(k));
                site_.network.set_delay(
                    cluster_host(i),
                    cluster_host(k),
                    std::chrono::microseconds(20),
                    milliseconds(2)
                );
            }
        }
        Computer& computer = nodes_[i];
        computer.powered = true;
        computer.clock_rate = kTrueRate;
        computer.machine->fs().set_free_bytes(kPlenty);
        computer.machine->fs().fail_next_sync("");
        if (computer.up && (computer.needs_restart || rolling_)) {
            stop(i, io::CrashKind::kProcess, milliseconds(100));
        } else if (computer.up) {
            wake(i);
            for (std::size_t loop = 0; loop < 2; ++loop) {
                if (computer.pauses[loop] > 0) {
                    computer.pauses[loop] = 1;
                    unpause(i, loop);
                }
            }
        } else {
            computer.start_at = std::min(computer.start_at, now());
        }
    }
}

}  // namespace kumo::node::sim
