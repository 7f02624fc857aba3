#include "replication/cluster.h"

#include "cluster/internal/mutant.h"

#include <algorithm>
#include <utility>

#ifdef KUMO_CLUSTER_MUTANTS
namespace kumo::cluster {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one fault a process
Mutant planted_mutant = Mutant::kNone;

}  // namespace kumo::cluster
#endif

namespace kumo::cluster::sim {

namespace {

constexpr std::int64_t kMillisecond = 1000;
constexpr std::int64_t kStep = 5 * kMillisecond;
constexpr std::int64_t kFaultyTime = 15'000 * kMillisecond;
constexpr std::int64_t kAttackedTime = 24'000 * kMillisecond;
/// A copy that left again and again waits for up to 30 s before it is added.
constexpr std::int64_t kCalmTime = 40'000 * kMillisecond;

}  // namespace

Cluster::Cluster(std::uint64_t seed) : random_(seed), nodes_count_(random_.chance(1, 4) ? 5 : 3) {
    constexpr Mix kMixes[] = {
        Mix::kAnything,
        Mix::kAnything,
        Mix::kAnything,
        Mix::kLostPower,
        Mix::kAttacks,
        Mix::kAttacks,
        Mix::kAttacks,
        Mix::kDrift,
    };
    mix_ = kMixes[random_.below(std::size(kMixes))];
    lazy_sync_ = mix_ == Mix::kLostPower || random_.chance(1, 4);
    faulty_time_ = mix_ == Mix::kAttacks || mix_ == Mix::kDrift ? kAttackedTime : kFaultyTime;
    ignorance_max_ = (mix_ == Mix::kAttacks ? 3000 : 1000) * kMillisecond;
    if (mix_ == Mix::kLostPower) {
        nodes_count_ = 3;
    }
    constexpr AckMode kModes[] = {
        AckMode::kSync,
        AckMode::kSync,
        AckMode::kMajority,
        AckMode::kAsync,
    };
    mode_ = kModes[random_.below(std::size(kModes))];
    if (mode_ == AckMode::kMajority && mix_ == Mix::kLostPower) {
        mode_ = AckMode::kSync;
    }
    lazy_sync_ = lazy_sync_ && mode_ != AckMode::kMajority;
    min_in_sync_ = random_.chance(1, 3) ? 2 : 1;
    if (mix_ == Mix::kAttacks && random_.chance(2, 3)) {
        in_sync_lag_ = std::chrono::milliseconds(500);
    }
    if (mix_ == Mix::kDrift) {
        coordinator_options_.lease.lease = std::chrono::milliseconds(8000);
        coordinator_options_.lease.fence_after = std::chrono::milliseconds(8800);
    }
    Found found;
    found.id = make_uuid(random_);
    found.members_expected = (nodes_count_ / 2) + 1;
    control_log_.push_back({found, false, 0, AckMode::kSync, 1});
    apply_entry(control_state_, control_log_.back());
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        nodes_[i].id = node_id(i);
        nodes_[i].rate = mix_ == Mix::kDrift
                             ? (random_.chance(1, 2) ? 0.99 : 1.01)
                             : 0.99 + (0.0001 * static_cast<double>(random_.below(201)));
        nodes_[i].offset = static_cast<std::int64_t>(random_.below(1'000'000'000'000ULL));
        boot(i);
    }
}

NodeId Cluster::node_id(std::size_t i) const {
    NodeId id;
    id.bytes[15] = static_cast<std::uint8_t>(i + 1);
    return id;
}

std::size_t Cluster::index_of(const NodeId& id) const {
    return static_cast<std::size_t>(id.bytes[15]) - 1;
}

void Cluster::wake() {
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        const bool wakes = now_ >= nodes_[i].paused_until && nodes_[i].paused_until > now_ - kStep;
        if (wakes && nodes_[i].up) {
            read_everything(i);  // Whoever asked meanwhile is served before any timer runs.
        }
    }
}

