// Groups of a stream: XGROUP, XACK, XPENDING, XCLAIM, XAUTOCLAIM (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/stream_arguments.h"
#include "kv/types/stream.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

constexpr std::int64_t kLongMax = std::numeric_limits<std::int64_t>::max();

// XGROUP ------------------------------------------------------------------------------------------

bool find_stream(Context& ctx, StreamValue** stream) {
    if (!ctx.find_write(ctx.arg(2), stream)) {
        return false;
    }
    if (*stream == nullptr) {
        ctx.error(
            "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may "
            "want "
            "to use the MKSTREAM option to create an empty stream automatically."
        );
        return false;
    }
    return true;
}

bool find_named_group(Context& ctx, StreamValue** stream, StreamGroup** group) {
    if (!find_stream(ctx, stream)) {
        return false;
    }
    *group = (*stream)->find_group(ctx.arg(3));
    if (*group == nullptr) {
        ctx.error(
            "NOGROUP No such consumer group '" + std::string(ctx.arg(3)) + "' for key name '"
            + std::string(ctx.arg(2)) + "'"
        );
        return false;
    }
    return true;
}

bool read_group_options(Context& ctx, bool creates, bool* makes, std::int64_t* entries_read) {
    for (std::size_t i = 5; i < ctx.argc(); ++i) {
        if (creates && ctx.arg_is(i, "MKSTREAM")) {
            *makes = true;
        } else if (ctx.arg_is(i, "ENTRIESREAD") && i + 1 < ctx.argc()) {
            if (!ctx.integer(++i, entries_read)) {
                return false;
            }
            if (*entries_read < 0 && *entries_read != StreamGroup::kReadUnknown) {
                ctx.error("ERR value for ENTRIESREAD must be positive or -1");
                return false;
            }
        } else {
            stream_subcommand_error(ctx, "XGROUP");
            return false;
        }
    }
    return true;
}

bool read_group_id(Context& ctx, const StreamValue* stream, StreamId* out) {
    if (ctx.arg(4) == "$") {
        *out = stream == nullptr ? StreamId{} : stream->last_id();
        return true;
    }
    return read_stream_id(ctx, 4, out);
}

void do_xgroup_create(Context& ctx) {
    bool makes = false;
    std::int64_t entries_read = StreamGroup::kReadUnknown;
    StreamValue* stream = nullptr;
    if (!read_group_options(ctx, true, &makes, &entries_read)
        || !(makes ? ctx.find_write(ctx.arg(2), &stream) : find_stream(ctx, &stream))) {
        return;
    }
    StreamId id;
    if (!read_group_id(ctx, stream, &id)) {
        return;
    }
    if (stream == nullptr) {
        (void)ctx.find_or_make(ctx.arg(2), &stream);
    }
    if (stream->create_group(ctx.arg(3), id, entries_read) == nullptr) {
        ctx.error("BUSYGROUP Consumer Group name already exists");
        return;
    }
    ctx.reply.ok();
    ctx.changed(ctx.arg(2), EventClass::kStream, "xgroup-create");
}

void do_xgroup_setid(Context& ctx) {
    bool makes = false;
    std::int64_t entries_read = StreamGroup::kReadUnknown;
    StreamValue* stream = nullptr;
    StreamGroup* group = nullptr;
    StreamId id;
    if (!read_group_options(ctx, false, &makes, &entries_read)
        || !find_named_group(ctx, &stream, &group)) {
        return;
    }
    // Here `-` and `+` are ids too, unlike in CREATE.
    if (ctx.arg(4) == "+") {
        id = StreamId::max();
    } else if (ctx.arg(4) != "-" && !read_group_id(ctx, stream, &id)) {
        return;
    }
    group->last_id = id;
    group->entries_read = entries_read;
    ctx.reply.ok();
    ctx.changed(ctx.arg(2), EventClass::kStream, "xgroup-setid");
}

void do_xgroup_destroy(Context& ctx) {
    StreamValue* stream = nullptr;
    if (!find_stream(ctx, &stream)) {
        return;
    }
    const bool removed = stream->remove_group(ctx.arg(3));
    if (removed) {
        ctx.changed(ctx.arg(2), EventClass::kStream, "xgroup-destroy");
        ctx.mark_ready(ctx.arg(2));  // Who waits for the group gets an error.
    }
    ctx.reply.integer(removed ? 1 : 0);
}

