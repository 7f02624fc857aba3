#include "cluster/consensus_codec.h"

#include "wire/varint.h"

#include <cstdint>
#include <utility>

namespace kumo::cluster {

namespace {

using std::chrono::milliseconds;

using consensus::Configuration;
using consensus::Entry;
using consensus::EntryType;
using consensus::Epoch;
using consensus::HardState;
using consensus::Index;
using consensus::Message;
using consensus::MessageType;
using consensus::NodeId;
using consensus::SnapshotMeta;
using consensus::Term;
using wire::append_sized;
using wire::append_varint;
using wire::ByteReader;

constexpr auto kEntryTypeMax = static_cast<std::uint64_t>(EntryType::kConfiguration);
constexpr auto kMessageTypeMax = static_cast<std::uint64_t>(MessageType::kStale);
constexpr std::uint64_t kFlagReject = 1;
constexpr std::uint64_t kFlagForce = 2;

/// A term, an index, a round: room is left to count on.
std::uint64_t read_place(ByteReader& in) {
    return in.below_or_at(consensus::kPlaceMax);
}

void append_epoch(std::string& out, const Epoch& epoch) {
    append_varint(out, epoch.number);
    out.append(epoch.id.view());
}

Epoch read_epoch(ByteReader& in) {
    Epoch epoch;
    epoch.number = read_place(in);
    epoch.id = in.uuid();
    return epoch;
}

void append_nodes(std::string& out, const std::set<NodeId>& nodes) {
    append_varint(out, nodes.size());
    for (const NodeId& node : nodes) {
        out.append(node.view());
    }
}

/// Whether they are few enough, and in order.
bool read_nodes(ByteReader& in, std::set<NodeId>& nodes) {
    for (std::uint64_t left = in.below_or_at(consensus::kMembersMax); left > 0; --left) {
        const NodeId node = in.uuid();
        if (!in.ok() || node.is_nil() || (!nodes.empty() && node <= *nodes.rbegin())) {
            return false;
        }
        nodes.insert(nodes.end(), node);
    }
    return in.ok();
}

void append_configuration(std::string& out, const Configuration& configuration) {
    append_nodes(out, configuration.voters);
    append_nodes(out, configuration.old_voters);
    append_nodes(out, configuration.learners);
}

bool read_configuration(ByteReader& in, Configuration& configuration) {
    return read_nodes(in, configuration.voters) && read_nodes(in, configuration.old_voters)
           && read_nodes(in, configuration.learners);
}

/// Rounded down, as a time that has passed for sure has to be.
std::uint64_t in_milliseconds(Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(duration).count());
}

void append_head(std::string& out, const Message& message) {
    append_varint(out, static_cast<std::uint64_t>(message.type));
    out.append(message.from.view());
    out.append(message.to.view());
    append_epoch(out, message.epoch);
    append_varint(out, message.term);
    append_varint(out, message.index);
    append_varint(out, message.log_term);
    append_varint(out, message.commit);
    append_varint(out, (message.reject ? kFlagReject : 0) | (message.force ? kFlagForce : 0));
    append_varint(out, message.hint);
    append_varint(out, message.hint_term);
    append_varint(out, message.round);
    if (message.type == MessageType::kVoteReply) {
        append_varint(out, in_milliseconds(message.quiet));
    }
}

Message read_head(ByteReader& in) {
    Message message;
    message.type = static_cast<MessageType>(in.below_or_at(kMessageTypeMax));
    message.from = in.uuid();
    message.to = in.uuid();
    message.epoch = read_epoch(in);
    message.term = read_place(in);
    message.index = read_place(in);
    message.log_term = read_place(in);
    message.commit = read_place(in);
    const std::uint64_t flags = in.below_or_at(kFlagReject | kFlagForce);
    message.reject = (flags & kFlagReject) != 0;
    message.force = (flags & kFlagForce) != 0;
    message.hint = read_place(in);
    message.hint_term = read_place(in);
    message.round = read_place(in);
    if (message.type == MessageType::kVoteReply) {
        message.quiet = milliseconds(in.below_or_at(in_milliseconds(consensus::kQuietMax)));
    }
    return message;
}

/// Whether they follow on the entry before them, by place (that is implied) and by term.
bool read_entries(ByteReader& in, Message& message) {
    Term previous = message.log_term;
    for (std::uint64_t left = in.below_or_at(consensus::kAppendEntriesMax); left > 0; --left) {
        const Index index = message.index + message.entries.size() + 1;
        auto entry = decode_consensus_entry(index, in.sized());
        if (!in.ok() || !entry.ok()) {
            return false;
        }
        if (entry.value().term < previous || entry.value().term > message.term) {
            return false;
        }
        previous = entry.value().term;
        message.entries.push_back(std::move(entry.value()));
    }
    return in.ok();
}

}  // namespace

