// XINFO (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/stream_arguments.h"
#include "kv/types/stream.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace kumo::kv {

namespace {

std::int64_t as_signed(std::size_t value) {
    return static_cast<std::int64_t>(value);
}

bool find_stream(Context& ctx, StreamValue** stream) {
    if (!ctx.find_read(ctx.arg(2), stream)) {
        return false;
    }
    if (*stream == nullptr) {
        ctx.error(kNoSuchKey);
        return false;
    }
    return true;
}

void number(Context& ctx, ByteView name, std::int64_t value) {
    ctx.reply.bulk(name);
    ctx.reply.integer(value);
}

void id(Context& ctx, ByteView name, StreamId value) {
    ctx.reply.bulk(name);
    reply_stream_id(ctx, value);
}

/// entries-read and lag; null: not known.
void group_progress(Context& ctx, const StreamValue& stream, const StreamGroup& group) {
    ctx.reply.bulk("entries-read");
    if (group.entries_read == StreamGroup::kReadUnknown) {
        ctx.reply.null();
    } else {
        ctx.reply.integer(group.entries_read);
    }
    ctx.reply.bulk("lag");
    if (const auto lag = stream.lag(group); lag.has_value()) {
        ctx.reply.integer(*lag);
    } else {
        ctx.reply.null();
    }
}

/// The seven fields that both forms of XINFO STREAM begin with.
void stream_head(Context& ctx, const StreamValue& stream) {
    const auto blocks = as_signed(stream.block_count());
    number(ctx, "length", as_signed(stream.size()));
    number(ctx, "radix-tree-keys", blocks);
    number(ctx, "radix-tree-nodes", blocks + 1);
    id(ctx, "last-generated-id", stream.last_id());
    id(ctx, "max-deleted-entry-id", stream.max_deleted_id());
    number(ctx, "entries-added", static_cast<std::int64_t>(stream.entries_added()));
    id(ctx, "recorded-first-entry-id", stream.first_id());
}

void reply_some(Context& ctx, const StreamValue& stream, std::int64_t max) {
    const std::size_t mark = ctx.reply.mark();
    std::int64_t found = 0;
    stream.visit({}, StreamId::max(), false, [&](const StreamEntry& entry) {
        reply_stream_entry(ctx, entry);
        return ++found != max;
    });
    ctx.reply.insert_array(mark, static_cast<std::size_t>(found));
}

std::size_t shown(std::size_t size, std::int64_t max) {
    return max == 0 ? size : std::min(size, static_cast<std::size_t>(max));
}

void full_consumer(Context& ctx, const StreamConsumer& consumer, std::int64_t max) {
    ctx.reply.map(4);
    ctx.reply.bulk("name");
    ctx.reply.bulk(consumer.name);
    number(ctx, "seen-time", consumer.seen_ms);
    number(ctx, "pel-count", as_signed(consumer.pending.size()));
    ctx.reply.bulk("pending");
    std::size_t left = shown(consumer.pending.size(), max);
    ctx.reply.array(left);
    for (auto at = consumer.pending.begin(); left > 0; ++at, --left) {
        ctx.reply.array(3);
        reply_stream_id(ctx, at->first);
        ctx.reply.integer(at->second->delivered_ms);
        ctx.reply.integer(static_cast<std::int64_t>(at->second->deliveries));
    }
}

void full_group(
    Context& ctx,
    const StreamValue& stream,
    ByteView name,
    const StreamGroup& group,
    std::int64_t max
) {
    ctx.reply.map(7);
    ctx.reply.bulk("name");
    ctx.reply.bulk(name);
    id(ctx, "last-delivered-id", group.last_id);
    group_progress(ctx, stream, group);
    number(ctx, "pel-count", as_signed(group.pending().size()));
    ctx.reply.bulk("pending");
    std::size_t left = shown(group.pending().size(), max);
    ctx.reply.array(left);
    for (auto at = group.pending().begin(); left > 0; ++at, --left) {
        ctx.reply.array(4);
        reply_stream_id(ctx, at->first);
        ctx.reply.bulk(at->second.consumer->name);
        ctx.reply.integer(at->second.delivered_ms);
        ctx.reply.integer(static_cast<std::int64_t>(at->second.deliveries));
    }
    ctx.reply.bulk("consumers");
    ctx.reply.array(group.consumers().size());
    for (const auto& entry : group.consumers()) {
        full_consumer(ctx, *entry.second, max);
    }
}

void stream_full(Context& ctx, const StreamValue& stream, std::int64_t max) {
    ctx.reply.map(9);
    stream_head(ctx, stream);
    ctx.reply.bulk("entries");
    reply_some(ctx, stream, max);
    ctx.reply.bulk("groups");
    ctx.reply.array(stream.groups().size());
    for (const auto& [name, group] : stream.groups()) {
        full_group(ctx, stream, name, *group, max);
    }
}

void reply_end(Context& ctx, const StreamValue& stream, bool last) {
    if (stream.size() == 0) {
        ctx.reply.null();
        return;
    }
    stream.visit({}, StreamId::max(), last, [&ctx](const StreamEntry& entry) {
        reply_stream_entry(ctx, entry);
        return false;
    });
}

void do_xinfo_stream(Context& ctx) {
    constexpr std::int64_t kCountDefault = 10;
    StreamValue* stream = nullptr;
    if (!find_stream(ctx, &stream)) {
        return;
    }
    if (ctx.argc() == 3) {
        ctx.reply.map(10);
        stream_head(ctx, *stream);
        number(ctx, "groups", as_signed(stream->groups().size()));
        ctx.reply.bulk("first-entry");
        reply_end(ctx, *stream, false);
        ctx.reply.bulk("last-entry");
        reply_end(ctx, *stream, true);
        return;
    }
    std::int64_t count = kCountDefault;
    if (!ctx.arg_is(3, "FULL") || (ctx.argc() != 4 && ctx.argc() != 6)
        || (ctx.argc() == 6 && !ctx.arg_is(4, "COUNT"))) {
        stream_subcommand_error(ctx, "XINFO");
        return;
    }
    if (ctx.argc() == 6) {
        if (!ctx.integer(5, &count)) {
            return;
        }
        if (count < 0) {
            count = kCountDefault;
        }
    }
    stream_full(ctx, *stream, count);
}

void do_xinfo_groups(Context& ctx) {
    StreamValue* stream = nullptr;
    if (!find_stream(ctx, &stream)) {
        return;
    }
    ctx.reply.array(stream->groups().size());
    for (const auto& [name, group] : stream->groups()) {
        ctx.reply.map(6);
        ctx.reply.bulk("name");
        ctx.reply.bulk(name);
        number(ctx, "consumers", as_signed(group->consumers().size()));
        number(ctx, "pending", as_signed(group->pending().size()));
        id(ctx, "last-delivered-id", group->last_id);
        group_progress(ctx, *stream, *group);
    }
}

void do_xinfo_consumers(Context& ctx) {
    StreamValue* stream = nullptr;
    if (!find_stream(ctx, &stream)) {
        return;
    }
    const StreamGroup* group = stream->find_group(ctx.arg(3));
    if (group == nullptr) {
        ctx.error(
            "NOGROUP No such consumer group '" + std::string(ctx.arg(3)) + "' for key name '"
            + std::string(ctx.arg(2)) + "'"
        );
        return;
    }
    ctx.reply.array(group->consumers().size());
    for (const auto& [name, consumer] : group->consumers()) {
        ctx.reply.map(3);
        ctx.reply.bulk("name");
        ctx.reply.bulk(name);
        number(ctx, "pending", as_signed(consumer->pending.size()));
        number(ctx, "idle", std::max<std::int64_t>(ctx.now_ms() - consumer->seen_ms, 0));
    }
}

void do_xinfo_help(Context& ctx) {
    static constexpr ByteView kLines[] = {
        "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CONSUMERS <key> <groupname>",
        "    List the consumers of a group.",
        "GROUPS <key>",
        "    List the groups of a stream.",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    Tell about a stream.",
        "HELP",
        "    Prints this help."};
    ctx.reply.array(std::size(kLines));
    for (const ByteView line : kLines) {
        ctx.reply.simple(line);
    }
}

}  // namespace

void add_stream_info_commands(HandlerTable& table) {
    table.add({
        {"xinfo|stream", do_xinfo_stream},
        {"xinfo|groups", do_xinfo_groups},
        {"xinfo|consumers", do_xinfo_consumers},
        {"xinfo|help", do_xinfo_help},
    });
}

}  // namespace kumo::kv