void do_xgroup_createconsumer(Context& ctx) {
    StreamValue* stream = nullptr;
    StreamGroup* group = nullptr;
    if (!find_named_group(ctx, &stream, &group)) {
        return;
    }
    const bool made = group->create_consumer(ctx.arg(4), ctx.now_ms()) != nullptr;
    if (made) {
        ctx.changed(ctx.arg(2), EventClass::kStream, "xgroup-createconsumer");
    }
    ctx.reply.integer(made ? 1 : 0);
}

void do_xgroup_delconsumer(Context& ctx) {
    StreamValue* stream = nullptr;
    StreamGroup* group = nullptr;
    if (!find_named_group(ctx, &stream, &group)) {
        return;
    }
    std::size_t pending = 0;
    if (StreamConsumer* consumer = group->find_consumer(ctx.arg(4)); consumer != nullptr) {
        pending = group->remove_consumer(consumer);
        ctx.changed(ctx.arg(2), EventClass::kStream, "xgroup-delconsumer");
    }
    ctx.reply.integer(static_cast<std::int64_t>(pending));
}

void do_xgroup_help(Context& ctx) {
    static constexpr ByteView kLines[] = {
        "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CREATE <key> <groupname> <id|$> [option]",
        "    Make a group. Options: MKSTREAM, ENTRIESREAD entries_read.",
        "CREATECONSUMER <key> <groupname> <consumer>",
        "    Make a consumer of the group.",
        "DELCONSUMER <key> <groupname> <consumer>",
        "    Remove a consumer of the group.",
        "DESTROY <key> <groupname>",
        "    Remove the group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
        "    Set the last entry the group was given.",
        "HELP",
        "    Prints this help."};
    ctx.reply.array(std::size(kLines));
    for (const ByteView line : kLines) {
        ctx.reply.simple(line);
    }
}

// XACK, XPENDING ----------------------------------------------------------------------------------

void do_xack(Context& ctx) {
    StreamValue* stream = nullptr;
    if (!ctx.find_read(ctx.arg(1), &stream)) {
        return;
    }
    StreamGroup* group = stream == nullptr ? nullptr : stream->find_group(ctx.arg(2));
    if (group == nullptr) {
        ctx.reply.integer(0);
        return;
    }
    std::vector<StreamId> ids(ctx.argc() - 3);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!read_stream_id(ctx, i + 3, &ids[i])) {
            return;
        }
    }
    std::int64_t acknowledged = 0;
    for (const StreamId id : ids) {
        acknowledged += group->acknowledge(id) ? 1 : 0;
    }
    ctx.add_dirty(acknowledged);
    ctx.reply.integer(acknowledged);
}

bool find_group_of_key(Context& ctx, StreamValue** stream, StreamGroup** group) {
    if (!ctx.find_read(ctx.arg(1), stream)) {
        return false;
    }
    *group = *stream == nullptr ? nullptr : (*stream)->find_group(ctx.arg(2));
    if (*group == nullptr) {
        ctx.error(
            "NOGROUP No such key '" + std::string(ctx.arg(1)) + "' or consumer group '"
            + std::string(ctx.arg(2)) + "'"
        );
        return false;
    }
    return true;
}

void pending_summary(Context& ctx, const StreamGroup& group) {
    const auto& pending = group.pending();
    ctx.reply.array(4);
    ctx.reply.integer(static_cast<std::int64_t>(pending.size()));
    if (pending.empty()) {
        ctx.reply.null();
        ctx.reply.null();
        ctx.reply.null_array();
        return;
    }
    reply_stream_id(ctx, pending.begin()->first);
    reply_stream_id(ctx, pending.rbegin()->first);
    const std::size_t mark = ctx.reply.mark();
    std::size_t consumers = 0;
    for (const auto& [name, consumer] : group.consumers()) {
        if (!consumer->pending.empty()) {
            ctx.reply.array(2);
            ctx.reply.bulk(name);
            ctx.reply.bulk_integer(static_cast<std::int64_t>(consumer->pending.size()));
            ++consumers;
        }
    }
    ctx.reply.insert_array(mark, consumers);
}

