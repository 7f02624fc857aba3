// XREAD and XREADGROUP (Redis 7.0).
#include "base/assert.h"
#include "kv/command/handlers.h"
#include "kv/commands/stream_arguments.h"
#include "kv/types/stream.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

/// One stream to read from: what is after `after`, or the group's news.
struct ReadSource {
    ByteView key;
    StreamId after;
    bool news = false;  ///< `>`.
};

struct ReadOptions {
    bool of_group = false;
    ByteView group;
    ByteView consumer;
    bool no_ack = false;
    bool blocks = false;
    std::int64_t timeout_ms = 0;
    std::int64_t count = 0;  ///< 0: all.
    std::size_t first_key = 0;
    std::size_t streams = 0;
};

bool read_block_timeout(Context& ctx, std::size_t index, ReadOptions* out) {
    if (!ctx.integer(index, &out->timeout_ms, "ERR timeout is not an integer or out of range")) {
        return false;
    }
    if (out->timeout_ms < 0) {
        ctx.error("ERR timeout is negative");
        return false;
    }
    if (out->timeout_ms > INT64_MAX - ctx.now_ms()) {
        ctx.error("ERR timeout is out of range");
        return false;
    }
    out->blocks = true;
    return true;
}

bool read_streams_word(Context& ctx, std::size_t index, bool of_group, ReadOptions* out) {
    out->first_key = index + 1;
    const std::size_t left = ctx.argc() - out->first_key;
    if (left % 2 != 0) {
        ctx.error(
            "ERR Unbalanced '" + ctx.spec().full_name()
            + "' list of streams: for each stream key an ID or '" + (of_group ? '>' : '$')
            + "' must be specified."
        );
        return false;
    }
    out->streams = left / 2;
    return true;
}

bool only_of_group(Context& ctx, bool of_group, const char* option) {
    if (!of_group) {
        ctx.error(
            "ERR The " + std::string(option)
            + " option is only supported by XREADGROUP. You called XREAD instead."
        );
    }
    return of_group;
}

bool read_options(Context& ctx, bool of_group, ReadOptions* out) {
    for (std::size_t i = 1; i < ctx.argc() && out->first_key == 0; ++i) {
        const std::size_t left = ctx.argc() - i - 1;
        bool good = true;
        if (left >= 1 && ctx.arg_is(i, "BLOCK")) {
            good = read_block_timeout(ctx, ++i, out);
        } else if (left >= 1 && ctx.arg_is(i, "COUNT")) {
            good = read_stream_count(ctx, ++i, &out->count);
        } else if (left >= 1 && ctx.arg_is(i, "STREAMS")) {
            good = read_streams_word(ctx, i, of_group, out);
        } else if (left >= 2 && ctx.arg_is(i, "GROUP")) {
            good = only_of_group(ctx, of_group, "GROUP");
            out->of_group = true;
            out->group = ctx.arg(i + 1);
            out->consumer = ctx.arg(i + 2);
            i += 2;
        } else if (ctx.arg_is(i, "NOACK")) {
            good = only_of_group(ctx, of_group, "NOACK");
            out->no_ack = true;
        } else {
            ctx.syntax_error();
            good = false;
        }
        if (!good) {
            return false;
        }
    }
    if (out->first_key == 0) {
        ctx.syntax_error();
        return false;
    }
    if (of_group && !out->of_group) {
        ctx.error("ERR Missing GROUP option for XREADGROUP");
        return false;
    }
    return true;
}

/// False: the error has been written.
bool check_group(
    Context& ctx,
    const ReadOptions& options,
    ByteView key,
    const StreamValue* stream
) {
    if (stream != nullptr && stream->find_group(options.group) != nullptr) {
        return true;
    }
    if (ctx.resumed()) {
        ctx.error(
            stream == nullptr
                ? ByteView("UNBLOCKED the stream key no longer exists")
                : ByteView("NOGROUP the consumer group this client was blocked on no longer exists")
        );
    } else {
        ctx.error(
            "NOGROUP No such key '" + std::string(key) + "' or consumer group '"
            + std::string(options.group) + "' in XREADGROUP with GROUP option"
        );
    }
    return false;
}

