#include "consensus/cluster.h"

#include "consensus/internal/mutant.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace kumo::consensus {

#ifdef KUMO_CONSENSUS_MUTANTS
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): as in internal/mutant.h
Mutant planted_mutant = Mutant::kNone;
#endif

}  // namespace kumo::consensus

namespace kumo::consensus::sim {

namespace {

constexpr std::int64_t kFaultyTime = 20'000;
constexpr std::int64_t kCalmTime = 20'000;
constexpr std::int64_t kStep = 10;

NodeId node_id(std::size_t i) {
    NodeId id;
    id.bytes[15] = static_cast<std::uint8_t>(i + 1);
    return id;
}

std::string text(const Epoch& epoch) {
    return std::to_string(epoch.number);
}

}  // namespace

Cluster::Cluster(std::uint64_t seed) : random_(seed), nodes_(kNodes) {
    SnapshotMeta first;
    first.index = 1;
    first.term = 1;
    first.epoch = Epoch{1, node_id(100)};
    const std::size_t voters = random_.chance(1, 4) ? 1 : 3;
    figure_eight_ = random_.chance(1, 5);
    ambush_percent_ = figure_eight_ ? 80 : random_.chance(1, 2) ? random_.below(50) : 0;
    crash_writing_percent_ = random_.chance(1, 2) ? random_.below(4) : 0;
    changes_per_mille_ = random_.chance(1, 2) ? 7 : random_.below(50);
    may_force_ = random_.chance(1, 4);
    tick_interval_ = random_.chance(1, 2) ? kStep : 5 * kStep;
    for (std::size_t i = 0; i < voters; ++i) {
        first.configuration.voters.insert(node_id(i));
    }
    newest_epoch_ = first.epoch;
    for (std::size_t i = 0; i < kNodes; ++i) {
        nodes_[i].id = node_id(i);
        if (i < voters) {
            nodes_[i].disk.format({first, {}}, HardState{first.epoch, 1, {}, false});
        }
        start(i);
    }
}

Outcome Cluster::run() {
    while (outcome_.failure.empty() && now_ < kFaultyTime) {
        step_time();
    }
    if (!outcome_.failure.empty()) {
        return outcome_;
    }
    heal();
    bool settled = false;
    while (outcome_.failure.empty() && !settled && now_ < kFaultyTime + kCalmTime) {
        step_time();
        settled = is_settled();
    }
    if (outcome_.failure.empty() && !settled) {
        fail("no progress after everything was well again" + describe());
    }
    return outcome_;
}

void Cluster::fail(const std::string& what) {
    if (outcome_.failure.empty()) {
        outcome_.failure = what + " at " + std::to_string(now_) + " ms";
    }
}

/// Where everybody stands, for a failure's reader.
std::string Cluster::describe() const {
    std::string all;
    for (std::size_t i = 0; i < kNodes; ++i) {
        const Raft* raft = nodes_[i].raft.get();
        all += "\n    node " + std::to_string(i) + ": ";
        if (raft == nullptr) {
            all += "down";
            continue;
        }
        all += raft->is_leader() ? "leads" : "follows";
        all += ", epoch " + text(raft->epoch()) + (raft->is_superseded() ? " superseded" : "");
        all += ", term " + std::to_string(raft->term());
        all += ", commit " + std::to_string(raft->commit_index()) + " of "
               + std::to_string(raft->last_index());
        all += ", applied " + std::to_string(nodes_[i].applied);
        all += " (" + std::to_string(nodes_[i].state.size()) + " commands)";
        all += ", snapshot " + std::to_string(raft->snapshot().index);
        all += raft->configuration().is_joint() ? ", joint" : "";
        all += ", voters";
        for (const NodeId& voter : raft->configuration().voters) {
            all += " " + std::to_string(index_of(voter));
        }
    }
    return all + "\n   ";
}

void Cluster::trace(std::uint64_t value) {
    outcome_.trace = (outcome_.trace ^ value) * 0x9E3779B97F4A7C15ULL;
    outcome_.trace ^= outcome_.trace >> 29U;
}

Duration Cluster::jitter() {
    return std::chrono::milliseconds(random_.below(500));
}

std::size_t Cluster::index_of(const NodeId& id) const {
    return static_cast<std::size_t>(id.bytes[15]) - 1;
}

std::optional<std::size_t> Cluster::leader() const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < kNodes; ++i) {
        const Raft* raft = nodes_[i].raft.get();
        const bool newer =
            !found || (raft != nullptr && nodes_[*found].raft->term() < raft->term());
        if (raft != nullptr && raft->is_leader() && raft->epoch() == newest_epoch_ && newer) {
            found = i;
        }
    }
    return found;
}

