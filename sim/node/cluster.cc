#include "node/cluster.h"

#include <algorithm>
#include <utility>

// A run from its beginning to its end.

namespace kumo::node::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Duration kStartMax = seconds(60);
constexpr Duration kSettleMax = seconds(60);
constexpr Duration kAnswerMax = seconds(30);
constexpr std::size_t kEventsKept = 50;

std::size_t count_nodes(std::uint64_t seed) {
    return seed % 4 == 0 ? 5 : 3;
}

NodeOptions options_of(Random& random) {
    NodeOptions options = small_options();
    if (random.chance(1, 3)) {  // Nothing is sealed, so that nothing leaves the log.
        options.index_limits = search::IndexLimits{};
        options.idle_seal_after = std::chrono::hours(1);
    } else if (random.chance(1, 2)) {
        options.index_limits.live_docs_max = 64;
        options.index_limits.live_docs_hard_max = 256;
        options.idle_seal_after = seconds(5);
    }
    if (random.chance(1, 2)) {  // Who lags is soon sent files.
        options.log_tail_bytes_max = 4'000;
    }
    options.fsync = !random.chance(1, 4);
    options.disk_reserve_bytes = random.chance(1, 2) ? 0 : 8'192;
    return options;
}

std::size_t voters_in(const ClusterInfo& info) {
    return static_cast<std::size_t>(std::count_if(
        info.members.begin(),
        info.members.end(),
        [](const auto& member) { return member.votes; }
    ));
}

/// Says which shard has less than so many copies in sync; empty if none.
std::string lacking_copies(const ClusterInfo& info, std::size_t needed) {
    for (const ClusterInfo::Shard& shard : info.shards) {
        const auto in_sync = static_cast<std::size_t>(std::count_if(
            shard.copies.begin(),
            shard.copies.end(),
            [](const auto& copy) { return copy.in_sync; }
        ));
        if (in_sync < needed) {
            return "shard " + std::to_string(shard.id) + " has " + std::to_string(in_sync)
                   + " copies in sync";
        }
    }
    return "";
}

}  // namespace

Settings& settings() {
    static Settings instance;
    return instance;
}

Cluster::Cluster(std::uint64_t seed)
    : seed_(seed), random_(seed ^ 0x5DEECE66DULL), nodes_count_(count_nodes(seed)), site_(seed) {
    const NodeOptions options = options_of(random_);
    fsync_ = options.fsync;
    std::vector<std::size_t> everybody;
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        everybody.push_back(i);
    }
    nodes_.resize(nodes_count_);
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        nodes_[i].machine =
            std::make_unique<Machine>(site_, cluster_host(i), cluster_options(i, options));
        nodes_[i].machine->write_nodes_file(everybody);
        nodes_[i].start_at = Duration(milliseconds(pick(500))).count();
    }
    write_chance_ = 5 + pick(40);
    slots_.resize(1 + pick(3));
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        begin_collection(slot, "c" + std::to_string(slot));
    }
}

Cluster::~Cluster() = default;

Time Cluster::now() const {
    return site_.world.clock().monotonic_now().time_since_epoch().count();
}

