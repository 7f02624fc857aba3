#include "cluster/internal/mutant.h"
#include "replication/cluster.h"

#include <algorithm>
#include <string>
#include <utility>

// What must hold at every moment, in what a client sees and inside; and what must hold at the end.

namespace kumo::cluster::sim {

namespace {

constexpr std::int64_t kMillisecond = 1000;

}  // namespace

void Cluster::read_everything(std::size_t i) {
    for (const ShardId shard : shards_) {
        read(i, shard);
    }
}

/// At a primary with a lease: everything acknowledged before is there, and nothing that is not
/// committed.
void Cluster::read(std::size_t i, ShardId shard) {
    const auto found = nodes_[i].copies.find(shard);
    if (found == nodes_[i].copies.end()) {
        return;
    }
    const Copy& copy = found->second;
    if (mode_ == AckMode::kAsync) {
        return;  // What is shown may be lost later: that is what it promises.
    }
    const List& committed = committed_[shard];
    const bool is_prefix = copy.list.size() <= committed.size()
                           && std::equal(copy.list.begin(), copy.list.end(), committed.begin());
    if (!is_prefix) {
        fail("a copy shows what is not committed");
        return;
    }
    if (copy.core->role() != CopyRole::kActive || !may_serve(i)) {
        return;
    }
    ++outcome_.reads;
    if (copy.list.size() < acknowledged_until_[shard].first) {
        fail("a read at node " + std::to_string(i) + " misses what was acknowledged" + describe());
    }
}

void Cluster::check_read(std::size_t i, const Copy& copy, std::size_t needed, const char* kind) {
    if (mode_ != AckMode::kAsync && copy.list.size() < needed) {
        fail(
            std::string(kind) + " read at node " + std::to_string(i)
            + " misses what was acknowledged" + describe()
        );
    }
}

void Cluster::read_elsewhere(std::size_t i) {
    for (const ShardId shard : shards_) {
        const auto found = nodes_[i].copies.find(shard);
        if (found == nodes_[i].copies.end() || !random_.chance(1, 4)) {
            continue;
        }
        if (found->second.core->role() == CopyRole::kActive) {
            read_strictly(i, shard);
        } else {
            read_at_replica(i, shard);
        }
    }
}

/// Asks whom it takes for the primary how much is committed, and waits until that is here.
void Cluster::read_at_replica(std::size_t i, ShardId shard) {
    const NodeId primary = nodes_[i].copies.at(shard).core->view().primary;
    const std::size_t needed = acknowledged_until_[shard].first;
    if (primary.is_nil() || primary == nodes_[i].id) {
        return;
    }
    const std::size_t p = index_of(primary);
    send(i, p, Channel::kData, [this, i, p, shard, needed] {
        const auto found = nodes_[p].copies.find(shard);
        if (found == nodes_[p].copies.end() || found->second.core->role() != CopyRole::kActive
            || (!may_serve(p) && !planted(Mutant::kReadIndexWithoutLease))) {
            return;
        }
        const Seq index = found->second.core->committed();
        send(p, i, Channel::kData, [this, i, shard, index, needed] {
            finish_replica_read(i, shard, index, needed, 40);
        });
    });
}

void Cluster::finish_replica_read(
    std::size_t i,
    ShardId shard,
    Seq index,
    std::size_t needed,
    int tries
) {
    const auto found = nodes_[i].copies.find(shard);
    if (found == nodes_[i].copies.end() || !awake(i)) {
        return;
    }
    if (found->second.applied >= index) {
        ++outcome_.replica_reads;
        check_read(i, found->second, needed, "a replica's");
    } else if (tries > 0) {
        at(now_ + 10 * kMillisecond, [this, i, shard, index, needed, tries, boot = nodes_[i].boot] {
            if (nodes_[i].boot == boot) {
                finish_replica_read(i, shard, index, needed, tries - 1);
            }
        });
    }
}

void Cluster::read_strictly(std::size_t i, ShardId shard) {
    Copy& copy = nodes_[i].copies.at(shard);
    const auto number = copy.core->begin_strict_read();
    if (number.ok()) {
        copy.strict[number.value()] = acknowledged_until_[shard].first;
        drain(i, shard);
    }
}

void Cluster::finish_strict_reads(std::size_t i, ShardId shard, const CopyOutput& output) {
    Copy& copy = nodes_[i].copies.at(shard);
    for (const StrictRead& read : output.reads) {
        const auto found = copy.strict.find(read.number);
        if (found == copy.strict.end()) {
            fail("a read ends that did not begin");
            return;
        }
        if (read.seq && copy.applied >= *read.seq) {
            ++outcome_.strict_reads;
            check_read(i, copy, found->second, "a strict");
        }
        copy.strict.erase(found);
    }
}

void Cluster::check_invariants() {
    for (const ShardId shard : shards_) {
        check_serving(shard);
        check_in_sync(shard);
    }
}

/// Two that serve at one time would answer differently sooner or later.
void Cluster::check_serving(ShardId shard) {
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < nodes_count_; ++i) {
        const auto copy = nodes_[i].copies.find(shard);
        if (!awake(i) || copy == nodes_[i].copies.end()
            || copy->second.core->role() != CopyRole::kActive || !may_serve(i)) {
            continue;
        }
        if (first) {
            fail(
                "nodes " + std::to_string(*first) + " and " + std::to_string(i)
                + " serve one shard at the same time" + describe()
            );
            return;
        }
        first = i;
    }
}

