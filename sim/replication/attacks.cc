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
    const NodeId primary = find_shard(control_state_, id)->primary;
    if (primary.is_nil()) {
        return;
    }
    const std::size_t victim = index_of(primary);
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
    if (mode_ == AckMode::kMajority && random_.chance(1, 2)) {
        attack_lagging_copies(id, victim);
        return;
    }
    switch (random_.below(12)) {
        case 0: attack_slow_grants(victim); return;
        case 1: attack_deaf_primary(id, victim); return;
        case 2: attack_slow_handover(id, victim); return;
        case 3: attack_healed_control(victim); return;
        case 4: attack_new_leader(victim); return;
        case 5: attack_pause(victim); return;
        case 6: attack_late_prepares(victim); return;
        case 7: attack_late_registration(victim); return;
        case 8: attack_split(victim); return;
        case 9: attack_silent_control(id, victim); return;
        case 10: attack_slow_expand(id, victim); return;
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
    commit_lag_max_ = on_the_way ? 1500 * kMillisecond : 0;
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

/// The second copy of the command by which its run began, of which it does not hear; or that of a
/// run before it, which ended before anybody knew of it.
void Cluster::attack_late_registration(std::size_t victim) {
    if (nodes_[victim].up && control_leader_) {
        Register late = registration(victim);
        if (random_.chance(1, 2)) {
            late.member.boot = make_uuid(random_);
            late.member.incarnation = kNoRunBefore;
            late.previous_is_over = true;
        }
        propose(*control_leader_, late);
        nodes_[victim].deaf_until = now_ + 4000 * kMillisecond;
        cut_off(victim, Channel::kData);
    }
}

/// The primary and one other are alone. The others go on without them; those two agree with each
/// other, and that is not enough.
void Cluster::attack_split(std::size_t victim) {
    const std::set<std::size_t> minority = {victim, victim == 0 ? 1U : 0U};
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        for (std::size_t j = 0; j < nodes_count_; ++j) {
            cut_[i][j] = nodes_count_ > 3 && minority.contains(i) != minority.contains(j);
        }
    }
}

/// The primary is lost to the control plane, whose decisions take their time, and to nobody else.
void Cluster::attack_silent_control(ShardId id, std::size_t victim) {
    silent_ = {victim, id};
    reported_.clear();
    if (control_leader_ == victim) {
        depose();
        next_leader_ = (victim + 1) % nodes_count_;
    }
    control_cut_[victim] = true;
    nodes_[victim].deaf_until = now_ + 5000 * kMillisecond;
    commit_lag_max_ = 600 * kMillisecond;
}

/// Enough copies have said how long their logs are: from now on the primary of the past does not
/// reach the one that will be elected, but the others.
void Cluster::on_log_reported(const ReportLog& report) {
    if (!silent_ || silent_->second != report.shard || reported_.contains(report.node)) {
        return;
    }
    reported_[report.node] = report.end;
    if (reported_.size() < (nodes_count_ / 2) + 1) {
        return;
    }
    const auto best =
        std::max_element(reported_.begin(), reported_.end(), [](const auto& a, const auto& b) {
            return std::pair(a.second.last_term, a.second.last_seq)
                   < std::pair(b.second.last_term, b.second.last_seq);
        });
    const std::size_t next = index_of(best->first);
    data_cut_[silent_->first][next] = data_cut_[next][silent_->first] = true;
    silent_.reset();
}

/// As many copies lag as may; then the primary is lost, and of those that do not lag, one is slow
/// to say so, and another may be down.
void Cluster::attack_lagging_copies(ShardId id, std::size_t victim) {
    if (random_.chance(1, 3)) {
        attack_silent_control(id, victim);
        return;
    }
    const std::size_t holders = nodes_count_ / 2;
    for (std::size_t k = holders + 1; k < nodes_count_; ++k) {
        const std::size_t lags = (victim + k) % nodes_count_;
        data_cut_[victim][lags] = data_cut_[lags][victim] = true;
    }
    const bool one_dies = nodes_count_ > 3 && random_.chance(1, 2);
    later(static_cast<Time>(250 + random_.below(200)) * kMillisecond, [=, this] {
        cut_off(victim, Channel::kControl);
        for (std::size_t k = 1; k <= holders; ++k) {
            Node& holder = nodes_[(victim + k) % nodes_count_];
            holder.deaf_until = now_ + 4000 * kMillisecond;
            if (k == 1 && one_dies && holder.up) {
                crash((victim + k) % nodes_count_, false);
                holder.up_at = now_ + 10'000 * kMillisecond;
            }
        }
    });
}

/// A copy is added, and the primary is cut off before it hears of that: alone as far as it knows.
void Cluster::attack_slow_expand(ShardId id, std::size_t victim) {
    slow_expand_ = {victim, id};
    cut_off(victim, Channel::kData);
    later(in_sync_lag_ / std::chrono::microseconds(1) + (600 * kMillisecond), [this] {
        restore_links();
    });
}

void Cluster::on_expand_proposed(std::size_t i, ShardId shard) {
    if (slow_expand_ != std::pair(i, shard)) {
        return;
    }
    slow_expand_.reset();
    nodes_[i].deaf_until = now_ + 6000 * kMillisecond;
    later(30 * kMillisecond, [this, i] { cut_off(i, Channel::kControl); });
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