Outcome Cluster::run() {
    bool settled = false;
    while (outcome_.failure.empty() && !settled && now_ < faulty_time_ + kCalmTime) {
        now_ += kStep;
        if (now_ >= faulty_time_ && !calm_) {
            heal();
        }
        if (!calm_) {
            inject_faults();
        }
        wake();
        while (!events_.empty() && events_.begin()->first <= now_ && outcome_.failure.empty()) {
            const auto task = std::move(events_.begin()->second);
            events_.erase(events_.begin());
            task();
        }
        control_step();
        for (std::size_t i = 0; i < nodes_count_ && outcome_.failure.empty(); ++i) {
            Node& node = nodes_[i];
            if (!node.up && now_ >= node.up_at) {
                boot(i);
            }
            if (awake(i)) {
                step(i);
            }
        }
        use();
        check_invariants();
        settled = calm_ && now_ > faulty_time_ + (3000 * kMillisecond) && is_settled();
    }
    if (outcome_.failure.empty() && !settled) {
        fail("not everything works after everything was well again" + describe());
    }
    if (outcome_.failure.empty()) {
        check_end();
    }
    return outcome_;
}

void Cluster::fail(const std::string& what) {
    if (outcome_.failure.empty()) {
        outcome_.failure = what + " at " + std::to_string(now_ / kMillisecond) + " ms";
    }
}

void Cluster::trace(std::uint64_t value) {
    outcome_.trace = (outcome_.trace ^ value) * 0x9E3779B97F4A7C15ULL;
    outcome_.trace ^= outcome_.trace >> 29U;
}

std::string Cluster::describe_shard(ShardId id, const Shard& shard) const {
    std::string out =
        "\n    shard " + std::to_string(static_cast<std::uint64_t>(id)) + ": version "
        + std::to_string(shard.version) + ", term " + std::to_string(shard.term) + ", mode "
        + std::to_string(static_cast<int>(shard.mode)) + ", primary "
        + (shard.primary.is_nil() ? "nobody" : std::to_string(index_of(shard.primary)))
        + ", in sync";
    for (const NodeId& node : shard.in_sync) {
        out += " " + std::to_string(index_of(node));
    }
    out += shard.phase == Phase::kHandover ? ", handover" : "";
    return out + (shard.phase == Phase::kElecting ? ", electing" : "");
}

std::string Cluster::describe_copy(const Copy& copy) const {
    const ShardCopy& core = *copy.core;
    std::string out = "; role " + std::to_string(static_cast<int>(core.role())) + " term "
                      + std::to_string(core.term()) + " committed "
                      + std::to_string(core.committed()) + " of " + std::to_string(core.last())
                      + " applied " + std::to_string(copy.applied) + " copy "
                      + std::to_string(static_cast<std::uint64_t>(core.copy()));
    for (std::size_t j = 0; j < nodes_count_ && core.is_primary(); ++j) {
        const auto match = core.match_of(node_id(j));
        out += " " + (match ? std::to_string(*match) : std::string("-"));
    }
    return out;
}

/// Where everybody stands, for a failure's reader.
std::string Cluster::describe() const {
    std::string all;
    for (const auto& [id, shard] : control_state_.shards) {
        all += describe_shard(id, *shard);
    }
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        const Node& node = nodes_[i];
        const Member* member = find_member(control_state_, node.id);
        all += "\n    node " + std::to_string(i) + (node.up ? " up" : " down")
               + (member == nullptr ? " unknown"
                  : member->fenced  ? " fenced"
                                    : "")
               + (may_serve(i) ? " leased" : "") + ", state " + std::to_string(node.applied)
               + " of " + std::to_string(control_log_.size());
        for (const auto& [shard, copy] : node.copies) {
            all += describe_copy(copy);
        }
    }
    return all + "\n   ";
}

// ---- events

void Cluster::at(Time time, std::function<void()> task) {
    events_.emplace(time, std::move(task));
}

bool Cluster::reaches(std::size_t from, std::size_t to, Channel channel) const {
    return !cut_[from][to]
           && (channel == Channel::kControl ? !control_cut_[from] && !control_cut_[to]
                                            : !data_cut_[from][to]);
}

