#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "cluster/state/state.h"

#include <cstdint>
#include <memory>
#include <string>

namespace kumo::cluster {

/// Names one request of one run of one node: whoever sees it again has seen a retry.
struct RequestId {
    NodeId node;
    std::uint64_t run = 0;  ///< The node's incarnation.
    std::uint64_t number = 0;

    // NOLINTNEXTLINE(modernize-use-nullptr): of the comparison with 0 in what the compiler writes
    auto operator<=>(const RequestId&) const = default;
};

/// What a shard's log holds, on every copy alike.
struct LogEntry {
    Term term = 0;
    Seq seq = 0;
    bool no_op = false;        ///< Begins a primary's term; nothing for the engine.
    std::int64_t time_ms = 0;  ///< Of the primary's wall clock, since 1970.
    RequestId request;
    std::string operation;

    bool operator==(const LogEntry&) const = default;
};

/// Shared by the log, the messages to the other copies and the engine.
using EntryPtr = std::shared_ptr<const LogEntry>;

// Bytes: docs/formats/replication.md. The sequence number is not among them: it is the record's.

std::string encode_entry(const LogEntry& entry);

/// kCorruption if the bytes are no entry.
Result<EntryPtr> decode_entry(Seq seq, ByteView bytes);

}  // namespace kumo::cluster