// ---- nodes

void Cluster::start(std::size_t i) {
    Node& node = nodes_[i];
    RaftOptions options;
    options.id = node.id;
    constexpr std::size_t kAppendBytes[] = {1, 200, 4096};
    options.append_bytes_max = kAppendBytes[figure_eight_ ? 0 : random_.below(3)];
    options.appends_in_flight_max = 1 + random_.below(4);
    const StoredSnapshot& stored = node.disk.snapshot();
    node.state = stored.state;
    node.applied = stored.meta.index;
    node.snapshots = {{stored.meta.index, stored.state}};
    node.sync_at = 0;
    node.crash_at = 0;
    node.writing = 0;
    node.after.clear();
    node.was_leader = false;
    node.started_at = now_;
    node.ticked_at = now_;
    node.raft = std::make_unique<Raft>(
        options,
        node.disk.hard_state(),
        stored.meta,
        node.disk.entries(),
        jitter()
    );
}

void Cluster::crash(std::size_t i) {
    Node& node = nodes_[i];
    node.raft.reset();
    node.disk.crash(random_);
    node.up_at = now_ + static_cast<Time>(random_.below(figure_eight_ ? 300 : 1500));
    for (std::size_t j = 0; j < kNodes && figure_eight_; ++j) {
        cut_[i][j] = false;
    }
    ++outcome_.crashes;
    trace(i + 1000);
}

void Cluster::step_time() {
    now_ += kStep;
    if (!calm_) {
        inject_faults();
    }
    deliver();
    for (std::size_t i = 0; i < kNodes && outcome_.failure.empty(); ++i) {
        Node& node = nodes_[i];
        if (node.raft == nullptr) {
            if (now_ >= node.up_at) {
                start(i);
            }
            continue;
        }
        if (now_ < node.paused_until) {
            continue;
        }
        finish_sync(i);
        if (now_ - node.ticked_at >= tick_interval_) {
            node.raft->tick(std::chrono::milliseconds(now_ - node.ticked_at), jitter());
            node.ticked_at = now_;
        }
        use(i);
        drain(i);
    }
    operate();
    insist();
}

void Cluster::inject_faults() {
    for (std::size_t i = 0; i < kNodes; ++i) {
        Node& node = nodes_[i];
        if (node.raft != nullptr && node.crash_at != 0 && now_ >= node.crash_at) {
            crash(i);
        }
    }
    if (random_.chance(1, 150)) {
        const std::size_t i = random_.below(kNodes);
        if (nodes_[i].raft != nullptr) {
            crash(i);
        }
    }
    if (random_.chance(1, 1500)) {
        for (std::size_t i = 0; i < kNodes; ++i) {
            if (nodes_[i].raft != nullptr) {
                crash(i);
            }
        }
    }
    if (random_.chance(1, 120)) {
        disturb_leader();
    }
    if (random_.chance(1, 300)) {
        nodes_[random_.below(kNodes)].paused_until = now_ + static_cast<Time>(random_.below(3000));
    }
    if (random_.chance(1, 100)) {
        cut_[random_.below(kNodes)][random_.below(kNodes)] = true;
    }
    if (random_.chance(1, 200)) {
        const std::size_t i = random_.below(kNodes);
        for (std::size_t j = 0; j < kNodes; ++j) {
            cut_[i][j] = cut_[j][i] = true;
        }
    }
    if (random_.chance(1, 120)) {
        for (auto& row : cut_) {
            std::fill(std::begin(row), std::end(row), false);
        }
    }
    if (random_.chance(1, 200)) {
        loss_percent_ = random_.chance(1, 2) ? 0 : random_.below(30);
        nodes_[random_.below(kNodes)].slow_disk = random_.chance(1, 2);
    }
}