void Cluster::send(
    std::size_t from,
    std::size_t to,
    Channel channel,
    const std::function<void()>& deliver
) {
    if (from == to) {
        at(now_, [this, to, deliver] {
            if (nodes_[to].up) {
                deliver();
            }
        });
        return;
    }
    const auto copies = random_.chance(1, 60) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        if (!reaches(from, to, channel) || random_.below(100) < loss_percent_) {
            continue;
        }
        const std::uint64_t longest = random_.chance(1, 60) ? 800'000 : 12'000;
        const Time delay = lag_[from][to] + static_cast<Time>(200 + random_.below(longest));
        at(now_ + delay, [this, from, to, channel, boot = nodes_[to].boot, deliver] {
            if (nodes_[to].boot == boot) {
                this->deliver(from, to, channel, deliver);
            }
        });
    }
}

/// Now, or when the node's pause is over.
void Cluster::deliver(
    std::size_t from,
    std::size_t to,
    Channel channel,
    std::function<void()> task
) {
    if (!reaches(from, to, channel) || !nodes_[to].up) {
        return;
    }
    if (awake(to)) {
        task();
        return;
    }
    at(nodes_[to].paused_until, [this, to, boot = nodes_[to].boot, task = std::move(task)] {
        if (nodes_[to].up && nodes_[to].boot == boot) {
            task();
        }
    });
}

// ---- faults

void Cluster::inject_faults() {
    if (now_ < quiet_until_) {
        return;
    }
    switch (mix_) {
        case Mix::kAnything: inject_anything(); return;
        case Mix::kLostPower: lose_power(); return;
        case Mix::kAttacks:
        case Mix::kDrift: attack(); return;
    }
}

void Cluster::inject_anything() {
    const std::size_t i = random_.below(nodes_count_);
    const std::size_t j = random_.below(nodes_count_);
    if (random_.chance(1, 700) && nodes_[i].up) {
        const bool power = random_.chance(1, 2);
        if (power && lazy_sync_) {
            cut_power_of_one(i);
        } else {
            crash(i, power);
        }
    }
    if (random_.chance(1, 5000)) {
        for (std::size_t k = 0; k < nodes_count_; ++k) {
            if (nodes_[k].up) {
                crash(k, !lazy_sync_);
            }
        }
    }
    if (random_.chance(1, 500) && awake(i)) {
        nodes_[i].paused_until = now_ + static_cast<Time>(random_.below(5000)) * kMillisecond;
    }
    if (random_.chance(1, 400)) {
        cut_[i][j] = true;
    }
    if (random_.chance(1, 600)) {
        cut_off(i, Channel::kControl);
    }
    if (random_.chance(1, 500)) {
        restore_links();
    }
    if (random_.chance(1, 600)) {
        loss_percent_ = random_.chance(1, 2) ? 0 : random_.below(20);
        nodes_[i].slow_disk = random_.chance(1, 3);
    }
    if (random_.chance(1, 300) && !shards_.empty()) {
        ++outcome_.handovers;
        propose(j, BeginHandover{shards_[random_.below(shards_.size())], node_id(i)});
    }
    if (random_.chance(1, 800)) {
        propose(j, SetDraining{node_id(i), random_.chance(1, 2)});
    }
}

/// Where acknowledged is not synced, one machine at a time may lose power, and nothing else may
/// happen until it is back among the others: that much is promised. What is on its way because of
/// other faults comes first.
void Cluster::cut_power_of_one(std::size_t i) {
    heal();
    calm_ = false;
    quiet_until_ = now_ + 12'000 * kMillisecond;
    at(now_ + 4000 * kMillisecond, [this, i] {
        if (nodes_[i].up && !calm_
            && std::all_of(shards_.begin(), shards_.end(), [this](ShardId id) {
                   return can_lose_one(*find_shard(control_state_, id));
               })) {
            crash(i, true);
        }
    });
}

bool Cluster::can_lose_one(const Shard& shard) const {
    const auto is_good = [&](const NodeId& node) {
        const std::size_t k = index_of(node);
        const Member* member = find_member(control_state_, node);
        const auto stored = nodes_[k].disk.find(shard.id);
        const bool clean = stored == nodes_[k].disk.end() || !stored->second.unclean;
        return awake(k) && clean && member != nullptr && !member->fenced
               && member->boot == nodes_[k].boot;
    };
    return shard.in_sync.size() > 1
           && std::all_of(shard.in_sync.begin(), shard.in_sync.end(), is_good);
}

