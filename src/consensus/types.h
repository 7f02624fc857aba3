#pragma once

#include "base/clock.h"
#include "base/uuid.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

// The values that Raft's core takes and gives. Plain values; any thread.

namespace kumo::consensus {

using NodeId = Uuid;
using Term = std::uint64_t;
using Index = std::uint64_t;

// Limits: of what a core proposes and sends, and of what a decoder takes.
inline constexpr std::uint64_t kPlaceMax = std::uint64_t{1} << 62U;  ///< Terms, indexes, rounds.
inline constexpr Duration kQuietMax = std::chrono::hours(1);         ///< More is not worth saying.
inline constexpr std::size_t kMembersMax = 1000;                     ///< In each set of them.
inline constexpr std::size_t kEntryBytesMax = std::size_t{8} << 20U;
inline constexpr std::size_t kAppendEntriesMax = 16384;  ///< In one message.

/// Which history of the group: an operator who forces a configuration after the quorum was lost
/// begins a new one, and nobody of an older one is listened to any more. Ordered by number; the id
/// tells two forced at the same time apart.
struct Epoch {
    std::uint64_t number = 0;
    Uuid id;

    // NOLINTNEXTLINE(modernize-use-nullptr): of the comparison with 0 in what the compiler writes
    auto operator<=>(const Epoch&) const = default;
};

/// Who votes and who only follows. During a change there are two sets of voters, and everything
/// needs a majority of each (joint consensus: Ongaro's thesis, 4.3).
struct Configuration {
    std::set<NodeId> voters;
    std::set<NodeId> old_voters;  ///< Not empty: joint.
    std::set<NodeId> learners;

    bool operator==(const Configuration&) const = default;

    bool is_joint() const { return !old_voters.empty(); }

    bool is_voter(const NodeId& node) const {
        return voters.contains(node) || old_voters.contains(node);
    }

    bool is_member(const NodeId& node) const { return is_voter(node) || learners.contains(node); }

    std::set<NodeId> members() const;
};

enum class EntryType : std::uint8_t {
    kNoOp,           ///< Begins a leader's term.
    kCommand,        ///< `data` is the user's.
    kConfiguration,  ///< In force from the moment it is in the log.
};

struct Entry {
    Term term = 0;
    Index index = 0;
    EntryType type = EntryType::kNoOp;
    std::string data;
    Configuration configuration;

    bool operator==(const Entry&) const = default;
};

/// What must not be forgotten beside the log.
struct HardState {
    Epoch epoch;
    Term term = 0;
    NodeId vote;  ///< Nil: none in this term.
    /// A leader of a newer epoch has claimed this node: until its snapshot is here, the node
    /// neither votes nor leads.
    bool superseded = false;

    bool operator==(const HardState&) const = default;
};

/// What a snapshot replaces: the log up to `index`. The state itself travels outside of the core.
struct SnapshotMeta {
    Index index = 0;  ///< 0: there is none.
    Term term = 0;
    Configuration configuration;
    Epoch epoch;

    bool operator==(const SnapshotMeta&) const = default;
};

enum class MessageType : std::uint8_t {
    kPreVote,
    kPreVoteReply,
    kVote,
    kVoteReply,
    kAppend,
    kAppendReply,
    kHeartbeat,
    kHeartbeatReply,
    kSnapshot,    ///< Stepped when the state's bytes have arrived as well.
    kTimeoutNow,  ///< Leadership is handed over: campaign at once.
    kStale,       ///< "Your epoch is newer than mine": asks for a snapshot.
};

struct Message {
    MessageType type = MessageType::kHeartbeat;
    NodeId from;
    NodeId to;
    Epoch epoch;
    Term term = 0;
    Index index = 0;  ///< Append: before the entries. Votes: the last. Replies: what matches.
    Term log_term = 0;
    Index commit = 0;
    bool reject = false;
    bool force = false;  ///< A vote that a standing leader has asked for.
    Index hint = 0;      ///< Of a rejected append: where the logs may agree.
    Term hint_term = 0;
    /// Heartbeats: the read round they confirm. Appends: the probe that a rejection answers.
    std::uint64_t round = 0;
    /// Of a vote that is granted: no leader has been followed for at least this long.
    Duration quiet{};
    std::vector<Entry> entries;
    SnapshotMeta snapshot;

    bool operator==(const Message&) const = default;
};

/// A read that may be answered from a state that has applied `index`.
struct ReadState {
    std::uint64_t context = 0;
    Index index = 0;
};

/// What the core wants done. In this order: store `snapshot` (it replaces the whole log), then
/// `entries` (replace everything from their first index on), then `hard_state`; then send
/// `messages_after_persist` and call persisted(sequence). `messages` may leave at once; `committed`
/// is durable here already.
struct Ready {
    std::uint64_t sequence = 0;
    std::optional<SnapshotMeta> snapshot;
    std::vector<Entry> entries;
    std::optional<HardState> hard_state;
    std::vector<Message> messages;
    std::vector<Message> messages_after_persist;
    std::vector<Entry> committed;  ///< To be applied, in order.
    std::vector<ReadState> reads;
    /// Followers that reject what they once had acknowledged: they have lost data. Advice for
    /// people, once a term; a leader that was told of it sends such a follower nothing more than
    /// the question whether it has it again.
    std::vector<NodeId> lost_data;

    bool must_persist() const { return hard_state || snapshot || !entries.empty(); }
};

}  // namespace kumo::consensus