void append_hard_state(std::string& out, const HardState& hard_state) {
    append_epoch(out, hard_state.epoch);
    append_varint(out, hard_state.term);
    out.append(hard_state.vote.view());
    append_varint(out, hard_state.superseded ? 1 : 0);
}

std::optional<HardState> read_hard_state(ByteReader& in) {
    HardState hard_state;
    hard_state.epoch = read_epoch(in);
    hard_state.term = read_place(in);
    hard_state.vote = in.uuid();
    hard_state.superseded = in.below_or_at(1) == 1;
    return in.ok() ? std::optional(hard_state) : std::nullopt;
}

void append_snapshot_meta(std::string& out, const SnapshotMeta& meta) {
    append_varint(out, meta.index);
    append_varint(out, meta.term);
    append_epoch(out, meta.epoch);
    append_configuration(out, meta.configuration);
}

std::optional<SnapshotMeta> read_snapshot_meta(ByteReader& in) {
    SnapshotMeta meta;
    meta.index = read_place(in);
    meta.term = read_place(in);
    meta.epoch = read_epoch(in);
    if (!in.ok() || !read_configuration(in, meta.configuration)) {
        return std::nullopt;
    }
    return meta;
}

std::string encode_consensus_entry(const Entry& entry) {
    std::string out;
    append_varint(out, static_cast<std::uint64_t>(entry.type));
    append_varint(out, entry.term);
    switch (entry.type) {
        case EntryType::kNoOp: break;
        case EntryType::kCommand: out.append(entry.data); break;
        case EntryType::kConfiguration: append_configuration(out, entry.configuration); break;
    }
    return out;
}

Result<Entry> decode_consensus_entry(Index index, ByteView bytes) {
    ByteReader in(bytes);
    Entry entry;
    entry.index = index;
    entry.type = static_cast<EntryType>(in.below_or_at(kEntryTypeMax));
    entry.term = read_place(in);
    bool good = in.ok();
    switch (entry.type) {
        case EntryType::kNoOp: good = good && in.at_end(); break;
        case EntryType::kCommand:
            good = good && in.rest().size() <= consensus::kEntryBytesMax;
            entry.data = good ? std::string(in.rest()) : std::string();
            break;
        case EntryType::kConfiguration:
            good = good && read_configuration(in, entry.configuration) && in.at_end();
            break;
    }
    if (!good) {
        return corruption("an entry of the control plane's log is not well formed");
    }
    return entry;
}

std::string encode_consensus_message(const Message& message) {
    std::string out;
    append_head(out, message);
    if (message.type == MessageType::kAppend) {
        append_varint(out, message.entries.size());
        for (const Entry& entry : message.entries) {
            append_sized(out, encode_consensus_entry(entry));
        }
    } else if (message.type == MessageType::kSnapshot) {
        append_snapshot_meta(out, message.snapshot);
    }
    return out;
}

Result<Message> decode_consensus_message(ByteView bytes) {
    ByteReader in(bytes);
    Message message = read_head(in);
    bool good = in.ok() && !message.from.is_nil();
    if (good && message.type == MessageType::kAppend) {
        good = read_entries(in, message);
    } else if (good && message.type == MessageType::kSnapshot) {
        const auto meta = read_snapshot_meta(in);
        good = meta.has_value();
        message.snapshot = meta.value_or(SnapshotMeta());
    }
    if (!good || !in.at_end()) {
        return corruption("a message of the control plane is not well formed");
    }
    return message;
}

}  // namespace kumo::cluster
