#include "keys/cluster.h"

#include <algorithm>
#include <utility>

// A run from its beginning to its end.

namespace kumo::node::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Duration kSettleMax = seconds(30);
constexpr Duration kAnswerMax = seconds(30);
constexpr std::size_t kEventsKept = 60;
constexpr std::size_t kNodesMin = 3;
constexpr std::uint64_t kNodesSpread = 5;

KvNodeOptions options_of(Random& random, bool fsync, bool async) {
    KvNodeOptions options;
    options.fsync = fsync;
    options.mode = async ? cluster::AckMode::kAsync : cluster::AckMode::kSync;
    if (random.chance(2, 3)) {
        options.limits.entry_bytes_max = 40;
    }
    if (random.chance(2, 3)) {
        options.limits.checkpoint_log_bytes_min = 500;
    }
    if (random.chance(2, 3)) {  // Who lags is soon sent the keys.
        options.limits.log_tail_bytes_max = 1'000;
    }
    options.limits.install_chunk_bytes = 200;
    return options;
}

}  // namespace

Settings& settings() {
    static Settings instance;
    return instance;
}

Cluster::Cluster(std::uint64_t seed) : seed_(seed), random_(seed ^ 0x5DEECE66DULL), site_(seed) {
    fsync_ = pick(2) == 0;
    slots_first_ = pick(2) == 0;
    nodes_.resize(kNodesMin + pick(kNodesSpread));
    parts_.resize(1 + pick(std::min<std::uint64_t>(3, nodes_.size() - 1)));
    async_ = seed % 8 == 5;
    const KvNodeOptions options = options_of(random_, fsync_, async_);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        nodes_[i].machine =
            std::make_unique<KvMachine>(site_, i, options, [this, i](const std::string& what) {
                fail("node " + std::to_string(i) + ": " + what);
            });
        nodes_[i].start_at = Duration(milliseconds(pick(500))).count();
        nodes_[i].follows = i % parts_.size();
    }
    for (std::size_t part = 0; part < parts_.size(); ++part) {
        const std::size_t begin = part * kSlots / parts_.size();
        const std::size_t end = (part + 1) * kSlots / parts_.size();
        for (std::size_t slot = begin; slot < end; ++slot) {
            parts_[part].slots.insert(static_cast<std::uint16_t>(slot));
        }
        parts_[part].slot = static_cast<std::uint16_t>(begin + pick(end - begin));
        for (std::size_t key = 0; key < 1 + pick(3); ++key) {
            parts_[part].keys.push_back("p" + std::to_string(part) + "k" + std::to_string(key));
            if (async_) {
                histories_[parts_[part].keys.back()].may_lose();
            }
        }
    }
    use_chance_ = 5 + pick(60);
    padding_max_ = 1 + pick(2) * pick(200);
}

Cluster::~Cluster() = default;

Time Cluster::now() const {
    return site_.world.clock().monotonic_now().time_since_epoch().count();
}

void Cluster::note(const std::string& event) {
    events_.push_back(std::to_string(now() / 1'000'000) + " ms: " + event);
    if (settings().verbose) {
        (void)std::fputs((events_.back() + "\n").c_str(), stdout);
    }
    if (events_.size() > kEventsKept) {
        events_.pop_front();
    }
}

void Cluster::fail(const std::string& what) {
    if (!failed()) {
        outcome_.failure = what + " (at " + std::to_string(now() / 1'000'000) + " ms)";
        note("FAILED: " + what);
    }
}

void Cluster::at(Duration delay, std::function<void()> action) {
    actions_.emplace(now() + delay.count(), std::move(action));
}

