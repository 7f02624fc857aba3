#include "replication/cluster.h"

#include <algorithm>
#include <utility>

// What must hold at every moment, in what a client sees and inside; and what must hold at the end.

namespace kumo::cluster::sim {

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

/// After a command.
void Cluster::check_state(const State& before) {
    for (const auto& each : control_state_.shards) {
        const ShardId id = each.first;
        const auto& shard = each.second;
        const Shard* old = find_shard(before, id);
        if (old != nullptr && shard == before.shards.at(id)) {
            continue;
        }
        const Member* primary = find_member(control_state_, shard->primary);
        const bool serves = primary != nullptr && !primary->fenced
                            && primary->incarnation == shard->primary_incarnation;
        const auto is_lost = [&](const NodeId& node) {
            const Member* member = find_member(control_state_, node);
            return !shard->copies.contains(node)
                   || (serves && (member == nullptr || member->fenced));
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
            if (!times.contains(value)) {
                fail("an acknowledged write is lost");
            }
        }
    }
}

}  // namespace kumo::cluster::sim
