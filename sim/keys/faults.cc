#include "keys/cluster.h"

#include <algorithm>

// Nodes that start and end, and what happens to them.

namespace kumo::node::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::string show(Duration duration) {
    return std::to_string(std::chrono::duration_cast<milliseconds>(duration).count()) + " ms";
}

}  // namespace

void Cluster::start(std::size_t i) {
    Computer& computer = nodes_[i];
    if (!computer.powered) {
        computer.powered = true;
        for (std::size_t k = 0; k < nodes_.size(); ++k) {
            if (k != i) {
                mend(i, k);
                mend(k, i);
            }
        }
    }
    const Status booted = computer.machine->boot();
    if (!booted.ok()) {
        fail("node " + std::to_string(i) + " cannot start: " + booted.error().message);
        return;
    }
    computer.up = true;
    ++computer.boot;
    computer.had_lease_at = now();
    ++outcome_.starts;
    note("node " + std::to_string(i) + " starts");
}

void Cluster::stop(std::size_t i, io::CrashKind kind, Duration down) {
    Computer& computer = nodes_[i];
    if (!computer.up) {
        return;
    }
    const bool power = kind == io::CrashKind::kPower && fsync_;  // Without fsync: not survived.
    note(
        "node " + std::to_string(i) + (power ? " loses power" : " is killed") + " for " + show(down)
    );
    if (power) {
        computer.powered = false;
        for (std::size_t k = 0; k < nodes_.size(); ++k) {
            if (k != i) {
                cut(i, k);
                cut(k, i);
            }
        }
        computer.machine->fs().crash(kind);
    }
    computer.machine->stop();
    computer.up = false;
    computer.pauses[0] = 0;
    computer.pauses[1] = 0;
    computer.start_at = now() + down.count();
    drop_calls(i);
}

void Cluster::start_due() {
    for (std::size_t i = 0; i < nodes_.size() && !failed(); ++i) {
        if (!nodes_[i].up && now() >= nodes_[i].start_at) {
            start(i);
        }
    }
}

// ---- faults

void Cluster::inject(const Fault& fault) {
    ++outcome_.faults;
    const std::size_t i = fault.node;
    switch (fault.kind) {
        case FaultKind::kKill: stop(i, io::CrashKind::kProcess, fault.lasts); return;
        case FaultKind::kPower: stop(i, io::CrashKind::kPower, fault.lasts); return;
        case FaultKind::kKillAll:
        case FaultKind::kKillSome:
            for (std::size_t k = 0; k < nodes_.size(); ++k) {
                const bool hit =
                    fault.kind == FaultKind::kKillAll || (fault.detail >> (k + 1) & 1U) != 0;
                const auto kind =
                    fault.detail % 2 == 0 ? io::CrashKind::kPower : io::CrashKind::kProcess;
                if (hit) {
                    stop(k, kind, fault.lasts + milliseconds(pick(2000)));
                }
            }
            return;
        case FaultKind::kIsolate:
        case FaultKind::kCutPair:
        case FaultKind::kCutOneWay:
        case FaultKind::kReset:
        case FaultKind::kDelay: inject_network(fault); return;
        case FaultKind::kPause:
        case FaultKind::kPauseLoop:
            if (nodes_[i].up) {
                const bool both = fault.kind == FaultKind::kPause;
                note("node " + std::to_string(i) + " pauses for " + show(fault.lasts));
                if (both || fault.detail % 2 == 0) {
                    pause(i, 0, fault.lasts);
                }
                if (both || fault.detail % 2 == 1) {
                    pause(i, 1, fault.lasts);
                }
            }
            return;
        default: inject_by_hand(fault);
    }
}

void Cluster::inject_by_hand(const Fault& fault) {
    const std::size_t i = fault.node;
    if (!runs(i)) {
        return;
    }
    switch (fault.kind) {
        case FaultKind::kHandOver: hand_over(i); return;
        case FaultKind::kMove: move(i, fault.detail); return;
        case FaultKind::kTakeOut: take_out(i); return;
        case FaultKind::kMoveSlots: move_slots(i, fault.detail); return;
        case FaultKind::kStopMoves: stop_moves(i); return;
        default:
            note("node " + std::to_string(i) + " is to store its keys");
            node(i).checkpoint([](const Status&) {});
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
            for (std::size_t k = 0; k < nodes_.size(); ++k) {
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

// ---- the end of all that

void Cluster::heal() {
    note("everything is well again");
    calm_ = true;
    actions_.clear();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        for (std::size_t k = 0; k < nodes_.size(); ++k) {
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
        computer.had_lease_at = now();  // Without the others it had none.
        for (std::size_t loop = 0; loop < 2 && computer.up; ++loop) {
            if (computer.pauses[loop] > 0) {
                computer.pauses[loop] = 1;
                unpause(i, loop);
            }
        }
        computer.start_at = std::min(computer.start_at, now());
    }
}

}  // namespace kumo::node::sim
