// Streams without groups: XADD, XTRIM, XDEL, XRANGE, XLEN, XSETID (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/stream_arguments.h"
#include "kv/types/stream.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace kumo::kv {

namespace {

/// What XADD and XTRIM are given before the entry itself.
struct AddOptions {
    bool trims = false;
    StreamValue::Trim trim;
    std::int64_t limit = 0;
    bool limit_given = false;
    std::size_t threshold_index = 0;
    bool no_make = false;
    bool id_given = false;
    bool seq_given = false;
    StreamId id;
    std::size_t id_index = 0;
};

bool read_trim(Context& ctx, std::size_t* index, bool by_length, AddOptions* out) {
    std::size_t i = *index;
    if (out->trims) {
        ctx.error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
        return false;
    }
    const bool has_operator = ctx.argc() - i > 2;
    out->trim.approximate = has_operator && ctx.arg(i + 1) == "~";
    if (has_operator && (ctx.arg(i + 1) == "~" || ctx.arg(i + 1) == "=")) {
        ++i;
    }
    ++i;
    if (by_length) {
        std::int64_t length = 0;
        if (!ctx.integer(i, &length)) {
            return false;
        }
        if (length < 0) {
            ctx.error("ERR The MAXLEN argument must be >= 0.");
            return false;
        }
        out->trim.length_max = static_cast<std::uint64_t>(length);
    } else if (!read_stream_id(ctx, i, &out->trim.id_min)) {
        return false;
    }
    out->trims = true;
    out->threshold_index = i;
    *index = i;
    return true;
}

bool check_trim(Context& ctx, bool adds, AddOptions* out) {
    if (out->limit != 0 && !out->trims) {
        ctx.error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
        return false;
    }
    if (!adds && !out->trims) {
        ctx.error("ERR syntax error, XTRIM must be called with a trimming strategy");
        return false;
    }
    if (ctx.replaying()) {
        out->limit = 0;
    } else if (out->limit_given && !out->trim.approximate) {
        ctx.error("ERR syntax error, LIMIT cannot be used without the special ~ option");
        return false;
    } else if (!out->limit_given && out->trim.approximate) {
        constexpr std::size_t kBlocks = 100;
        constexpr std::size_t kDefault = 10000;
        constexpr std::size_t kMost = 1000000;
        const std::size_t entries = std::min(ctx.limits().stream_node_max_entries, kMost);
        const std::size_t limit = entries == 0 ? kDefault : std::min(entries * kBlocks, kMost);
        out->limit = static_cast<std::int64_t>(limit);
    }
    out->trim.removed_max = static_cast<std::uint64_t>(out->limit);
    return true;
}

bool read_add_options(Context& ctx, bool adds, AddOptions* out) {
    std::size_t i = 2;
    for (; i < ctx.argc(); ++i) {
        const bool more = i + 1 < ctx.argc();
        if (adds && ctx.arg(i) == "*") {
            break;
        }
        if (more && (ctx.arg_is(i, "MAXLEN") || ctx.arg_is(i, "MINID"))) {
            if (!read_trim(ctx, &i, ctx.arg_is(i, "MAXLEN"), out)) {
                return false;
            }
        } else if (more && ctx.arg_is(i, "LIMIT")) {
            if (!ctx.integer(++i, &out->limit)) {
                return false;
            }
            if (out->limit < 0) {
                ctx.error("ERR The LIMIT argument must be >= 0.");
                return false;
            }
            out->limit_given = true;
        } else if (adds && ctx.arg_is(i, "NOMKSTREAM")) {
            out->no_make = true;
        } else if (adds) {
            if (!read_stream_id(ctx, i, &out->id, 0, &out->seq_given)) {
                return false;
            }
            out->id_given = true;
            break;
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    out->id_index = i;
    return check_trim(ctx, adds, out);
}

/// Nothing: there is no such id above the stream's last.
std::optional<StreamId> next_id(const Context& ctx, const AddOptions& options, StreamId last) {
    StreamId id = options.id;
    if (!options.id_given) {
        id = {static_cast<std::uint64_t>(ctx.now_ms()), 0};
        if (id.ms <= last.ms) {
            id = last;
            (void)id.increment();
        }
    } else if (!options.seq_given && id.ms == last.ms) {
        if (last.seq == UINT64_MAX) {
            return std::nullopt;
        }
        id.seq = last.seq + 1;
    }
    return id > last ? std::optional(id) : std::nullopt;
}

/// What an approximate trim came to, as an exact one.
void write_exact_trim(
    const StreamValue& stream,
    const AddOptions& options,
    std::vector<std::string>* command
) {
    const std::size_t at = options.threshold_index;
    (*command)[at - 1] = "=";
    (*command)[at] = options.trim.length_max.has_value() ? std::to_string(stream.size())
                                                         : stream.first_id().text();
}

void add_entry(Context& ctx, const AddOptions& options, StreamId id) {
    const ByteView key = ctx.arg(1);
    StreamValue* stream = nullptr;
    (void)ctx.find_or_make(key, &stream);
    stream->append(id, ctx.arguments().subspan(options.id_index + 1), ctx.limits());
    reply_stream_id(ctx, id);
    ctx.changed(key, EventClass::kStream, "xadd");
    std::vector<std::string> command(ctx.arguments().begin(), ctx.arguments().end());
    bool rewritten = false;
    if (options.trims) {
        if (stream->trim(options.trim) > 0) {
            ctx.notify(EventClass::kStream, "xtrim", key);
        }
        if (options.trim.approximate) {
            write_exact_trim(*stream, options, &command);
            rewritten = true;
        }
    }
    if (!options.id_given || !options.seq_given) {
        command[options.id_index] = id.text();
        rewritten = true;
    }
    if (rewritten) {
        ctx.propagate(std::move(command));
    }
    ctx.mark_ready(key);
}

void do_xadd(Context& ctx) {
    AddOptions options;
    if (!read_add_options(ctx, true, &options)) {
        return;
    }
    if (ctx.argc() < options.id_index + 3 || (ctx.argc() - options.id_index) % 2 == 0) {
        ctx.wrong_arguments();
        return;
    }
    if (options.id_given && options.seq_given && options.id.is_zero()) {
        ctx.error("ERR The ID specified in XADD must be greater than 0-0");
        return;
    }
    StreamValue* stream = nullptr;
    if (!ctx.find_write(ctx.arg(1), &stream)) {
        return;
    }
    if (stream == nullptr && options.no_make) {
        ctx.reply.null();
        return;
    }
    const StreamId last = stream == nullptr ? StreamId{} : stream->last_id();
    if (last == StreamId::max()) {
        ctx.error("ERR The stream has exhausted the last possible ID, unable to add more items");
        return;
    }
    const auto id = next_id(ctx, options, last);
    if (!id.has_value()) {
        ctx.error("ERR The ID specified in XADD is equal or smaller than the target stream top item"
        );
        return;
    }
    add_entry(ctx, options, *id);
}

void do_xtrim(Context& ctx) {
    AddOptions options;
    StreamValue* stream = nullptr;
    if (!read_add_options(ctx, false, &options) || !ctx.find_write(ctx.arg(1), &stream)) {
        return;
    }
    const std::size_t removed = stream == nullptr ? 0 : stream->trim(options.trim);
    if (removed > 0) {
        ctx.changed(ctx.arg(1), EventClass::kStream, "xtrim", static_cast<std::int64_t>(removed));
        if (options.trim.approximate) {
            std::vector<std::string> command(ctx.arguments().begin(), ctx.arguments().end());
            write_exact_trim(*stream, options, &command);
            ctx.propagate(std::move(command));
        }
    }
    ctx.reply.integer(static_cast<std::int64_t>(removed));
}

void do_xdel(Context& ctx) {
    StreamValue* stream = nullptr;
    if (!ctx.find_write(ctx.arg(1), &stream)) {
        return;
    }
    if (stream == nullptr) {
        ctx.reply.integer(0);
        return;
    }
    std::vector<StreamId> ids(ctx.argc() - 2);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!read_stream_id(ctx, i + 2, &ids[i])) {
            return;
        }
    }
    std::int64_t removed = 0;
    for (const StreamId id : ids) {
        if (stream->erase(id)) {
            stream->set_max_deleted_id(std::max(stream->max_deleted_id(), id));
            ++removed;
        }
    }
    if (removed > 0) {
        ctx.changed(ctx.arg(1), EventClass::kStream, "xdel", removed);
    }
    ctx.reply.integer(removed);
}

void do_xlen(Context& ctx) {
    StreamValue* stream = nullptr;
    if (ctx.find_read(ctx.arg(1), &stream)) {
        ctx.reply.integer(stream == nullptr ? 0 : static_cast<std::int64_t>(stream->size()));
    }
}

void range(Context& ctx, bool backwards) {
    StreamId first;
    StreamId last;
    if (!read_range_start(ctx, backwards ? 3 : 2, &first)
        || !read_range_end(ctx, backwards ? 2 : 3, &last)) {
        return;
    }
    std::int64_t count = -1;
    for (std::size_t i = 4; i < ctx.argc(); i += 2) {
        if (!ctx.arg_is(i, "COUNT") || i + 1 == ctx.argc()) {
            ctx.syntax_error();
            return;
        }
        if (!read_stream_count(ctx, i + 1, &count)) {
            return;
        }
    }
    StreamValue* stream = nullptr;
    if (!ctx.find_read(ctx.arg(1), &stream)) {
        return;
    }
    if (stream == nullptr) {
        ctx.reply.array(0);
        return;
    }
    if (count == 0) {
        ctx.reply.null_array();
        return;
    }
    const std::size_t mark = ctx.reply.mark();
    std::int64_t found = 0;
    stream->visit(first, last, backwards, [&](const StreamEntry& entry) {
        reply_stream_entry(ctx, entry);
        return ++found != count;
    });
    ctx.reply.insert_array(mark, static_cast<std::size_t>(found));
}

void do_xrange(Context& ctx) {
    range(ctx, false);
}

void do_xrevrange(Context& ctx) {
    range(ctx, true);
}

struct SetIdOptions {
    StreamId last;
    std::int64_t entries_added = -1;
    StreamId max_deleted;
};

bool read_set_id_options(Context& ctx, SetIdOptions* out) {
    if (!read_stream_id(ctx, 2, &out->last)) {
        return false;
    }
    for (std::size_t i = 3; i < ctx.argc(); i += 2) {
        const bool more = i + 1 < ctx.argc();
        if (more && ctx.arg_is(i, "ENTRIESADDED")) {
            if (!ctx.integer(i + 1, &out->entries_added)) {
                return false;
            }
            if (out->entries_added < 0) {
                ctx.error("ERR entries_added must be positive");
                return false;
            }
        } else if (more && ctx.arg_is(i, "MAXDELETEDID")) {
            if (!read_stream_id(ctx, i + 1, &out->max_deleted)) {
                return false;
            }
            if (out->last < out->max_deleted) {
                ctx.error(
                    "ERR The ID specified in XSETID is smaller than the provided "
                    "max_deleted_entry_id"
                );
                return false;
            }
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

/// What speaks against it; empty: nothing.
ByteView set_id_objection(const StreamValue& stream, const SetIdOptions& options) {
    if (options.last < stream.max_deleted_id()) {
        return "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
    }
    if (stream.size() == 0) {
        return {};
    }
    if (options.last < stream.highest_present_id()) {
        return "ERR The ID specified in XSETID is smaller than the target stream top item";
    }
    if (options.entries_added != -1
        && stream.size() > static_cast<std::uint64_t>(options.entries_added)) {
        return "ERR The entries_added specified in XSETID is smaller than the target stream length";
    }
    return {};
}

void do_xsetid(Context& ctx) {
    SetIdOptions options;
    StreamValue* stream = nullptr;
    if (!read_set_id_options(ctx, &options) || !ctx.find_write(ctx.arg(1), &stream)) {
        return;
    }
    if (stream == nullptr) {
        ctx.error(kNoSuchKey);
        return;
    }
    if (const ByteView objection = set_id_objection(*stream, options); !objection.empty()) {
        ctx.error(objection);
        return;
    }
    stream->set_last_id(options.last);
    if (options.entries_added != -1) {
        stream->set_entries_added(static_cast<std::uint64_t>(options.entries_added));
    }
    if (!options.max_deleted.is_zero()) {
        stream->set_max_deleted_id(options.max_deleted);
    }
    ctx.reply.ok();
    ctx.changed(ctx.arg(1), EventClass::kStream, "xsetid");
}

}  // namespace

void add_stream_commands(HandlerTable& table) {
    table.add({
        {"xadd", do_xadd},
        {"xtrim", do_xtrim},
        {"xdel", do_xdel},
        {"xlen", do_xlen},
        {"xrange", do_xrange},
        {"xrevrange", do_xrevrange},
        {"xsetid", do_xsetid},
    });
}

}  // namespace kumo::kv
