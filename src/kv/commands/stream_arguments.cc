#include "kv/commands/stream_arguments.h"

#include <algorithm>
#include <string>

namespace kumo::kv {

namespace {

constexpr ByteView kInvalidId = "ERR Invalid stream ID specified as stream command argument";
constexpr std::size_t kIdBytesMax = 127;

/// Leading zeros and a plus sign are taken, as by Redis.
std::optional<std::uint64_t> parse_unsigned(ByteView text) {
    if (text.size() > 1 && text[0] == '+') {
        text.remove_prefix(1);
    }
    if (text.empty()) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10U, &value)
            || __builtin_add_overflow(value, static_cast<unsigned>(c - '0'), &value)) {
            return std::nullopt;
        }
    }
    return value;
}

/// `exclusive`: it was written with a bracket.
bool read_bound(Context& ctx, std::size_t index, StreamId* out, bool* exclusive, bool is_end) {
    ByteView text = ctx.arg(index);
    *exclusive = text.size() > 1 && text[0] == '(';
    if (*exclusive) {
        text.remove_prefix(1);
    } else if (text == "-") {
        *out = {};
        return true;
    } else if (text == "+") {
        *out = StreamId::max();
        return true;
    }
    const auto id = parse_stream_id(text, is_end ? UINT64_MAX : 0);
    if (!id.has_value()) {
        ctx.error(kInvalidId);
        return false;
    }
    *out = *id;
    return true;
}

}  // namespace

std::optional<StreamId>
parse_stream_id(ByteView text, std::uint64_t seq_if_missing, bool* seq_given) {
    if (text.size() > kIdBytesMax) {
        return std::nullopt;
    }
    const std::size_t dash = text.find('-');
    const auto ms = parse_unsigned(text.substr(0, dash));
    if (!ms.has_value()) {
        return std::nullopt;
    }
    if (seq_given != nullptr) {
        *seq_given = true;
    }
    if (dash == ByteView::npos) {
        return StreamId{*ms, seq_if_missing};
    }
    if (seq_given != nullptr && text.substr(dash + 1) == "*") {
        *seq_given = false;
        return StreamId{*ms, 0};
    }
    const auto seq = parse_unsigned(text.substr(dash + 1));
    if (!seq.has_value()) {
        return std::nullopt;
    }
    return StreamId{*ms, *seq};
}

bool read_stream_id(
    Context& ctx,
    std::size_t index,
    StreamId* out,
    std::uint64_t seq_if_missing,
    bool* seq_given
) {
    const auto id = parse_stream_id(ctx.arg(index), seq_if_missing, seq_given);
    if (!id.has_value()) {
        ctx.error(kInvalidId);
        return false;
    }
    *out = *id;
    return true;
}

bool read_range_start(Context& ctx, std::size_t index, StreamId* out) {
    bool exclusive = false;
    if (!read_bound(ctx, index, out, &exclusive, false)) {
        return false;
    }
    if (exclusive && !out->increment()) {
        ctx.error("ERR invalid start ID for the interval");
        return false;
    }
    return true;
}

bool read_range_end(Context& ctx, std::size_t index, StreamId* out) {
    bool exclusive = false;
    if (!read_bound(ctx, index, out, &exclusive, true)) {
        return false;
    }
    if (exclusive && !out->decrement()) {
        ctx.error("ERR invalid end ID for the interval");
        return false;
    }
    return true;
}

bool read_stream_count(Context& ctx, std::size_t index, std::int64_t* out) {
    if (!ctx.integer(index, out)) {
        return false;
    }
    *out = std::max<std::int64_t>(*out, 0);
    return true;
}

void reply_stream_id(Context& ctx, StreamId id) {
    ctx.reply.bulk(id.text());
}

void reply_stream_entry(Context& ctx, const StreamEntry& entry) {
    ctx.reply.array(2);
    reply_stream_id(ctx, entry.id);
    ctx.reply.array(entry.fields_and_values.size());
    for (const ByteView text : entry.fields_and_values) {
        ctx.reply.bulk(text);
    }
}

void stream_subcommand_error(Context& ctx, ByteView command) {
    constexpr std::size_t kShownMax = 128;
    ctx.error(
        "ERR unknown subcommand or wrong number of arguments for '"
        + std::string(ctx.arg(1).substr(0, kShownMax)) + "'. Try " + std::string(command) + " HELP."
    );
}

void propagate_claim(
    Context& ctx,
    ByteView key,
    ByteView group_name,
    StreamId id,
    const StreamGroup& group,
    const StreamPending& pending
) {
    ctx.propagate(
        {"XCLAIM",
         key,
         group_name,
         pending.consumer->name,
         "0",
         id.text(),
         "TIME",
         std::to_string(pending.delivered_ms),
         "RETRYCOUNT",
         std::to_string(pending.deliveries),
         "FORCE",
         "JUSTID",
         "LASTID",
         group.last_id.text()}
    );
}

void propagate_group_id(Context& ctx, ByteView key, ByteView name, const StreamGroup& group) {
    ctx.propagate(
        {"XGROUP",
         "SETID",
         key,
         name,
         group.last_id.text(),
         "ENTRIESREAD",
         std::to_string(group.entries_read)}
    );
}

StreamConsumer& touch_consumer(Context& ctx, ByteView key, StreamGroup& group, ByteView name) {
    if (StreamConsumer* consumer = group.find_consumer(name); consumer != nullptr) {
        consumer->seen_ms = ctx.now_ms();
        return *consumer;
    }
    ctx.changed(key, EventClass::kStream, "xgroup-createconsumer");
    return *group.create_consumer(name, ctx.now_ms());
}

}  // namespace kumo::kv
