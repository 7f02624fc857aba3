#include "replication/cluster.h"

#include <algorithm>
#include <utility>

// Faults in an order that hurts. Each attack begins when all is well, is aimed at a rule by which
// an old primary stops in time, and ends with links that work again.

namespace kumo::cluster::sim {

namespace {

constexpr std::int64_t kMillisecond = 1000;
constexpr std::int64_t kFirstAttack = 2500 * kMillisecond;

}  // namespace

/// Unless everything is well again by then.
void Cluster::later(Time delay, std::function<void()> task) {
    at(now_ + delay, [this, attack = attack_, task = std::move(task)] {
        if (attack == attack_ && !calm_) {
            task();
        }
    });
}

void Cluster::attack() {
    if (now_ < kFirstAttack || shards_.empty()) {
        return;
    }
    heal();
    calm_ = false;
    ++attack_;
    const ShardId id = shards_[random_.below(shards_.size())];
    const std::size_t victim = index_of(find_shard(control_state_, id)->primary);
    if (mix_ == Mix::kDrift) {
        quiet_until_ = now_ + 13'000 * kMillisecond;
        cut_off(victim, Channel::kControl);
        later(10'500 * kMillisecond, [this] { restore_links(); });
        return;
    }
    quiet_until_ = now_ + static_cast<Time>(6000 + random_.below(1500)) * kMillisecond;
    later(5000 * kMillisecond, [this] {
        heal();
        calm_ = false;
    });
    switch (random_.below(9)) {
        case 0: attack_slow_grants(victim); return;
        case 1: attack_deaf_primary(id, victim); return;
        case 2: attack_slow_handover(id, victim); return;
        case 3: attack_healed_control(victim); return;
        case 4: attack_new_leader(victim); return;
        case 5: attack_pause(victim); return;
        case 6: attack_late_prepares(victim); return;
        case 7: attack_late_registration(victim); return;
        default: attack_leader(victim); return;
    }
}

/// Grants arrive long after their requests left, and then nothing does.
void Cluster::attack_slow_grants(std::size_t victim) {
    const Time lag = static_cast<Time>(500 + random_.below(1300)) * kMillisecond;
    for (std::size_t k = 0; k < nodes_count_; ++k) {
        lag_[k][victim] = k == victim ? 0 : lag;
    }
    later(static_cast<Time>(300 + random_.below(500)) * kMillisecond, [this, victim] {
        for (std::size_t k = 0; k < nodes_count_; ++k) {
            cut_[victim][k] = k != victim;
        }
    });
}

void Cluster::begin_handover(ShardId id, std::size_t victim) {
    const Shard& shard = *find_shard(control_state_, id);
    for (const NodeId& node : shard.in_sync) {
        if (index_of(node) != victim && control_leader_) {
            ++outcome_.handovers;
            propose(*control_leader_, BeginHandover{id, node});
            return;
        }
    }
}

/// A handover of whose beginning the primary does not hear.
void Cluster::attack_deaf_primary(ShardId id, std::size_t victim) {
    nodes_[victim].deaf_until = now_ + 4000 * kMillisecond;
    cut_off(victim, Channel::kData);
    begin_handover(id, victim);
}

/// A handover that is decided late, and of whose decision the old primary does not hear.
void Cluster::attack_slow_handover(ShardId id, std::size_t victim) {
    slow_handover_ = {victim, id};
    begin_handover(id, victim);
}

void Cluster::on_handover_proposed(std::size_t i, ShardId shard) {
    if (slow_handover_ != std::pair(i, shard)) {
        return;
    }
    nodes_[i].deaf_until = now_ + 5000 * kMillisecond;
    cut_off(i, Channel::kData);
    commit_lag_max_ = 2500 * kMillisecond;
    slow_handover_.reset();
}

/// The control plane is reached again, before the other copies are and before its news are applied,
/// about when the node is fenced or after that.
void Cluster::attack_healed_control(std::size_t victim) {
    cut_off(victim, Channel::kControl);
    const bool on_the_way = random_.chance(1, 2);
    commit_lag_max_ = on_the_way ? 600 * kMillisecond : 0;
    const std::uint64_t silent = on_the_way ? 2000 + random_.below(700) : 2400 + random_.below(800);
    later(static_cast<Time>(silent) * kMillisecond, [this, victim] {
        restore_links();
        cut_off(victim, Channel::kData);
        nodes_[victim].deaf_until = now_ + 2500 * kMillisecond;
    });
}

/// The same, and the leader is one that has not applied yet that the node was fenced.
void Cluster::attack_new_leader(std::size_t victim) {
    cut_off(victim, Channel::kControl);
    const std::size_t next = (victim + 1 + random_.below(nodes_count_ - 1)) % nodes_count_;
    nodes_[next].deaf_until = now_ + static_cast<Time>(3000 + random_.below(1000)) * kMillisecond;
    nodes_[victim].deaf_until = now_ + 4500 * kMillisecond;
    later(static_cast<Time>(2500 + random_.below(300)) * kMillisecond, [this, victim, next] {
        restore_links();
        cut_off(victim, Channel::kData);
        if (control_leader_ && control_leader_ != next) {
            depose();
            control_pause_until_ = now_;
            next_leader_ = next;
        }
    });
}

/// It goes on in the middle of whatever it did.
void Cluster::attack_pause(std::size_t victim) {
    if (awake(victim)) {
        nodes_[victim].paused_until =
            now_ + static_cast<Time>(2400 + random_.below(2200)) * kMillisecond;
    }
}

/// A leader that is cut off, alone or with the primary, and that believes to lead for a while.
void Cluster::attack_leader(std::size_t victim) {
    if (!control_leader_) {
        return;
    }
    std::set<std::size_t> minority = {*control_leader_};
    if (nodes_count_ > 3) {
        minority.insert(victim);
    }
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        for (std::size_t j = 0; j < nodes_count_; ++j) {
            cut_[i][j] = minority.contains(i) != minority.contains(j);
        }
    }
}

/// What it says arrives when there is another primary, whose commits the others learn slowly.
void Cluster::attack_late_prepares(std::size_t victim) {
    const Time late = static_cast<Time>(2200 + random_.below(900)) * kMillisecond;
    const Time slow = static_cast<Time>(100 + random_.below(250)) * kMillisecond;
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        for (std::size_t j = 0; j < nodes_count_; ++j) {
            lag_[i][j] = i == j ? 0 : (i == victim ? late : slow);
        }
    }
}