struct PendingQuery {
    std::int64_t min_idle = 0;
    StreamId first;
    StreamId last;
    std::int64_t count = 0;
    ByteView consumer;
    bool of_consumer = false;
};

bool read_pending_query(Context& ctx, PendingQuery* out) {
    std::size_t at = 3;
    if (ctx.argc() < 6 || ctx.argc() > 9) {
        ctx.syntax_error();
        return false;
    }
    if (ctx.arg_is(3, "IDLE")) {
        if (!ctx.integer(4, &out->min_idle)) {
            return false;
        }
        at = 5;
    }
    if (ctx.argc() < at + 3 || ctx.argc() > at + 4) {
        ctx.syntax_error();
        return false;
    }
    if (!read_stream_count(ctx, at + 2, &out->count) || !read_range_start(ctx, at, &out->first)
        || !read_range_end(ctx, at + 1, &out->last)) {
        return false;
    }
    out->of_consumer = ctx.argc() == at + 4;
    if (out->of_consumer) {
        out->consumer = ctx.arg(at + 3);
    }
    return true;
}

/// The one pending entry that a step of either map leads to.
const StreamPending& pending_of(const StreamPending& pending) {
    return pending;
}

const StreamPending& pending_of(const StreamPending* pending) {
    return *pending;
}

template <typename Map>
void pending_list(Context& ctx, const Map& map, const PendingQuery& query) {
    const std::size_t mark = ctx.reply.mark();
    std::int64_t found = 0;
    for (auto at = map.lower_bound(query.first);
         at != map.end() && at->first <= query.last && found < query.count;
         ++at) {
        const StreamPending& pending = pending_of(at->second);
        const std::int64_t idle = std::max<std::int64_t>(ctx.now_ms() - pending.delivered_ms, 0);
        if (idle < query.min_idle) {
            continue;
        }
        ctx.reply.array(4);
        reply_stream_id(ctx, at->first);
        ctx.reply.bulk(pending.consumer->name);
        ctx.reply.integer(idle);
        ctx.reply.integer(static_cast<std::int64_t>(pending.deliveries));
        ++found;
    }
    ctx.reply.insert_array(mark, static_cast<std::size_t>(found));
}

void do_xpending(Context& ctx) {
    PendingQuery query;
    const bool summary = ctx.argc() == 3;
    StreamValue* stream = nullptr;
    StreamGroup* group = nullptr;
    if ((!summary && !read_pending_query(ctx, &query))
        || !find_group_of_key(ctx, &stream, &group)) {
        return;
    }
    if (summary) {
        pending_summary(ctx, *group);
    } else if (!query.of_consumer) {
        pending_list(ctx, group->pending(), query);
    } else if (const StreamConsumer* consumer = group->find_consumer(query.consumer);
               consumer != nullptr) {
        pending_list(ctx, consumer->pending, query);
    } else {
        ctx.reply.array(0);
    }
}

// XCLAIM, XAUTOCLAIM ------------------------------------------------------------------------------

struct ClaimOptions {
    std::int64_t min_idle = 0;
    std::size_t ids_end = 5;
    std::int64_t delivered_ms = 0;
    std::int64_t deliveries = -1;
    bool force = false;
    bool just_id = false;
    StreamId last_id;
};

