#pragma once

#include "base/bytes.h"
#include "kv/command/context.h"
#include "kv/types/stream.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace kumo::kv {

/// "12-3", or "12" with `seq_if_missing`. `seq_given` non-null: "12-*" is taken as well, and told
/// there.
std::optional<StreamId>
parse_stream_id(ByteView text, std::uint64_t seq_if_missing, bool* seq_given = nullptr);

/// As above; false: the error has been written.
bool read_stream_id(
    Context& ctx,
    std::size_t index,
    StreamId* out,
    std::uint64_t seq_if_missing = 0,
    bool* seq_given = nullptr
);

/// An end of a range: an id, `-`, `+`, or `(id`. False: the error has been written.
bool read_range_start(Context& ctx, std::size_t index, StreamId* out);
bool read_range_end(Context& ctx, std::size_t index, StreamId* out);

/// A COUNT: any integer, negative ones mean none. False: the error has been written.
bool read_stream_count(Context& ctx, std::size_t index, std::int64_t* out);

/// [id, [field, value, ...]].
void reply_stream_entry(Context& ctx, const StreamEntry& entry);
void reply_stream_id(Context& ctx, StreamId id);

/// "unknown subcommand or wrong number of arguments".
void stream_subcommand_error(Context& ctx, ByteView command);

/// What copies are told of a delivery: an XCLAIM that has the same effect.
void propagate_claim(
    Context& ctx,
    ByteView key,
    ByteView group_name,
    StreamId id,
    const StreamGroup& group,
    const StreamPending& pending
);
/// XGROUP SETID with where the group stands.
void propagate_group_id(Context& ctx, ByteView key, ByteView name, const StreamGroup& group);

/// Finds or makes the consumer, tells of a new one, and notes that it was heard of.
StreamConsumer& touch_consumer(Context& ctx, ByteView key, StreamGroup& group, ByteView name);

}  // namespace kumo::kv