/// A leader with entries that only some others have is where the rules are put to the test.
void Cluster::disturb_leader() {
    const auto lead = leader();
    if (!lead) {
        return;
    }
    const std::uint64_t what = random_.below(3);
    if (what == 0) {
        crash(*lead);
        return;
    }
    // It goes on talking to one other at most.
    const std::size_t friend_of_it = random_.below(kNodes);
    for (std::size_t j = 0; j < kNodes; ++j) {
        const bool still = j == friend_of_it && what == 1;
        cut_[*lead][j] = cut_[j][*lead] = !still;
    }
    if (random_.chance(1, 2)) {
        change_members(nodes_[*lead]);
    }
}

/// A leader that nobody hears any more, or one at most, and that stops soon after it had the time
/// to write: what it leaves on its disk competes with what others commit (Raft, figure 8). Most
/// telling for one that has just been elected, or has just told its users of a commit.
void Cluster::ambush(Node& leader) {
    if (calm_ || !random_.chance(ambush_percent_, 100)) {
        return;
    }
    if (random_.chance(1, 2)) {
        const std::size_t from = index_of(leader.id);
        const std::size_t friend_of_it = random_.below(2 * kNodes);
        for (std::size_t j = 0; j < kNodes; ++j) {
            cut_[from][j] = j != friend_of_it;
        }
    }
    plan_crash(leader, 100);
}

void Cluster::plan_crash(Node& node, Time within) {
    if (node.crash_at == 0) {
        node.crash_at =
            now_ + 1 + static_cast<Time>(random_.below(static_cast<std::uint64_t>(within)));
    }
}

void Cluster::heal() {
    calm_ = true;
    loss_percent_ = 0;
    for (auto& row : cut_) {
        std::fill(std::begin(row), std::end(row), false);
    }
    for (Node& node : nodes_) {
        node.paused_until = 0;
        node.crash_at = 0;
        node.slow_disk = false;
        node.up_at = std::min(node.up_at, now_);
    }
}

/// A leader that has applied a command of its own time, and members that all follow.
bool Cluster::is_settled() {
    const auto lead = leader();
    if (!lead) {
        return false;
    }
    const Raft& raft = *nodes_[*lead].raft;
    if (!raft.is_ready_leader() || !raft.is_configuration_committed()
        || raft.configuration().is_joint()) {
        return false;
    }
    const std::set<NodeId> members = raft.configuration().members();
    return std::all_of(members.begin(), members.end(), [&](const NodeId& id) {
        const Node& node = nodes_[index_of(id)];
        return node.raft != nullptr && node.raft->epoch() == raft.epoch()
               && node.state == nodes_[*lead].state && node.applied + 2 >= raft.commit_index()
               && node.applied > 1;
    });
}

// ---- what operators and users do

void Cluster::operate() {
    const auto lead = leader();
    if (!lead || nodes_[*lead].paused_until > now_) {
        return;
    }
    Node& node = nodes_[*lead];
    if (!calm_ && random_.chance(changes_per_mille_, 1000)) {
        change_members(node);
    }
    if (!calm_ && random_.chance(1, 300)) {
        (void)node.raft->transfer(node_id(random_.below(kNodes)));
    }
    drain(*lead);
    if (!calm_ && !forced_node_ && may_force_ && random_.chance(1, 500)) {
        force(random_.below(kNodes));
    }
}