bool read_claim_options(Context& ctx, ClaimOptions* out) {
    while (out->ids_end < ctx.argc() && parse_stream_id(ctx.arg(out->ids_end), 0).has_value()) {
        ++out->ids_end;
    }
    out->delivered_ms = ctx.now_ms();
    for (std::size_t i = out->ids_end; i < ctx.argc(); ++i) {
        const bool more = i + 1 < ctx.argc();
        if (ctx.arg_is(i, "FORCE")) {
            out->force = true;
        } else if (ctx.arg_is(i, "JUSTID")) {
            out->just_id = true;
        } else if (more && ctx.arg_is(i, "IDLE")) {
            std::int64_t idle = 0;
            if (!ctx.integer(++i, &idle, "ERR Invalid IDLE option argument for XCLAIM")) {
                return false;
            }
            if (__builtin_sub_overflow(ctx.now_ms(), idle, &out->delivered_ms)) {
                out->delivered_ms = ctx.now_ms();
            }
        } else if (more && ctx.arg_is(i, "TIME")) {
            if (!ctx.integer(
                    ++i,
                    &out->delivered_ms,
                    "ERR Invalid TIME option argument for XCLAIM"
                )) {
                return false;
            }
        } else if (more && ctx.arg_is(i, "RETRYCOUNT")) {
            if (!ctx.integer(
                    ++i,
                    &out->deliveries,
                    "ERR Invalid RETRYCOUNT option argument for XCLAIM"
                )) {
                return false;
            }
        } else if (more && ctx.arg_is(i, "LASTID")) {
            if (!read_stream_id(ctx, ++i, &out->last_id)) {
                return false;
            }
        } else {
            ctx.error("ERR Unrecognized XCLAIM option '" + std::string(ctx.arg(i)) + "'");
            return false;
        }
    }
    if (out->delivered_ms < 0 || out->delivered_ms > ctx.now_ms()) {
        out->delivered_ms = ctx.now_ms();
    }
    return true;
}

/// What is claimed in one command.
struct Claim {
    Context& ctx;
    const StreamValue& stream;
    StreamGroup& group;
    bool just_id;
    std::int64_t delivered_ms;
    std::int64_t deliveries;  ///< -1: one more than before.

    ByteView key() const { return ctx.arg(1); }

    ByteView group_name() const { return ctx.arg(2); }

    /// The entry is no longer in the stream: it is not pending any more either.
    void drop(StreamId id) {
        const StreamPending* pending = group.find_pending(id);
        propagate_claim(ctx, key(), group_name(), id, group, *pending);
        group.acknowledge(id);
        ctx.add_dirty(1);
    }

    void take(StreamId id, StreamConsumer& consumer) {
        StreamPending& pending = group.assign(id, consumer);
        pending.delivered_ms = delivered_ms;
        if (deliveries >= 0) {
            pending.deliveries = static_cast<std::uint64_t>(deliveries);
        } else if (!just_id) {
            ++pending.deliveries;
        }
        if (just_id) {
            reply_stream_id(ctx, id);
        } else {
            stream.visit(id, id, false, [this](const StreamEntry& entry) {
                reply_stream_entry(ctx, entry);
                return false;
            });
        }
        propagate_claim(ctx, key(), group_name(), id, group, pending);
        ctx.add_dirty(1);
    }
};

/// How many were claimed.
std::size_t claim_ids(Claim& claim, const ClaimOptions& options, bool* told) {
    Context& ctx = claim.ctx;
    std::size_t claimed = 0;
    for (std::size_t i = 5; i < options.ids_end; ++i) {
        const StreamId id = parse_stream_id(ctx.arg(i), 0).value_or(StreamId{});
        const StreamPending* pending = claim.group.find_pending(id);
        if (!claim.stream.contains(id)) {
            if (pending != nullptr) {
                claim.drop(id);
                *told = true;
            }
            continue;
        }
        if (pending == nullptr && !options.force) {
            continue;
        }
        if (pending != nullptr && options.min_idle > 0
            && ctx.now_ms() - pending->delivered_ms < options.min_idle) {
            continue;
        }
        claim.take(id, touch_consumer(ctx, ctx.arg(1), claim.group, ctx.arg(3)));
        *told = true;
        ++claimed;
    }
    return claimed;
}