void Cluster::restore_links() {
    for (std::size_t i = 0; i < kNodesMax; ++i) {
        control_cut_[i] = false;
        for (std::size_t j = 0; j < kNodesMax; ++j) {
            cut_[i][j] = data_cut_[i][j] = false;
            lag_[i][j] = 0;
        }
    }
}

void Cluster::cut_off(std::size_t i, Channel channel) {
    for (std::size_t k = 0; k < nodes_count_; ++k) {
        auto& cuts = channel == Channel::kData ? data_cut_ : cut_;
        cuts[i][k] = cuts[k][i] = k != i;
    }
}

void Cluster::heal() {
    calm_ = true;
    loss_percent_ = 0;
    commit_lag_max_ = 0;
    slow_handover_.reset();
    slow_expand_.reset();
    silent_.reset();
    restore_links();
    for (Node& node : nodes_) {
        node.paused_until = std::min(node.paused_until, now_);
        node.deaf_until = std::min(node.deaf_until, now_);
        node.slow_disk = false;
        node.up_at = std::min(node.up_at, now_);
    }
}

// ---- clients

void Cluster::use() {
    if (shards_.size() < kShards && control_leader_) {
        const auto made = add_shard(control_state_, mode_, min_in_sync_);
        if (made.ok()) {
            shards_.push_back(made.value());
            control_log_.push_back({{}, true, now_, mode_, min_in_sync_});
        }
        return;
    }
    const bool busy = now_ < faulty_time_ + (2000 * kMillisecond);
    if (busy && !shards_.empty() && random_.chance(1, 8)) {
        start_request();
    }
    for (std::size_t i = 0; busy && i < nodes_count_; ++i) {
        if (awake(i) && random_.chance(1, 3)) {
            read_everything(i);
            read_elsewhere(i);
        }
    }
}

void Cluster::start_request() {
    const std::uint64_t number = next_request_++;
    Request& request = requests_[number];
    request.id = RequestId{node_id(0), 1, number};
    request.shard = shards_[random_.below(shards_.size())];
    request.value = number;
    request.deadline = now_ + 8000 * kMillisecond;
    try_request(number);
}

/// At whichever node believes to be the primary; again until it is acknowledged or given up.
void Cluster::try_request(std::uint64_t number) {
    Request& request = requests_[number];
    if (request.acknowledged || now_ > request.deadline || !outcome_.failure.empty()) {
        return;
    }
    const std::size_t start = random_.below(nodes_count_);
    for (std::size_t k = 0; k < nodes_count_; ++k) {
        const std::size_t i = (start + k) % nodes_count_;
        const auto found = nodes_[i].copies.find(request.shard);
        if (!awake(i) || found == nodes_[i].copies.end()
            || found->second.core->role() != CopyRole::kActive) {
            continue;
        }
        Copy& copy = found->second;
        const auto seq = copy.core->propose(request.id, now_, "x");
        if (seq.ok() && seq.value() <= copy.applied) {
            acknowledge(request, copy, seq.value());  // A retry of what is done.
        } else if (seq.ok()) {
            copy.waiting[request.id] = true;
        }
        drain(i, request.shard);
        break;
    }
    ++outcome_.retries;
    const Time pause = static_cast<Time>(200 + random_.below(800)) * kMillisecond;
    at(now_ + pause, [this, number] { try_request(number); });
}

void Cluster::acknowledge(Request& request, const Copy& copy, Seq seq) {
    if (request.acknowledged) {
        return;
    }
    request.acknowledged = true;
    acknowledged_[request.shard].insert(request.value);
    ++outcome_.acknowledged;
    auto& [in_list, in_log] = acknowledged_until_[request.shard];
    const auto found = std::find(copy.list.rbegin(), copy.list.rend(), request.value);
    in_list = std::max(in_list, static_cast<std::size_t>(copy.list.rend() - found));
    in_log = std::max(in_log, seq);
}

}  // namespace kumo::cluster::sim
