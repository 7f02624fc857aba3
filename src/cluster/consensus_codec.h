#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "consensus/types.h"
#include "wire/byte_reader.h"

#include <optional>
#include <string>

namespace kumo::cluster {

// The bytes of consensus' values, for the wire and for the disk: docs/formats/consensus.md.
// Stateless; any thread. Whatever a decoder accepts is within the limits of consensus/types.h.

void append_hard_state(std::string& out, const consensus::HardState& hard_state);

/// Nothing if the bytes are none.
std::optional<consensus::HardState> read_hard_state(wire::ByteReader& in);

void append_snapshot_meta(std::string& out, const consensus::SnapshotMeta& meta);

/// Nothing if the bytes are none.
std::optional<consensus::SnapshotMeta> read_snapshot_meta(wire::ByteReader& in);

/// Without the index, which is its place in the log.
std::string encode_consensus_entry(const consensus::Entry& entry);

/// kCorruption if the bytes are no entry.
Result<consensus::Entry> decode_consensus_entry(consensus::Index index, ByteView bytes);

/// Entries go with an append only, a snapshot's place with a snapshot only. Requires: the entries
/// are those behind message.index, without a hole.
std::string encode_consensus_message(const consensus::Message& message);

/// kCorruption if the bytes are no message.
Result<consensus::Message> decode_consensus_message(ByteView bytes);

}  // namespace kumo::cluster