void do_xclaim(Context& ctx) {
    StreamValue* stream = nullptr;
    StreamGroup* group = nullptr;
    ClaimOptions options;
    StreamId first;
    if (!find_group_of_key(ctx, &stream, &group)
        || !ctx.integer(4, &options.min_idle, "ERR Invalid min-idle-time argument for XCLAIM")
        || !read_stream_id(ctx, 5, &first) || !read_claim_options(ctx, &options)) {
        return;
    }
    ctx.propagate_nothing();
    const bool moved = options.last_id > group->last_id;
    if (moved && stream->next_after(group->last_id) == options.last_id) {
        stream->note_read(*group, options.last_id);  // As XREADGROUP tells of what it gave out.
    } else if (moved) {
        group->last_id = options.last_id;
    }
    Claim claim{ctx, *stream, *group, options.just_id, options.delivered_ms, options.deliveries};
    bool told = false;
    const std::size_t mark = ctx.reply.mark();
    const std::size_t claimed = claim_ids(claim, options, &told);
    ctx.reply.insert_array(mark, claimed);
    if (moved && !told) {
        propagate_group_id(ctx, ctx.arg(1), ctx.arg(2), *group);
        ctx.add_dirty(1);
    }
}

struct AutoClaimOptions {
    std::int64_t min_idle = 0;
    StreamId first;
    std::int64_t count = 100;
    bool just_id = false;
};

bool read_auto_claim_options(Context& ctx, AutoClaimOptions* out) {
    constexpr std::int64_t kCountMax = kLongMax / 16;
    if (!ctx.integer(4, &out->min_idle, "ERR Invalid min-idle-time argument for XAUTOCLAIM")
        || !read_range_start(ctx, 5, &out->first)) {
        return false;
    }
    for (std::size_t i = 6; i < ctx.argc(); ++i) {
        if (ctx.arg_is(i, "COUNT") && i + 1 < ctx.argc()) {
            if (!ctx.integer_in(++i, 1, kCountMax, &out->count, "ERR COUNT must be > 0")) {
                return false;
            }
        } else if (ctx.arg_is(i, "JUSTID")) {
            out->just_id = true;
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

void do_xautoclaim(Context& ctx) {
    constexpr std::int64_t kAttemptsPerWanted = 10;
    AutoClaimOptions options;
    StreamValue* stream = nullptr;
    StreamGroup* group = nullptr;
    if (!read_auto_claim_options(ctx, &options) || !find_group_of_key(ctx, &stream, &group)) {
        return;
    }
    ctx.propagate_nothing();
    StreamConsumer& consumer = touch_consumer(ctx, ctx.arg(1), *group, ctx.arg(3));
    Claim claim{ctx, *stream, *group, options.just_id, ctx.now_ms(), -1};
    const std::size_t mark = ctx.reply.mark();
    std::size_t claimed = 0;
    std::vector<StreamId> deleted;
    std::int64_t attempts = options.count * kAttemptsPerWanted;
    auto at = group->pending().lower_bound(options.first);
    while (at != group->pending().end() && attempts-- > 0 && options.count > 0) {
        const StreamId id = at->first;
        const std::int64_t idle = ctx.now_ms() - at->second.delivered_ms;
        ++at;
        if (!stream->contains(id)) {
            claim.drop(id);
            deleted.push_back(id);
            --options.count;
        } else if (options.min_idle <= 0 || idle >= options.min_idle) {
            claim.take(id, consumer);
            ++claimed;
            --options.count;
        }
    }
    const StreamId next = at == group->pending().end() ? StreamId{} : at->first;
    const std::string entries(ByteView(ctx.reply.bytes()).substr(mark));
    ctx.reply.rewind(mark);
    ctx.reply.array(3);
    reply_stream_id(ctx, next);
    ctx.reply.array(claimed);
    ctx.reply.raw(entries);
    ctx.reply.array(deleted.size());
    for (const StreamId id : deleted) {
        reply_stream_id(ctx, id);
    }
}

}  // namespace

void add_stream_group_commands(HandlerTable& table) {
    table.add({
        {"xgroup|create", do_xgroup_create},
        {"xgroup|setid", do_xgroup_setid},
        {"xgroup|destroy", do_xgroup_destroy},
        {"xgroup|createconsumer", do_xgroup_createconsumer},
        {"xgroup|delconsumer", do_xgroup_delconsumer},
        {"xgroup|help", do_xgroup_help},
        {"xack", do_xack},
        {"xpending", do_xpending},
        {"xclaim", do_xclaim},
        {"xautoclaim", do_xautoclaim},
    });
}

}  // namespace kumo::kv