void Cluster::change_members(Node& leader) {
    std::set<NodeId> voters;
    std::set<NodeId> learners;
    const std::size_t wanted = 1 + (2 * random_.below(3));
    for (std::size_t i = 0; i < kNodes; ++i) {
        const auto known = leader.raft->progress().find(node_id(i));
        const bool ready = known != leader.raft->progress().end() && known->second.match > 0;
        const bool votes = random_.below(kNodes) < wanted;
        (votes && (ready || random_.chance(1, 20)) ? voters : learners).insert(node_id(i));
    }
    if (leader.raft->propose_configuration(voters, learners).ok()) {
        ++outcome_.changes;
    }
}

/// The operator's file still says so: what a crash has cut short begins again.
void Cluster::insist() {
    if (!forced_node_ || force_is_done_) {
        return;
    }
    const Node& node = nodes_[*forced_node_];
    if (node.raft == nullptr) {
        return;
    }
    const bool begun = node.raft->epoch() == newest_epoch_;
    force_is_done_ = begun && node.raft->is_ready_leader();
    const bool under_way = begun && node.started_at <= forced_at_;
    if (!force_is_done_ && !under_way) {
        force(*forced_node_);
    }
}

/// The group is given up but for one node.
void Cluster::force(std::size_t i) {
    Node& node = nodes_[i];
    if (node.raft == nullptr || node.applied == 0 || node.raft->is_superseded()
        || !node.raft->configuration().is_member(node.id)) {
        return;
    }
    node.raft->force_single(node_id(100 + ++forces_));
    forced_node_ = i;
    newest_epoch_ = node.raft->epoch();
    acknowledged_[newest_epoch_] = 0;
    ++outcome_.forced;
    forced_at_ = now_;
    trace(i + 5000);
    drain(i);
}

void Cluster::use(std::size_t i) {
    Node& node = nodes_[i];
    const bool busy = now_ < kFaultyTime + kCalmTime / 2;
    if (busy && random_.chance(1, 20) && node.raft->is_leader()) {
        (void)node.raft->propose(std::to_string(next_command_++));
    }
    // Requests have waited for who was paused.
    const bool woke = node.paused_until != 0 && now_ - kStep < node.paused_until;
    if ((woke || random_.chance(1, 20)) && node.raft->is_leader()) {
        const std::uint64_t context = next_read_++;
        reads_[context] =
            {node.raft->epoch(), acknowledged_[node.raft->epoch()], i, node.raft->term(), now_};
        if (!node.raft->read_index(context, random_.chance(1, 2)).ok()) {
            reads_.erase(context);
        }
    }
    const Index compacted = node.raft->snapshot().index;
    const bool due =
        node.applied >= compacted + 20 || node.raft->snapshot().epoch < node.raft->epoch();
    if (due && node.applied > compacted && random_.chance(1, 10)
        && node.raft->commit_index() >= node.applied
        && (node.raft->snapshot().epoch == node.raft->epoch() || node.raft->is_ready_leader())) {
        node.raft->compact(node.applied);
        node.snapshots.insert_or_assign(node.applied, node.state);
        while (node.snapshots.size() > 3) {
            node.snapshots.erase(node.snapshots.begin());
        }
        node.disk.write_snapshot({node.raft->snapshot(), node.state});
        ++outcome_.snapshots;
    }
}

// ---- the network

void Cluster::send(Node& from, const Message& message) {
    const std::size_t to = index_of(message.to);
    Delivery delivery{message, std::nullopt};
    const bool lost = random_.below(100) < loss_percent_;
    if (message.type == MessageType::kSnapshot) {
        const auto state = from.snapshots.find(message.snapshot.index);
        const bool sent = state != from.snapshots.end() && !lost;
        if (sent) {
            delivery.state = state->second;
        }
        from.raft->snapshot_done(message.to, sent);
        if (!sent) {
            return;
        }
    }
    if (lost) {
        return;
    }
    const auto delay = [this] {
        const bool late = random_.chance(1, 50);
        return static_cast<Time>(random_.below(late ? 800 : 30));
    };
    if (random_.chance(1, 50)) {
        network_.emplace(now_ + delay(), delivery);
    }
    (void)to;
    network_.emplace(now_ + delay(), std::move(delivery));
}

