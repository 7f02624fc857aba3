#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "cluster/replication/shard_copy.h"
#include "cluster/state/state.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kumo::cluster {

/// For tests: a shard with a copy on each of a few nodes, and a network, disks and a control plane
/// that do as they are told. Every message and command passes through its bytes.
class CopyGroup {
public:
    explicit CopyGroup(
        std::size_t nodes,
        const CopyOptions& options = {},
        AckMode mode = AckMode::kSync,
        std::uint64_t min_in_sync = 1
    );

    static NodeId id(std::size_t node);
    static std::size_t index(const NodeId& id);

    ShardCopy& copy(std::size_t node) { return *nodes_[node].copy; }

    const Shard& shard() const { return *find_shard(state_, shard_); }

    /// Whom the control plane takes for the primary, and one that follows.
    std::size_t primary() const { return index(shard().primary); }

    std::size_t follower() const { return (primary() + 1) % nodes_.size(); }

    std::size_t third() const { return (primary() + 2) % nodes_.size(); }

    /// Proposes at the primary; the number names the request.
    Result<Seq> propose(const std::string& operation, std::uint64_t request);

    Result<Seq> propose(const std::string& operation) { return propose(operation, ++requests_); }

    /// Until nothing moves any more, in no time.
    void settle();

    /// Time passes in steps of a tenth of a second.
    void pass(Duration time);

    /// One tick after a time in which nothing ran.
    void pause(Duration time);

    /// Messages in that direction are lost.
    void cut(std::size_t from, std::size_t to) { cuts_.insert({from, to}); }

    void cut_off(std::size_t node);

    /// Messages get through again; nobody has noticed that some did not.
    void mend() { cuts_.clear(); }

    /// The same, over new connections.
    void heal();

    /// What is written there does not become durable.
    void stall_disk(std::size_t node, bool stalled) { nodes_[node].stalled = stalled; }

    /// Proposals wait, and so do all changes.
    void stall_control(bool stalled) { control_stalled_ = stalled; }

    /// A command of the control plane's own.
    Status command(const Command& command);

    /// The process ends, and the next one finds the log up to `kept`.
    void restart(std::size_t node, Seq kept);

    void restart(std::size_t node) { restart(node, copy(node).last()); }

    /// Its lease has run out, and later is granted again.
    void fence(std::size_t node);
    void unfence(std::size_t node);

    /// A checkpoint is taken on every node.
    void checkpoint();

    /// Everything is delivered twice, and the second time late.
    void duplicate_messages() { duplicates_ = true; }

    /// What is under way at one time arrives in any order.
    void shuffle_messages() { shuffles_ = true; }

    const std::vector<std::string>& applied(std::size_t node) const { return nodes_[node].applied; }

    const std::vector<Command>& waiting_proposals() const { return proposals_; }

    std::size_t proposals_seen() const { return proposals_seen_; }

    std::size_t messages_seen() const { return messages_seen_; }

    bool lost_role(std::size_t node) const { return nodes_[node].lost_role; }

    const std::vector<LostRange>& lost(std::size_t node) const { return nodes_[node].lost; }

    /// Reads without a clock that have ended there.
    const std::vector<StrictRead>& reads(std::size_t node) const { return nodes_[node].reads; }

    /// The copy that the control plane wants there is another one by now.
    void open_again(std::size_t node);

    const std::vector<NodeId>& installs() const { return installs_; }

    /// Of what has been sent last.
    const std::vector<Prepare>& prepares() const { return prepares_; }

    void forget_prepares() { prepares_.clear(); }

private:
    struct Node {
        std::unique_ptr<ShardCopy> copy;
        std::map<Seq, EntryPtr> log;
        std::vector<std::string> applied;
        RequestWindow remembered;  ///< As of the checkpoint.
        std::vector<std::string> checkpoint;
        Seq base = 0;
        Term base_term = 0;
        bool stalled = false;
        bool lost_role = false;
        std::vector<LostRange> lost;
        std::vector<StrictRead> reads;
    };

    void open(std::size_t node);
    void give_state(std::size_t node);
    bool move(std::size_t node);
    void write(Node& node, const CopyOutput& output);
    void send(std::size_t from, const NodeId& to, const CopyMessage& message);
    bool deliver();
    bool run_control();

    CopyOptions options_;
    State state_;
    ShardId shard_{};
    std::vector<Node> nodes_;
    std::vector<std::pair<std::pair<std::size_t, std::size_t>, std::string>> network_;
    std::vector<std::pair<std::pair<std::size_t, std::size_t>, std::string>> late_;
    std::set<std::pair<std::size_t, std::size_t>> cuts_;
    std::vector<Command> proposals_;
    std::vector<NodeId> installs_;
    std::vector<Prepare> prepares_;
    std::size_t proposals_seen_ = 0;
    std::size_t messages_seen_ = 0;
    std::uint64_t requests_ = 1000;
    std::uint8_t boots_ = 100;
    bool control_stalled_ = false;
    bool duplicates_ = false;
    bool shuffles_ = false;
    SeededRandom random_{1};
    MonotonicTime now_{std::chrono::hours(100)};
};

}  // namespace kumo::cluster