/// The second copy of the command by which its run began, of which it does not hear.
void Cluster::attack_late_registration(std::size_t victim) {
    if (nodes_[victim].up && control_leader_) {
        propose(*control_leader_, registration(victim));
        nodes_[victim].deaf_until = now_ + 4000 * kMillisecond;
        cut_off(victim, Channel::kData);
    }
}

// ---- lost power

/// Three nodes of which one is down; when the other two are all that is in sync, one of them loses
/// power, and with it what it had acknowledged, and the other one is killed, with nothing lost.
/// Both are fenced together, and the one with less comes back first.
void Cluster::lose_power() {
    constexpr std::size_t kOut = 0;
    const std::size_t loses = 1 + random_.below(2);
    const std::size_t keeps = 3 - loses;
    if (power_lost_at_ == 0 && now_ >= kFirstAttack && shards_.size() == kShards) {
        power_lost_at_ = now_;
        crash(kOut, false);
        nodes_[kOut].up_at = now_ + 60'000 * kMillisecond;
    }
    if (power_lost_at_ == 0 || nodes_[kOut].up || now_ < power_lost_at_ + 3000 * kMillisecond) {
        return;
    }
    const bool alone = std::all_of(shards_.begin(), shards_.end(), [&](ShardId id) {
        return find_shard(control_state_, id)->in_sync == std::set{node_id(1), node_id(2)};
    });
    nodes_[kOut].up_at = now_;
    if (alone && awake(loses) && awake(keeps)) {
        crash(loses, true);
        crash(keeps, false);
        nodes_[keeps].up_at = now_ + static_cast<Time>(5500 + random_.below(2000)) * kMillisecond;
    }
    quiet_until_ = faulty_time_;
}

}  // namespace kumo::cluster::sim