void Cluster::deliver() {
    while (!network_.empty() && network_.begin()->first <= now_) {
        const Delivery delivery = std::move(network_.begin()->second);
        network_.erase(network_.begin());
        const std::size_t from = index_of(delivery.message.from);
        const std::size_t to = index_of(delivery.message.to);
        Node& node = nodes_[to];
        if (cut_[from][to] || node.raft == nullptr) {
            continue;
        }
        if (now_ < node.paused_until) {
            network_.emplace(node.paused_until + 1, delivery);
            continue;
        }
        const SnapshotMeta before = node.raft->snapshot();
        node.raft->step(delivery.message);
        if (delivery.state && node.raft->snapshot() != before) {
            node.state = *delivery.state;
            node.applied = delivery.message.snapshot.index;
            node.snapshots = {{node.applied, node.state}};
        }
        drain(to);
    }
}

// ---- what the cores want done

void Cluster::finish_sync(std::size_t i) {
    Node& node = nodes_[i];
    if (node.sync_at == 0 || now_ < node.sync_at) {
        return;
    }
    node.sync_at = 0;
    node.disk.sync(node.writing);
    std::vector<Message> messages;
    for (auto& [sequence, batch] : node.after) {
        messages.insert(messages.end(), batch.begin(), batch.end());
    }
    node.after.clear();
    for (const Message& message : messages) {
        send(node, message);
    }
    node.raft->persisted(node.writing);
    drain(i);
}

void Cluster::drain(std::size_t i) {
    Node& node = nodes_[i];
    // While the disk is busy nothing more is taken, except by chance: several Readys in flight.
    if (node.sync_at != 0 && !random_.chance(1, 4)) {
        return;
    }
    while (node.raft->has_ready() && outcome_.failure.empty()) {
        Ready ready = node.raft->take_ready();
        node.disk.write(ready, node.state);
        node.writing = ready.sequence;
        if (node.sync_at == 0) {
            node.sync_at = now_ + 1 + static_cast<Time>(random_.below(node.slow_disk ? 400 : 15));
        }
        const std::uint64_t worth = ready.snapshot ? 20 : 1;
        if (!calm_ && random_.below(100) < crash_writing_percent_ * worth) {
            plan_crash(node, 20);
        }
        if (!ready.lost_data.empty()) {
            fail("a node is said to have lost what it had acknowledged" + describe());
        }
        node.after.emplace_back(ready.sequence, std::move(ready.messages_after_persist));
        for (const Message& message : ready.messages) {
            send(node, message);
        }
        for (const Entry& entry : ready.committed) {
            apply(i, entry);
        }
        for (const ReadState& read : ready.reads) {
            answer_read(i, read);
        }
        check_leader(i);
        check_matching(*node.raft, ready);
    }
}

void Cluster::apply(std::size_t i, const Entry& entry) {
    Node& node = nodes_[i];
    if (entry.index != node.applied + 1) {
        fail("entries are applied out of order");
        return;
    }
    node.applied = entry.index;
    if (entry.type == EntryType::kCommand) {
        node.state.push_back(std::stoull(entry.data));
    }
    auto& committed = committed_[node.raft->epoch()];
    const auto [found, is_new] =
        committed.try_emplace(entry.index, Committed{entry, node.raft->term()});
    outcome_.commits += is_new ? 1U : 0U;
    if (is_new && node.raft->is_leader() && random_.chance(1, figure_eight_ ? 1 : 3)) {
        ambush(node);
    }
    if (!is_new && !(found->second.entry == entry)) {
        fail("two nodes applied different entries at " + std::to_string(entry.index));
    }
    // Whoever proposed it is told now.
    if (node.raft->is_leader()) {
        Index& acknowledged = acknowledged_[node.raft->epoch()];
        acknowledged = std::max(acknowledged, entry.index);
    }
    trace(entry.index + (i << 40U) + (entry.term << 20U));
}

