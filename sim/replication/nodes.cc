#include "cluster/internal/mutant.h"
#include "replication/cluster.h"

#include <algorithm>
#include <utility>

namespace kumo::cluster::sim {

namespace {

constexpr std::int64_t kMillisecond = 1000;

}  // namespace

bool Cluster::awake(std::size_t i) const {
    return nodes_[i].up && now_ >= nodes_[i].paused_until;
}

std::int64_t Cluster::clock_of(const Node& node) const {
    return node.offset + static_cast<std::int64_t>(static_cast<double>(now_) * 1000.0 * node.rate);
}

MonotonicTime Cluster::monotonic(const Node& node) const {
    return MonotonicTime(std::chrono::nanoseconds(clock_of(node)));
}

bool Cluster::may_serve(std::size_t i) const {
    if (planted(Mutant::kNoLease)) {
        return true;
    }
    if (planted(Mutant::kLeaseAsFlag)) {
        return nodes_[i].lease_flag;
    }
    return clock_of(nodes_[i]) < nodes_[i].lease->deadline();
}

void Cluster::boot(std::size_t i) {
    Node& node = nodes_[i];
    node.up = true;
    node.paused_until = 0;
    node.boot = make_uuid(random_);
    node.in_its_place = random_.chance(1, 2);
    node.deaf_until = 0;
    node.incarnation = 0;
    node.lease = std::make_unique<Lease>(coordinator_options_.lease);
    node.lease_flag = false;
    node.coordinator = std::make_unique<Coordinator>(coordinator_options_);
    node.leads_term = 0;
    node.copies.clear();
    node.next_register = now_;
    node.next_beacon = now_;
    // What the disk knows of the control plane's state is old, but never newer than the truth.
    node.state = State();
    const std::size_t known = node.applied;
    node.applied = 0;
    while (node.applied < known) {
        apply_entry(node.state, control_log_[node.applied++]);
    }
}

void Cluster::crash(std::size_t i, bool power) {
    Node& node = nodes_[i];
    node.up = false;
    node.up_at = now_ + static_cast<Time>(random_.below(2500)) * kMillisecond;
    node.copies.clear();
    ++outcome_.crashes;
    outcome_.power_cuts += power ? 1U : 0U;
    for (auto& [shard, stored] : node.disk) {
        const Seq last = stored.log.empty() ? stored.base : stored.log.rbegin()->first;
        if (power && last > stored.synced) {
            const Seq kept = stored.synced + random_.below(last - stored.synced + 1);
            stored.log.erase(stored.log.upper_bound(kept), stored.log.end());
            stored.unclean = stored.unclean || (lazy_sync_ && kept < last);
        }
        stored.synced = stored.log.empty() ? stored.base : stored.log.rbegin()->first;
    }
    trace(i + (power ? 7000 : 6000));
}

/// One turn of a node's loop.
void Cluster::step(std::size_t i) {
    Node& node = nodes_[i];
    if (now_ < node.next_tick) {
        return;
    }
    node.next_tick = now_ + 10 * kMillisecond;
    const bool behind = node.applied < control_log_.size();
    const bool hears = control_leader_ && !cut_[*control_leader_][i] && awake(*control_leader_);
    if (behind && hears && now_ >= node.deaf_until && random_.chance(1, 2)) {
        adopt_state(i);
    }
    node.lease_flag = clock_of(node) < node.lease->deadline();
    beacon(i);
    if (node.leads_term != 0) {
        node.coordinator->tick(monotonic(node));
        drain_coordinator(i);
    }
    for (auto& [shard, copy] : node.copies) {
        copy.core->tick(monotonic(node));
        drain(i, shard);
        const bool may_store = random_.chance(1, 200) && copy.applied > node.disk[shard].base;
        if (may_store) {
            Stored& stored = node.disk[shard];
            const auto term = copy.core->log().term(copy.applied);
            if (term) {
                stored.base = copy.applied;
                stored.base_term = *term;
                stored.checkpoint = copy.list;
                stored.requests = copy.core->requests_until(stored.base);
                stored.log.erase(stored.log.begin(), stored.log.upper_bound(stored.base));
                copy.core->applied(stored.base);
            }
        }
    }
}

Register Cluster::registration(std::size_t i) const {
    const Node& node = nodes_[i];
    Register command;
    command.member.id = node.id;
    command.member.boot = node.boot;
    const Member* known = find_member(node.state, node.id);
    command.member.incarnation = known == nullptr ? kNoRunBefore : known->incarnation;
    command.previous_is_over = node.in_its_place;
    for (const auto& [shard, stored] : node.disk) {
        if (stored.unclean) {
            command.unclean.insert(stored.copy);
        }
    }
    return command;
}

void Cluster::beacon(std::size_t i) {
    Node& node = nodes_[i];
    const Member* member = find_member(node.state, node.id);
    const bool registered = member != nullptr && member->boot == node.boot;
    if (!registered && now_ >= node.next_register) {
        node.next_register = now_ + 300 * kMillisecond;
        const Register command = registration(i);
        propose(i, command);
        if (random_.chance(1, 3)) {
            propose(i, command);  // The answer was slow.
        }
    }
    if (registered && node.incarnation != member->incarnation) {
        node.incarnation = member->incarnation;
        node.lease->drop();
    }
    if (!registered || now_ < node.next_beacon) {
        return;
    }
    node.next_beacon = now_ + 250 * kMillisecond;
    const LeaseRequest request{node.id, node.incarnation, clock_of(node)};
    for (std::size_t j = 0; j < nodes_count_; ++j) {
        // Whoever believes to lead answers.
        send(i, j, Channel::kControl, [this, j, request] {
            Node& leader = nodes_[j];
            if (leader.leads_term == 0) {
                return;
            }
            leader.coordinator->on_request(request, monotonic(leader));
            drain_coordinator(j);
        });
    }
}

void Cluster::drain_coordinator(std::size_t i) {
    Node& node = nodes_[i];
    const CoordinatorOutput output = node.coordinator->take_output();
    const auto wait = [&](bool soon) {
        return soon ? 0 : static_cast<Time>(random_.below(250)) * kMillisecond;
    };
    for (const auto& round : output.rounds) {
        confirm_round(i, node.leads_term, round.context, wait(round.soon));
    }
    for (const Command& command : output.proposals) {
        // Only who leads can propose as the leader; others' are lost.
        if (control_leader_ == i && control_term_ == node.leads_term) {
            propose_as_leader(command);
        }
    }
    for (const auto& granted : output.grants) {
        at(now_ + wait(granted.soon), [this, i, granted] {
            if (!nodes_[i].up) {
                return;
            }
            const std::size_t j = index_of(granted.node);
            send(i, j, Channel::kControl, [this, j, grant = granted.grant] {
                Node& other = nodes_[j];
                other.lease->on_grant(grant, other.incarnation, clock_of(other));
            });
        });
    }
}

/// The committed commands up to now arrive; all of them, or some.
void Cluster::adopt_state(std::size_t i) {
    Node& node = nodes_[i];
    const bool leads = control_leader_ == i;
    std::size_t until = control_log_.size();
    if (!leads) {
        const Time lag = control_leader_ ? lag_[*control_leader_][i] : 0;
        while (until > node.applied && control_log_[until - 1].time > now_ - lag) {
            --until;
        }
        if (until <= node.applied) {
            return;
        }
        until = node.applied + 1 + random_.below(until - node.applied);
    }
    while (node.applied < until) {
        apply_entry(node.state, control_log_[node.applied++]);
    }
    node.lease->on_applied(node.applied);
    node.coordinator->on_state(std::make_shared<const State>(node.state), node.applied);
    reconcile(i);
}

void Cluster::reconcile(std::size_t i) {
    Node& node = nodes_[i];
    const Member* member = find_member(node.state, node.id);
    if (member == nullptr || member->boot != node.boot) {
        return;  // What the state says is about the run before.
    }
    node.incarnation = member->incarnation;
    for (const auto& [id, shard] : node.state.shards) {
        const auto wanted = shard->copies.find(node.id);
        if (wanted == shard->copies.end()) {
            continue;
        }
        const auto found = node.copies.find(id);
        if (found == node.copies.end() || found->second.core->copy() != wanted->second) {
            open_copy(i, id, wanted->second);
        }
        node.copies[id].core->on_state(*shard, node.incarnation);
        drain(i, id);
    }
}

void Cluster::open_copy(std::size_t i, ShardId shard, CopyId copy) {
    Node& node = nodes_[i];
    Stored& stored = node.disk[shard];
    if (stored.copy != copy) {
        stored = Stored();
        stored.copy = copy;
    }
    CopyLog log(stored.base, stored.base_term);
    for (const auto& [seq, entry] : stored.log) {
        log.append(entry);
    }
    CopyOptions options;
    options.node = node.id;
    options.in_sync_lag = in_sync_lag_;
    options.prepare_bytes_max = random_.chance(1, 2) ? 1 : 1024;
    options.tail_bytes_max = random_.chance(1, 2) ? 2000 : 100'000;
    Copy& opened = node.copies[shard];
    opened = Copy();
    opened.list = stored.checkpoint;
    opened.applied = stored.base;
    opened.written = log.last();
    opened.core =
        std::make_unique<ShardCopy>(options, shard, copy, std::move(log), stored.requests);
}

void Cluster::drain(std::size_t i, ShardId shard) {
    Node& node = nodes_[i];
    Copy& copy = node.copies[shard];
    if (!copy.core->has_output()) {
        return;
    }
    const CopyOutput output = copy.core->take_output();
    write_log(i, shard, output);
    check_role(i, shard);
    for (const auto& [to, message] : output.sends) {
        const std::size_t j = index_of(to);
        const std::string bytes = encode_message(message);
        send(i, j, Channel::kData, [this, i, j, shard, bytes] {
            const auto decoded = decode_message(bytes);
            if (!decoded.ok()) {
                fail("a message did not survive its bytes");
                return;
            }
            const auto found = nodes_[j].copies.find(shard);
            if (found != nodes_[j].copies.end()) {
                found->second.core->receive(node_id(i), decoded.value());
                drain(j, shard);
            }
        });
    }
    for (const Command& command : output.proposals) {
        watch_proposal(i, shard, command);
        propose(i, command);
        if (random_.chance(1, 10)) {
            at(now_ + static_cast<Time>(random_.below(2000)) * kMillisecond,
               [this, i, command] { propose(i, command); });
        }
    }
    for (const NodeId& to : output.installs) {
        install(i, shard, to);
    }
    for (const EntryPtr& entry : output.committed) {
        apply(i, shard, entry);
    }
    finish_strict_reads(i, shard, output);
    if (output.lost_role) {
        copy.waiting.clear();
    }
    outcome_.lost += output.lost ? 1U : 0U;
}

/// What attacks and counts want to know of.
void Cluster::watch_proposal(std::size_t i, ShardId shard, const Command& command) {
    if (const auto* set = std::get_if<ProposeInSync>(&command)) {
        const bool grows = !set->added.empty();
        (grows ? outcome_.expands : outcome_.shrinks) += 1;
        if (grows) {
            on_expand_proposed(i, shard);
        }
    }
    if (const auto* report = std::get_if<ReportLog>(&command)) {
        on_log_reported(*report);
    }
    if (std::holds_alternative<CompleteHandover>(command)) {
        on_handover_proposed(i, shard);
    }
}

void Cluster::write_log(std::size_t i, ShardId shard, const CopyOutput& output) {
    Stored& stored = nodes_[i].disk[shard];
    Copy& copy = nodes_[i].copies[shard];
    if (output.cut) {
        stored.log.erase(stored.log.lower_bound(*output.cut), stored.log.end());
        stored.synced = std::min(stored.synced, *output.cut - 1);
        copy.syncing = std::min(copy.syncing, *output.cut - 1);
    }
    for (const EntryPtr& entry : output.appends) {
        stored.log[entry->seq] = entry;
    }
    copy.written = stored.log.empty() ? stored.base : stored.log.rbegin()->first;
    sync_log(i, shard);
}

void Cluster::sync_log(std::size_t i, ShardId shard) {
    Stored& stored = nodes_[i].disk[shard];
    Copy& copy = nodes_[i].copies[shard];
    if (lazy_sync_ && copy.written > copy.syncing) {
        // Written is good enough to be acknowledged; the sync comes in its own time.
        copy.syncing = copy.written;
        at(now_, [this, i, shard, boot = nodes_[i].boot, seq = copy.written] {
            const auto found = nodes_[i].copies.find(shard);
            if (nodes_[i].up && nodes_[i].boot == boot && found != nodes_[i].copies.end()) {
                found->second.core->persisted(std::min(seq, found->second.written));
                drain(i, shard);
            }
        });
        if (random_.chance(1, 10)) {
            stored.synced = copy.written;
        }
        return;
    }
    if (lazy_sync_ || copy.sync_at != 0 || copy.written <= stored.synced) {
        return;
    }
    const Time took = static_cast<Time>(random_.below(nodes_[i].slow_disk ? 600 : 8) + 1);
    copy.sync_at = now_ + took * kMillisecond;
    copy.syncing = copy.written;
    at(copy.sync_at, [this, i, shard, boot = nodes_[i].boot, id = stored.copy] {
        Node& node = nodes_[i];
        const auto found = node.copies.find(shard);
        if (!node.up || node.boot != boot || found == node.copies.end()
            || found->second.core->copy() != id) {
            return;
        }
        Copy& same = found->second;
        same.sync_at = 0;
        Stored& disk = node.disk[shard];
        disk.synced = std::max(disk.synced, same.syncing);
        same.core->persisted(same.syncing);
        drain(i, shard);
        sync_log(i, shard);
    });
}

void Cluster::apply(std::size_t i, ShardId shard, const EntryPtr& entry) {
    Copy& copy = nodes_[i].copies[shard];
    if (entry->seq != copy.applied + 1) {
        fail("operations are applied out of order");
        return;
    }
    copy.applied = entry->seq;
    if (entry->seq > copy.core->committed()) {
        fail("an operation is applied that is not committed");
        return;
    }
    const auto [known, is_new] = history_.try_emplace({shard, entry->seq}, entry);
    if (!is_new && mode_ != AckMode::kAsync && !(*known->second == *entry)) {
        fail(
            "what was committed at " + std::to_string(entry->seq) + " has changed at node "
            + std::to_string(i) + ": term " + std::to_string(entry->term) + " for "
            + std::to_string(known->second->term) + describe()
        );
        return;
    }
    if (entry->no_op) {
        return;
    }
    copy.list.push_back(entry->request.number);
    List& committed = committed_[shard];
    if (committed.size() < copy.list.size()) {
        committed.push_back(entry->request.number);
    }
    const auto waiting = copy.waiting.find(entry->request);
    if (waiting != copy.waiting.end() && copy.core->is_primary()) {
        copy.waiting.erase(waiting);
        acknowledge(requests_[entry->request.number], copy, entry->seq);
    }
    trace(entry->seq + (static_cast<std::uint64_t>(shard) << 32U) + (i << 56U));
}

void Cluster::install(std::size_t from, ShardId shard, const NodeId& to) {
    ++outcome_.installs;
    Copy& copy = nodes_[from].copies[shard];
    const auto term = copy.core->log().term(copy.applied);
    const std::size_t j = index_of(to);
    const CopyId wanted =
        copy.core->view().copies.contains(to) ? copy.core->view().copies.at(to) : CopyId{};
    const Seq seq = copy.applied;
    const Uuid boot = nodes_[from].boot;
    const auto done = [this, from, shard, to, wanted, seq, boot](bool delivered) {
        const auto found = nodes_[from].copies.find(shard);
        if (nodes_[from].up && nodes_[from].boot == boot && found != nodes_[from].copies.end()) {
            found->second.core->install_done(to, wanted, seq, delivered);
            drain(from, shard);
        }
    };
    if (!term) {
        at(now_ + 20 * kMillisecond, [done] { done(false); });
        return;
    }
    const auto arrived = std::make_shared<bool>(false);
    const Time took = static_cast<Time>(random_.below(300)) * kMillisecond;
    at(now_ + took,
       [this,
        from,
        j,
        shard,
        wanted,
        seq,
        term,
        list = copy.list,
        requests = copy.core->requests_until(seq),
        arrived] {
           send(
               from,
               j,
               Channel::kData,
               [this, j, shard, wanted, seq, term, list, requests, arrived] {
                   Node& node = nodes_[j];
                   const auto found = node.copies.find(shard);
                   if (found == node.copies.end() || found->second.core->copy() != wanted
                       || found->second.core->committed() >= seq) {
                       return;
                   }
                   Stored stored;
                   stored.copy = wanted;
                   stored.base = seq;
                   stored.base_term = *term;
                   stored.synced = seq;
                   stored.checkpoint = list;
                   stored.requests = requests;
                   node.disk[shard] = stored;
                   open_copy(j, shard, wanted);
                   reconcile(j);
                   *arrived = true;
               }
           );
       });
    at(now_ + took + 400 * kMillisecond, [done, arrived] { done(*arrived); });
}

void Cluster::check_role(std::size_t i, ShardId shard) {
    const ShardCopy& core = *nodes_[i].copies[shard].core;
    if (!core.is_primary()) {
        return;
    }
    const auto [found, is_new] = primaries_.try_emplace({shard, core.term()}, nodes_[i].id);
    outcome_.promotions += is_new ? 1U : 0U;
    if (!is_new && found->second != nodes_[i].id) {
        fail("two primaries in term " + std::to_string(core.term()));
    }
}

}  // namespace kumo::cluster::sim
