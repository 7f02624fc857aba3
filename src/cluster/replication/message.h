#pragma once

#include "cluster/replication/log_entry.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace kumo::cluster {

/// From a primary: entries for a copy's log, and how far everything is committed.
struct Prepare {
    Term term = 0;
    CopyId copy{};  ///< The one it is meant for.
    Seq previous_seq = 0;
    Term previous_term = 0;
    Seq committed = 0;
    std::uint64_t attempt = 0;      ///< Comes back in the Ack; grows when the primary starts over.
    std::vector<EntryPtr> entries;  ///< From previous_seq + 1 on, without a hole.
};

/// From a copy: what it durably has in common with the primary's log.
struct Ack {
    Term term = 0;
    CopyId copy{};
    std::uint64_t incarnation = 0;  ///< Of the run that says so.
    Seq match = 0;
    Seq committed = 0;          ///< What the copy knows of that: told again if it was lost.
    std::uint64_t attempt = 0;  ///< Of the Prepare that this answers, or of the last one accepted.
    bool mismatch = false;      ///< The entry before a Prepare's is another one here, or not there.
    Seq rejected = 0;           ///< Then: that entry's place.
    Seq hint = 0;               ///< Then: the logs may agree up to here,
    Term hint_term = 0;         ///< where the copy's entry is of this term.
};

/// To a primary of the past.
struct StaleTerm {
    Term term = 0;  ///< The present one.
};

/// From a primary that wants to read without a clock: is this term still the present one?
struct TermQuery {
    Term term = 0;
    CopyId copy{};  ///< The one that is asked.
    std::uint64_t read = 0;
};

/// It is, for this copy: it refuses everything of older terms.
struct TermAnswer {
    Term term = 0;
    CopyId copy{};
    std::uint64_t read = 0;
};

struct CopyMessage {
    ShardId shard{};
    std::variant<Prepare, Ack, StaleTerm, TermQuery, TermAnswer> body;
};

inline constexpr std::size_t kPrepareEntriesMax = 4096;

// Bytes: docs/formats/replication.md.

std::string encode_message(const CopyMessage& message);

/// kCorruption if the bytes are no message.
Result<CopyMessage> decode_message(ByteView bytes);

}  // namespace kumo::cluster