void Cluster::answer_read(std::size_t i, const ReadState& read) {
    const auto found = reads_.find(read.context);
    if (found == reads_.end() || found->second.node != i) {
        return;
    }
    ++outcome_.reads;
    if (found->second.epoch == nodes_[i].raft->epoch() && read.index < found->second.acknowledged) {
        fail("a read misses what was acknowledged before it");
    }
    const Read& asked = found->second;
    Time& last = rounds_[asked.epoch][asked.term];
    last = std::max(last, asked.asked_at);
    for (const auto& [term, since] : quiet_since_[asked.epoch]) {
        check_quiet(asked.epoch, term, asked.term < term ? asked.asked_at : 0);
    }
    reads_.erase(found);
}

void Cluster::check_leader(std::size_t i) {
    Node& node = nodes_[i];
    const bool leads = node.raft->is_leader();
    if (leads && !node.was_leader) {
        ++outcome_.elections;
        ambush(node);
        const auto key = std::pair(node.raft->epoch(), node.raft->term());
        const auto [found, is_new] = leaders_.try_emplace(key, node.id);
        if (!is_new && found->second != node.id) {
            fail(
                "two leaders in epoch " + text(key.first) + ", term " + std::to_string(key.second)
            );
        }
        check_completeness(*node.raft);
        const auto quiet =
            std::chrono::duration_cast<std::chrono::milliseconds>(node.raft->quiet_before_election()
            );
        quiet_since_[key.first][key.second] = now_ - quiet.count();
        for (const auto& [term, began_at] : rounds_[key.first]) {
            check_quiet(key.first, key.second, term < key.second ? began_at : 0);
        }
    }
    node.was_leader = leads;
}

/// What leaders of earlier terms have granted began before the voters were quiet.
void Cluster::check_quiet(const Epoch& epoch, Term term, Time round_began_at) {
    const Time since = quiet_since_[epoch][term];
    if (round_began_at > since) {
        fail(
            "a leader of term " + std::to_string(term) + " says that nobody led after "
            + std::to_string(since) + " ms, but a round began at " + std::to_string(round_began_at)
            + describe()
        );
    }
}

/// What was committed in earlier terms is in the log of every leader (Raft, 5.4.3).
void Cluster::check_completeness(const Raft& leader) {
    for (const auto& [index, known] : committed_[leader.epoch()]) {
        if (known.term >= leader.term() || index < leader.snapshot().index) {
            continue;
        }
        if (leader.term_at(index) != known.entry.term) {
            fail("a leader lacks what was committed at " + std::to_string(index) + describe());
            return;
        }
    }
}

/// What is at a place of a term is the same wherever it ever was written (Raft, 5.3).
void Cluster::check_matching(const Raft& raft, const Ready& ready) {
    for (const Entry& entry : ready.entries) {
        const LastEntry key(raft.epoch(), entry.index, entry.term);
        const std::size_t hash = std::hash<std::string>()(entry.data);
        if (entries_.try_emplace(key, hash).first->second != hash) {
            fail("two entries of one term at " + std::to_string(entry.index) + describe());
        }
    }
    const Index last = raft.last_index();
    const LastEntry key(raft.epoch(), last, raft.term_at(last).value_or(0));
    const auto [found, is_new] = configurations_.try_emplace(key, raft.configuration());
    if (!is_new && found->second != raft.configuration()) {
        fail("equal logs with different members, at " + std::to_string(last) + describe());
    }
}

}  // namespace kumo::consensus::sim