void Cluster::note(const std::string& event) {
    const Time ms = now() / 1'000'000;
    events_.push_back(std::to_string(ms) + " ms: " + event);
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
void Cluster::pass(Duration most) {
    site_.world.run_for(std::chrono::microseconds(200 + pick(8'000)));
    (void)most;
    while (!actions_.empty() && actions_.begin()->first <= now() && !failed()) {
        const auto action = std::move(actions_.begin()->second);
        actions_.erase(actions_.begin());
        action();
    }
    start_due();
}

bool Cluster::run_until(Duration most, const std::function<bool()>& done) {
    const Time end = now() + most.count();
    while (!failed() && !done() && now() < end) {
        pass(most);
    }
    return done();
}

Outcome Cluster::run() {
    const auto all_serve = [this] {
        for (std::size_t i = 0; i < nodes_count_; ++i) {
            if (!serves(i)) {
                return false;
            }
        }
        return true;
    };
    if (!run_until(kStartMax, all_serve)) {
        fail("not all nodes serve after their first start" + describe());
    }
    const Duration span = seconds(5 + pick(35));
    for (const Fault& fault : plan_faults(seed_, nodes_count_, span, settings().without)) {
        at(fault.at, [this, fault] { inject(fault); });
    }
    const auto use_and_check = [this] {
        use();
        check_nodes();
        return false;
    };
    (void)run_until(span, use_and_check);
    if (!failed()) {
        heal();
    }
    (void)run_until(seconds(3), use_and_check);
    (void)run_until(kAnswerMax, [this] { return calls_.empty(); });
    const Time begin = now();
    await_well(std::nullopt, "the last fault");
    outcome_.settle_ms = static_cast<std::uint64_t>((now() - begin) / 1'000'000);
    check_end();
    if (pick(3) == 0) {
        outlast_outage();
        check_end();
    }
    outcome_.trace = site_.world.trace_hash();
    if (failed()) {
        outcome_.failure += "\n  the last events:";
        for (const std::string& event : events_) {
            outcome_.failure += "\n    " + event;
        }
    }
    return outcome_;
}

/// All stop at once, and one does not come back: whoever it is, the others have everything.
void Cluster::outlast_outage() {
    const std::size_t gone = pick(nodes_count_);
    const bool power = fsync_ && pick(2) == 0;
    for (std::size_t i = 0; i < nodes_count_ && !failed(); ++i) {
        // Damage that a fault before has not come to: one node is enough to miss.
        nodes_[i].loses_log.reset();
        nodes_[i].loses_control.reset();
        const Duration down = i == gone ? seconds(3600) : milliseconds(pick(3000));
        stop(i, power ? io::CrashKind::kPower : io::CrashKind::kProcess, down);
    }
    await_well(gone, "an outage that one node does not survive");
    nodes_[gone].start_at = now();
    await_well(std::nullopt, "its return");
}

/// `missing` is down, and none of the others needs it.
void Cluster::await_well(std::optional<std::size_t> missing, const std::string& after) {
    std::string open = "?";
    (void)run_until(kSettleMax, [&] {
        check_nodes();
        open = unsettled(missing);
        return open.empty();
    });
    if (!open.empty()) {
        fail(
            "not everything is well " + std::to_string(kSettleMax / seconds(1)) + " s after "
            + after + ": " + open + describe()
        );
    }
}

// ---- checks

void Cluster::check_nodes() {
    if (pick(16) != 0) {
        return;
    }
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        const std::string broken = nodes_[i].up ? nodes_[i].machine->node().health().broken : "";
        if (!broken.empty()) {
            fail("node " + std::to_string(i) + " is broken: " + broken);
        }
    }
}

/// What keeps the cluster from being well; empty if it is.
std::string Cluster::unsettled(std::optional<std::size_t> missing) {
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        if (i != missing && !serves(i)) {
            return "node " + std::to_string(i) + (nodes_[i].up ? " does not serve" : " is down");
        }
    }
    const std::size_t needed = nodes_count_ - (missing ? 1 : 0);
    std::optional<std::map<std::string, std::map<std::string, std::string>>> first;
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        if (i == missing) {
            continue;
        }
        Node& node = nodes_[i].machine->node();
        const ClusterInfo info = node.cluster();
        if (info.members.size() != nodes_count_) {
            return "node " + std::to_string(i) + " knows " + std::to_string(info.members.size())
                   + " members";
        }
        const std::size_t voters = voters_in(info);
        if (!missing && voters != nodes_count_) {
            return std::to_string(voters) + " nodes vote, as node " + std::to_string(i) + " knows";
        }
        if (std::string short_of = lacking_copies(info, needed); !short_of.empty()) {
            return short_of;
        }
        std::map<std::string, std::map<std::string, std::string>> all;
        for (const CollectionInfo& collection : node.collections()) {
            const auto snapshot = node.snapshot(collection.spec.name);
            if (!snapshot.ok()) {
                return "node " + std::to_string(i) + ": " + snapshot.error().message;
            }
            all[collection.spec.name] = documents_in(*snapshot.value());
        }
        if (first && *first != all) {
            return "node " + std::to_string(i) + " and those before it differ";
        }
        first = std::move(all);
    }
    return "";
}

void Cluster::check_end() {
    if (failed()) {
        return;
    }
    if (!calls_.empty()) {
        const Call& call = calls_.begin()->second;
        fail(
            "node " + std::to_string(call.node) + " never answered: " + call.what + ", asked at "
            + std::to_string(call.begin / 1'000'000) + " ms"
        );
        return;
    }
    for (const CollectionPtr& collection : collections_) {
        if (!collection->live) {
            continue;
        }
        const auto snapshot = nodes_[0].machine->node().snapshot(collection->name);
        if (!snapshot.ok()) {
            fail(collection->name + " is gone: " + snapshot.error().message);
            return;
        }
        auto there = documents_in(*snapshot.value());
        for (const DocumentPtr& document : collection->documents) {
            const auto found = there.find(document->id);
            const History::Value value =
                found == there.end() ? History::kInitial : value_in(*document, found->second);
            document->history.read(value, now(), now());
            there.erase(document->id);
        }
        if (!there.empty()) {
            fail("nobody wrote " + there.begin()->second);
        }
    }
    check_histories();
}

void Cluster::check_histories() {
    for (const CollectionPtr& collection : collections_) {
        if (may_forget(*collection)) {
            continue;
        }
        for (const DocumentPtr& document : collection->documents) {
            const std::string wrong = document->history.check();
            if (!wrong.empty()) {
                fail(
                    "no order explains " + document->id + ": " + wrong
                    + document->history.describe()
                );
                return;
            }
        }
    }
}

namespace {

std::string describe_copies(const ClusterInfo& info, const ClusterInfo::Shard& shard) {
    std::string out;
    for (const auto& copy : shard.copies) {
        for (const auto& member : info.members) {
            if (member.id == copy.node) {
                out.append(" ").append(member.name).append(copy.primary ? "*" : "");
                out.append(copy.in_sync ? "" : "-");
            }
        }
    }
    return out;
}

std::string describe_shards(Node& node, const ClusterInfo& info) {
    std::string out;
    for (const auto& shard : info.shards) {
        out += "; shard " + std::to_string(shard.id) + " (" + shard.collection + ") term "
               + std::to_string(shard.term) + ":" + describe_copies(info, shard);
        const auto snapshot = node.snapshot(shard.collection);
        out += snapshot.ok() ? " " + std::to_string(snapshot.value()->doc_count) + " documents"
                             : " " + snapshot.error().message;
    }
    return out;
}

std::string describe_node(Node& node) {
    const ClusterInfo info = node.cluster();
    const Health health = node.health();
    const char* leads = info.status.leads        ? ", leads"
                        : info.status.has_leader ? ""
                                                 : ", knows no leader";
    std::string out = info.status.serves ? " serves" : " does not serve";
    out += std::string(leads) + ", commit " + std::to_string(info.status.committed_index)
           + ", waiting " + std::to_string(info.status.queued_writes) + " " + health.resource_error
           + "; members";
    for (const auto& member : info.members) {
        out.append(" ").append(member.name).append(member.up ? "" : "(fenced)");
        out.append(member.votes ? "v" : "");
    }
    return out + describe_shards(node, info);
}

}  // namespace

/// Where everybody stands, for a failure's reader.
std::string Cluster::describe() {
    std::string out;
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        out += "\n    node " + std::to_string(i);
        out += nodes_[i].up ? describe_node(nodes_[i].machine->node()) : " is down";
    }
    return out;
}

}  // namespace kumo::node::sim