bool read_source_id(
    Context& ctx,
    bool of_group,
    std::size_t index,
    const StreamValue* stream,
    ReadSource* out
) {
    const ByteView text = ctx.arg(index);
    if (text == "$") {
        if (of_group) {
            ctx.error(
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the "
                "history of this consumer by specifying a proper ID, or use the > ID to get new "
                "messages. The $ ID would just return an empty result set."
            );
            return false;
        }
        out->after = stream == nullptr ? StreamId{} : stream->last_id();
        return true;
    }
    if (text == ">") {
        if (!of_group) {
            ctx.error(
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP "
                "<group> <consumer> option."
            );
            return false;
        }
        out->news = true;
        return true;
    }
    return read_stream_id(ctx, index, &out->after);
}

bool read_sources(Context& ctx, const ReadOptions& options, std::vector<ReadSource>* out) {
    for (std::size_t i = 0; i < options.streams; ++i) {
        ReadSource source;
        source.key = ctx.arg(options.first_key + i);
        const Entry* entry = ctx.lookup_read(source.key);
        if (entry != nullptr && entry->type() != Type::kStream) {
            if (ctx.resumed() && options.of_group) {
                ctx.error("UNBLOCKED the stream key no longer exists");
                return false;
            }
            if (ctx.resumed()) {
                entry = nullptr;  // Another type is not ours: it goes on waiting.
            } else {
                ctx.wrong_type();
                return false;
            }
        }
        const auto* stream =
            entry == nullptr ? nullptr : static_cast<const StreamValue*>(&entry->value());
        if ((options.of_group && !check_group(ctx, options, source.key, stream))
            || !read_source_id(
                ctx,
                options.of_group,
                options.first_key + options.streams + i,
                stream,
                &source
            )) {
            return false;
        }
        out->push_back(source);
    }
    return true;
}

std::size_t reply_plain(Context& ctx, const StreamValue& stream, StreamId first, std::int64_t max) {
    std::int64_t found = 0;
    stream.visit(first, StreamId::max(), false, [&](const StreamEntry& entry) {
        reply_stream_entry(ctx, entry);
        return ++found != max;
    });
    return static_cast<std::size_t>(found);
}

/// What is new to the group; it becomes pending for the consumer.
std::size_t reply_news(
    Context& ctx,
    const ReadOptions& options,
    const StreamValue& stream,
    ByteView key,
    StreamGroup& group,
    StreamConsumer& consumer
) {
    std::int64_t found = 0;
    StreamId first = group.last_id;
    (void)first.increment();
    stream.visit(first, StreamId::max(), false, [&](const StreamEntry& entry) {
        stream.note_read(group, entry.id);
        reply_stream_entry(ctx, entry);
        if (!options.no_ack) {
            StreamPending& pending = group.assign(entry.id, consumer);
            pending.delivered_ms = ctx.now_ms();
            pending.deliveries = 1;
            propagate_claim(ctx, key, options.group, entry.id, group, pending);
        }
        return ++found != options.count;
    });
    if (found > 0) {
        if (options.no_ack) {  // Else each claim says how far the group has come.
            propagate_group_id(ctx, key, options.group, group);
        }
        ctx.add_dirty(1);
    }
    return static_cast<std::size_t>(found);
}