/// Time passes, and what is due happens.
void Cluster::pass() {
    site_.world.run_for(std::chrono::microseconds(200 + pick(8'000)));
    while (!actions_.empty() && actions_.begin()->first <= now() && !failed()) {
        const auto action = std::move(actions_.begin()->second);
        actions_.erase(actions_.begin());
        action();
    }
    start_due();
    operate();
}

bool Cluster::run_until(Duration most, const std::function<bool()>& done) {
    const Time end = now() + most.count();
    while (!failed() && !done() && now() < end) {
        pass();
    }
    return done();
}

Outcome Cluster::run() {
    const Duration span = seconds(10 + pick(30));
    for (const Fault& fault : plan_faults(seed_, nodes_.size(), span, settings().without)) {
        at(fault.at, [this, fault] { inject(fault); });
    }
    const auto use_it = [this] {
        use();
        return false;
    };
    (void)run_until(span, use_it);
    if (!failed()) {
        heal();
    }
    const Time healed = now();
    (void)run_until(seconds(3), use_it);
    std::string open = "?";
    (void)run_until(kSettleMax, [&] {
        open = unsettled();
        return open.empty();
    });
    outcome_.settle_ms = static_cast<std::uint64_t>((now() - healed) / 1'000'000);
    if (!open.empty()) {
        fail(
            "not everything is well " + std::to_string(kSettleMax / seconds(1))
            + " s after the last fault: " + open + describe()
        );
    }
    (void)run_until(kAnswerMax, [this] { return calls_.empty(); });
    check_end();
    outcome_.trace = site_.world.trace_hash();
    if (failed()) {
        outcome_.failure += "\n  the last events:";
        for (const std::string& event : events_) {
            outcome_.failure += "\n    " + event;
        }
    }
    return outcome_;
}

// ---- checks

/// What keeps the cluster from being well; empty if it is.
std::string Cluster::unsettled() {
    std::map<cluster::ShardId, const Engine::Data*> data;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!runs(i)) {
            return "node " + std::to_string(i) + " is down";
        }
        if (std::string open = unsettled(i); !open.empty()) {
            return "node " + std::to_string(i) + " " + open;
        }
        const Engine::Data& own = nodes_[i].machine->engine().data();
        const auto [first, fresh] = data.emplace(node(i).group()->shard, &own);
        if (!fresh && *first->second != own) {
            return "node " + std::to_string(i) + " has other keys than those before it";
        }
    }
    return "";
}

std::string Cluster::unsettled(std::size_t i) {
    const State& state = *node(i).state();
    const KvGroup* own = node(i).group();
    if (state.cluster.id != cluster_ || state.cluster.members.size() != nodes_.size()) {
        return "is in a cluster of " + std::to_string(state.cluster.members.size());
    }
    if (own == nullptr || own->slots.empty() || node(i).copy() == nullptr) {
        return "is in no group with slots, or has no copy";
    }
    for (const Part& part : parts_) {
        if (owner_of(state.kv, part.slot) == nullptr) {
            return "knows nobody who has slot " + std::to_string(part.slot);
        }
    }
    if (!state.kv.moves.empty()) {
        return "knows of slots that move";
    }
    const Engine& engine = nodes_[i].machine->engine();
    const bool strange =
        std::any_of(engine.data().begin(), engine.data().end(), [&](const auto& each) {
            return !own->slots.contains(each.first) && !each.second.empty();
        });
    if (strange || !engine.arriving().empty() || !node(i).copy()->moves().empty()) {
        return "has keys of slots of others";
    }
    const cluster::Shard& shard = *cluster::find_shard(state.cluster, own->shard);
    if (shard.in_sync.size() != shard.copies.size()) {
        return "knows of copies that are not in sync";
    }
    if (shard.primary == node(i).self() && (!node(i).may_run() || !node(i).has_lease())) {
        return "is to lead and does not";
    }
    const KvCopy& copy = *node(i).copy();
    if (!node(i).write_refusal().empty()) {
        return "does not write: " + node(i).write_refusal();
    }
    return copy.committed() == copy.appended() ? "" : "has changes that are not committed";
}

namespace {

std::string describe_group(const State& state, const KvGroup& group) {
    const cluster::Shard& shard = *cluster::find_shard(state.cluster, group.shard);
    std::string out = "; shard " + std::to_string(static_cast<std::uint64_t>(group.shard)) + " of "
                      + std::to_string(group.slots.size()) + " slots, term "
                      + std::to_string(shard.term) + ":";
    for (const auto& [id, copy] : shard.copies) {
        const cluster::Member* member = cluster::find_member(state.cluster, id);
        out += " " + (member == nullptr ? "?" : member->name) + (id == shard.primary ? "*" : "")
               + (shard.in_sync.contains(id) ? "" : "-");
    }
    return out;
}

std::string describe_node(KvNode& node) {
    const State& state = *node.state();
    std::string out = state.cluster.id.to_string().substr(0, 8) + " applied "
                      + std::to_string(state.applied) + (node.has_lease() ? " lease" : "")
                      + "; members";
    for (const auto& [id, member] : state.cluster.members) {
        out += " " + member->name + (member->fenced ? "(fenced)" : "")
               + (id == node.self() ? "(self)" : "");
    }
    const auto control = node.control_status();
    const cluster::Member* leads = cluster::find_member(state.cluster, control->leader);
    out += "; follows " + (leads == nullptr ? std::string("nobody") : leads->name) + " term "
           + std::to_string(control->term) + " commit " + std::to_string(control->commit)
           + " voters " + std::to_string(control->voters.size()) + " learners "
           + std::to_string(control->learners.size());
    for (const auto& [id, group] : state.kv.groups) {
        out += describe_group(state, *group);
    }
    if (node.copy() != nullptr) {
        const KvCopy& copy = *node.copy();
        out += "; copy " + std::to_string(static_cast<std::uint64_t>(copy.copy())) + " of shard "
               + std::to_string(static_cast<std::uint64_t>(copy.shard())) + " made "
               + std::to_string(copy.appended()) + " committed " + std::to_string(copy.committed())
               + (copy.may_run() ? " runs" : "");
    }
    return out + " " + node.write_refusal();
}

}  // namespace

/// Where everybody stands, for a failure's reader.
std::string Cluster::describe() {
    std::string out;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        out += "\n    node " + std::to_string(i) + " ";
        out += nodes_[i].up ? describe_node(node(i)) : "is down";
    }
    return out;
}

}  // namespace kumo::node::sim