/// Whoever is in sync may be primary at any moment. What a power cut took is known to be missing.
void Cluster::check_in_sync(ShardId shard) {
    const Shard& known = *find_shard(control_state_, shard);
    const Seq needed = acknowledged_until_[shard].second;
    if (mode_ == AckMode::kAsync || needed == 0) {
        return;
    }
    if (mode_ == AckMode::kMajority) {
        check_majority(known, needed);
        return;
    }
    for (const NodeId& id : known.in_sync) {
        const auto found = nodes_[index_of(id)].disk.find(shard);
        if (found == nodes_[index_of(id)].disk.end() || found->second.unclean
            || found->second.copy != known.copies.at(id)) {
            continue;
        }
        const Stored& stored = found->second;
        const Seq last = stored.log.empty() ? stored.base : stored.log.rbegin()->first;
        if (last < needed) {
            fail(
                "node " + std::to_string(index_of(id))
                + " is in sync and lacks what was acknowledged" + describe()
            );
            return;
        }
    }
}

/// Of the members in sync, most have it.
void Cluster::check_majority(const Shard& known, Seq needed) {
    const auto has_it = [&](const NodeId& id) {
        const auto found = nodes_[index_of(id)].disk.find(known.id);
        if (found == nodes_[index_of(id)].disk.end() || found->second.copy != known.copies.at(id)) {
            return false;
        }
        const auto entry = found->second.log.find(needed);
        return found->second.base >= needed
               || (entry != found->second.log.end()
                   && *entry->second == *history_.at({known.id, needed}));
    };
    const auto holders = std::count_if(known.in_sync.begin(), known.in_sync.end(), has_it);
    if (static_cast<std::size_t>(holders) < quorum(known.mode, known.in_sync.size())) {
        fail("too few of those in sync have what was acknowledged" + describe());
    }
}

/// After a command.
void Cluster::check_state(const State& before) {
    for (const auto& each : control_state_.shards) {
        const ShardId id = each.first;
        const auto& shard = each.second;
        const Shard* old = find_shard(before, id);
        if (old != nullptr && shard == before.shards.at(id)) {
            continue;
        }
        const bool elects = shard->phase == Phase::kElecting;
        outcome_.elections += elects && (old == nullptr || old->term != shard->term) ? 1U : 0U;
        const Member* primary = find_member(control_state_, shard->primary);
        const bool serves = primary != nullptr && !primary->fenced
                            && primary->incarnation == shard->primary_incarnation;
        // Who begins a new run is fenced, and stays in sync; added is only who serves.
        const auto is_lost = [&](const NodeId& node) {
            const Member* member = find_member(control_state_, node);
            const bool is_new = old == nullptr || !old->in_sync.contains(node);
            return !shard->copies.contains(node)
                   || (serves && mode_ != AckMode::kMajority
                       && (member == nullptr || (member->fenced && is_new)));
        };
        const auto& in_sync = shard->in_sync;
        if (in_sync.empty() || (serves && !in_sync.contains(shard->primary))) {
            fail("a shard has nobody in sync, or a primary that is not");
        } else if (std::any_of(in_sync.begin(), in_sync.end(), is_lost)) {
            fail("a primary waits for a copy that is fenced or none any more");
        } else if (old != nullptr && (shard->version < old->version || shard->term < old->term)) {
            fail("a shard's version or term goes back");
        }
    }
}

// ---- the end

bool Cluster::is_settled() {
    if (shards_.size() < kShards) {
        return false;
    }
    for (const ShardId id : shards_) {
        const Shard* shard = find_shard(control_state_, id);
        if (shard->phase != Phase::kNormal || shard->in_sync.size() != nodes_count_) {
            return false;
        }
        if (shard->primary.is_nil() || !shard->blank.empty()) {
            return false;
        }
        const std::size_t primary = index_of(shard->primary);
        const auto found = nodes_[primary].copies.find(id);
        if (!awake(primary) || found == nodes_[primary].copies.end()
            || found->second.core->role() != CopyRole::kActive || !may_serve(primary)) {
            return false;
        }
        for (std::size_t i = 0; i < nodes_count_; ++i) {
            const auto copy = nodes_[i].copies.find(id);
            if (copy == nodes_[i].copies.end() || copy->second.applied != found->second.core->last()
                || copy->second.list != found->second.list) {
                return false;
            }
        }
    }
    return true;
}

void Cluster::check_end() {
    for (const ShardId id : shards_) {
        const Shard* shard = find_shard(control_state_, id);
        const List& list = nodes_[index_of(shard->primary)].copies.at(id).list;
        std::map<std::uint64_t, int> times;
        for (const std::uint64_t value : list) {
            if (++times[value] > 1) {
                fail("a request was carried out twice");
            }
        }
        for (const std::uint64_t value : acknowledged_[id]) {
            if (mode_ != AckMode::kAsync && !times.contains(value)) {
                fail("an acknowledged write is lost");
            }
        }
    }
}

}  // namespace kumo::cluster::sim