/// What the consumer was given already and has not acknowledged.
std::size_t reply_history(
    Context& ctx,
    const StreamValue& stream,
    StreamId after,
    StreamConsumer& consumer,
    std::int64_t max
) {
    std::int64_t found = 0;
    for (auto at = consumer.pending.upper_bound(after); at != consumer.pending.end(); ++at) {
        bool present = false;
        stream.visit(at->first, at->first, false, [&](const StreamEntry& entry) {
            reply_stream_entry(ctx, entry);
            present = true;
            return false;
        });
        if (present) {
            at->second->delivered_ms = ctx.now_ms();
            ++at->second->deliveries;
        } else {
            ctx.reply.array(2);
            reply_stream_id(ctx, at->first);
            ctx.reply.null_array();
        }
        if (++found == max) {
            break;
        }
    }
    return static_cast<std::size_t>(found);
}

/// Whether there is something to answer for that stream (history is answered even if empty).
bool serve(Context& ctx, const ReadOptions& options, const ReadSource& source) {
    Entry* entry = ctx.lookup_quiet(source.key);
    if (entry == nullptr || entry->type() != Type::kStream) {
        return false;
    }
    auto& stream = static_cast<StreamValue&>(entry->value());
    StreamGroup* group = options.of_group ? stream.find_group(options.group) : nullptr;
    const bool history = options.of_group && !source.news;
    KUMO_ASSERT(!source.news || group != nullptr);
    const StreamId after = source.news ? group->last_id : source.after;
    if (!history && (stream.size() == 0 || stream.highest_present_id() <= after)) {
        return false;
    }
    if (ctx.reply.protocol() < 3) {
        ctx.reply.array(2);
    }
    ctx.reply.bulk(source.key);
    std::size_t found = 0;
    if (!options.of_group) {
        StreamId first = after;
        (void)first.increment();
        const std::size_t mark = ctx.reply.mark();
        found = reply_plain(ctx, stream, first, options.count);
        ctx.reply.insert_array(mark, found);
        return true;
    }
    const bool is_new = group->find_consumer(options.consumer) == nullptr;
    StreamConsumer& consumer = touch_consumer(ctx, source.key, *group, options.consumer);
    if (is_new && (options.no_ack || history)) {
        ctx.propagate({"XGROUP", "CREATECONSUMER", source.key, options.group, options.consumer});
    }
    const std::size_t mark = ctx.reply.mark();
    found = history ? reply_history(ctx, stream, after, consumer, options.count)
                    : reply_news(ctx, options, stream, source.key, *group, consumer);
    ctx.reply.insert_array(mark, found);
    return true;
}

void wait(Context& ctx, const ReadOptions& options, const std::vector<ReadSource>& sources) {
    BlockRequest request;
    request.timeout_ms = options.timeout_ms;
    request.arguments.assign(ctx.arguments().begin(), ctx.arguments().end());
    for (std::size_t i = 0; i < sources.size(); ++i) {
        request.keys.emplace_back(sources[i].key);
        if (!sources[i].news) {
            request.arguments[options.first_key + options.streams + i] = sources[i].after.text();
        }
    }
    ctx.block(std::move(request));
}

void read(Context& ctx, bool of_group) {
    ReadOptions options;
    std::vector<ReadSource> sources;
    if (!read_options(ctx, of_group, &options) || !read_sources(ctx, options, &sources)) {
        return;
    }
    if (of_group) {
        ctx.propagate_nothing();
    }
    const std::size_t mark = ctx.reply.mark();
    std::size_t served = 0;
    for (const ReadSource& source : sources) {
        served += serve(ctx, options, source) ? 1 : 0;
    }
    if (served > 0) {
        if (ctx.reply.protocol() >= 3) {
            ctx.reply.insert_map(mark, served);
        } else {
            ctx.reply.insert_array(mark, served);
        }
    } else if (options.blocks && ctx.may_block()) {
        wait(ctx, options, sources);
    } else {
        ctx.reply.null_array();
    }
}

void do_xread(Context& ctx) {
    read(ctx, false);
}

void do_xreadgroup(Context& ctx) {
    read(ctx, true);
}

}  // namespace

void add_stream_read_commands(HandlerTable& table) {
    table.add({
        {"xread", do_xread},
        {"xreadgroup", do_xreadgroup},
    });
}

}  // namespace kumo::kv
