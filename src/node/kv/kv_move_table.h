#pragma once

#include "base/bytes.h"
#include "base/uuid.h"
#include "node/kv/kv_engine.h"
#include "node/kv/slot_set.h"
#include "wire/byte_reader.h"

#include <map>
#include <optional>
#include <string>

namespace kumo::node {

/// How far a move of slots is in one copy's log: equal in all copies that have made the same
/// entries, and stored with a checkpoint.
struct KvMoveProgress {
    SlotSet slots;
    bool complete = false;  ///< Everything has arrived.
    bool adopted = false;   ///< And is served.
    bool dropped = false;   ///< The source's: its keys are gone.

    bool operator==(const KvMoveProgress&) const = default;
};

using KvMoveTable = std::map<Uuid, KvMoveProgress>;

// What a copy's log says of moves, beside the changes of keys. The target's:

/// Keys begin to arrive; what came before of these slots and was not adopted goes.
std::string move_begins(const Uuid& move, const SlotSet& slots);
/// Some changes have arrived.
std::string move_brings(const Uuid& move, ByteView changes);
/// Everything has.
std::string move_is_complete(const Uuid& move);
/// What has arrived takes the place of what was there.
std::string move_is_adopted(const Uuid& move, const SlotSet& slots);

// The source's:

/// The slots' keys go.
std::string move_drops(const Uuid& move, const SlotSet& slots);

// Both:

/// The cluster knows it no more: what has arrived and was not adopted goes.
std::string move_is_over(const Uuid& move);

/// Makes one of these. Bytes that are none are logged and skipped.
void make_move_record(ByteView record, KvMoveTable& table, KvEngine& engine);

void append_move_table(std::string& out, const KvMoveTable& table);
/// Nothing: the bytes are none.
std::optional<KvMoveTable> read_move_table(wire::ByteReader& in);

}  // namespace kumo::node
