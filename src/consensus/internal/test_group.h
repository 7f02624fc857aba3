#pragma once

#include "consensus/raft.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kumo::consensus {

// For tests: nodes that talk when told to, with disks that are durable at once.

inline NodeId test_node(std::uint8_t number) {
    NodeId id;
    id.bytes[15] = number;
    return id;
}

/// With round times.
inline RaftOptions test_options(std::uint8_t number) {
    RaftOptions options;
    options.id = test_node(number);
    options.heartbeat_interval = std::chrono::milliseconds(100);
    options.election_timeout = std::chrono::milliseconds(500);
    return options;
}

inline std::set<NodeId> test_nodes(const std::vector<int>& numbers) {
    std::set<NodeId> ids;
    for (const int number : numbers) {
        ids.insert(test_node(static_cast<std::uint8_t>(number)));
    }
    return ids;
}

inline Entry test_entry(Term term, Index index, const std::string& data = {}) {
    Entry entry;
    entry.term = term;
    entry.index = index;
    entry.type = data.empty() ? EntryType::kNoOp : EntryType::kCommand;
    entry.data = data;
    return entry;
}

inline SnapshotMeta test_start(const std::vector<int>& voters) {
    SnapshotMeta first;
    first.index = 1;
    first.term = 1;
    first.configuration.voters = test_nodes(voters);
    first.epoch = Epoch{1, test_node(100)};
    return first;
}

/// What a node has on its disk, and what it was told.
struct TestNode {
    RaftOptions options;
    HardState hard;
    SnapshotMeta snapshot;
    std::map<Index, Entry> log;
    std::unique_ptr<Raft> raft;
    std::vector<std::string> applied;  ///< The commands.
    std::vector<ReadState> reads;
    std::vector<NodeId> lost_data;
};

class TestGroup {
public:
    /// No node campaigns before that, unless told to.
    static constexpr Duration kPatience = std::chrono::milliseconds(499);

    explicit TestGroup(const std::vector<int>& voters) {
        for (const int number : voters) {
            TestNode& added = add(number);
            added.snapshot = test_start(voters);
            added.hard = HardState{added.snapshot.epoch, 1, {}, false};
            restart(number);
        }
    }

    /// An empty one, that waits to be spoken to.
    void join(int number) {
        add(number);
        restart(number);
    }

    TestNode& node(int number) { return nodes_[test_node(static_cast<std::uint8_t>(number))]; }

    Raft& raft(int number) { return *node(number).raft; }

    /// From what is on its disk.
    void restart(int number) {
        TestNode& started = node(number);
        std::vector<Entry> entries;
        for (const auto& [index, entry] : started.log) {
            entries.push_back(entry);
        }
        started.applied.clear();
        started.raft = std::make_unique<Raft>(
            started.options,
            started.hard,
            started.snapshot,
            std::move(entries),
            kPatience
        );
    }

    /// Nobody hears it, and it hears nobody.
    void isolate(int number) { isolated_.insert(test_node(static_cast<std::uint8_t>(number))); }

    void heal() { isolated_.clear(); }

    /// Stores and sends what a node wants, without anything arriving.
    void drain(int number) { drain(node(number)); }

    /// Everything is stored, sent and delivered, until nobody has anything to say.
    void settle() {
        bool quiet = false;
        while (!quiet) {
            for (auto& [id, each] : nodes_) {
                drain(each);
            }
            quiet = wire.empty();
            if (!quiet) {
                const Message message = wire.front();
                wire.pop_front();
                deliver(message);
            }
        }
    }

    void deliver(const Message& message) {
        const bool lost = isolated_.contains(message.from) || isolated_.contains(message.to);
        const auto to = nodes_.find(message.to);
        if (!lost && to != nodes_.end()) {
            to->second.raft->step(message);
        }
        if (message.type == MessageType::kSnapshot) {
            nodes_[message.from].raft->snapshot_done(message.to, !lost);
        }
    }

    /// The others have not heard a leader for long when this one campaigns.
    void campaign(int number) {
        for (auto& [id, each] : nodes_) {
            if (!each.raft->is_leader()) {
                each.raft->tick(std::chrono::milliseconds(500), kPatience);
            }
        }
        raft(number).tick(std::chrono::milliseconds(500), kPatience);
    }

    void elect(int number) {
        campaign(number);
        settle();
    }

    void beat(int leader) {
        raft(leader).tick(std::chrono::milliseconds(100), kPatience);
        settle();
    }

    void propose(int leader, const std::string& data) {
        (void)raft(leader).propose(data).ok();
        settle();
    }

    std::deque<Message> wire;

private:
    TestNode& add(int number) {
        TestNode& added = node(number);
        added.options = test_options(static_cast<std::uint8_t>(number));
        return added;
    }

    void drain(TestNode& from) {
        while (from.raft->has_ready()) {
            Ready ready = from.raft->take_ready();
            store(from, ready);
            for (Message& message : ready.messages) {
                wire.push_back(std::move(message));
            }
            for (Message& message : ready.messages_after_persist) {
                wire.push_back(std::move(message));
            }
            for (const Entry& entry : ready.committed) {
                if (entry.type == EntryType::kCommand) {
                    from.applied.push_back(entry.data);
                }
            }
            from.reads.insert(from.reads.end(), ready.reads.begin(), ready.reads.end());
            from.lost_data
                .insert(from.lost_data.end(), ready.lost_data.begin(), ready.lost_data.end());
            from.raft->persisted(ready.sequence);
        }
    }

    static void store(TestNode& at, const Ready& ready) {
        if (ready.snapshot) {
            at.snapshot = *ready.snapshot;
            at.log.clear();
        }
        for (const Entry& entry : ready.entries) {
            at.log.erase(at.log.lower_bound(entry.index), at.log.end());
            at.log[entry.index] = entry;
        }
        at.hard = ready.hard_state.value_or(at.hard);
    }

    std::map<NodeId, TestNode> nodes_;
    std::set<NodeId> isolated_;
};

}  // namespace kumo::consensus
