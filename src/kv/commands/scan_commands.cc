// SCAN (Redis 7.0). The cursors of collections are with their types.
#include "kv/command/handlers.h"
#include "kv/command/words.h"
#include "kv/commands/scan_options.h"
#include "kv/keyspace/glob.h"

#include <string>
#include <vector>

namespace kumo::kv {

namespace {

/// A scan that finds nothing for long gives up its turn after that many buckets for each wanted
/// key.
constexpr std::int64_t kBucketsPerWanted = 10;

void do_scan(Context& ctx) {
    ScanCursor cursor = 0;
    ScanOptions options;
    if (!read_scan_cursor(ctx, 1, &cursor) || !read_scan_options(ctx, 2, true, &options)) {
        return;
    }
    std::vector<std::string> expired;
    const std::size_t mark = ctx.reply.mark();
    std::size_t found = 0;
    std::int64_t seen = 0;
    std::int64_t buckets = options.count * kBucketsPerWanted;
    do {
        cursor = ctx.db().scan(cursor, [&](Entry* entry) {
            ++seen;
            if (entry->expired(ctx.now_ms())) {
                expired.emplace_back(entry->key());
                return;
            }
            if (options.matches(entry->key())
                && (options.type.empty() || options.type == type_name(entry->type()))) {
                ctx.reply.bulk(entry->key());
                ++found;
            }
        });
    } while (cursor != 0 && seen < options.count && --buckets > 0);
    ctx.reply.insert_array(mark, found);
    // The cursor stands before the keys, and is known only now.
    const std::string keys(ByteView(ctx.reply.bytes()).substr(mark));
    ctx.reply.rewind(mark);
    ctx.reply.array(2);
    ctx.reply.bulk(std::to_string(cursor));
    ctx.reply.raw(keys);
    for (const std::string& key : expired) {
        (void)ctx.lookup_quiet(key);  // Removes it, if this node may.
    }
}

}  // namespace

bool ScanOptions::matches(ByteView text) const {
    return all || glob_matches(pattern, text);
}

bool read_scan_cursor(Context& ctx, std::size_t index, ScanCursor* cursor) {
    const ByteView text = ctx.arg(index);
    ScanCursor value = 0;
    bool good = !text.empty() && text.size() <= 20;
    for (const char c : text) {
        good = good && c >= '0' && c <= '9' && !__builtin_mul_overflow(value, 10U, &value)
               && !__builtin_add_overflow(value, static_cast<unsigned>(c - '0'), &value);
    }
    if (!good) {
        ctx.error("ERR invalid cursor");
        return false;
    }
    *cursor = value;
    return true;
}

bool read_scan_options(Context& ctx, std::size_t from, bool of_keys, ScanOptions* options) {
    for (std::size_t i = from; i < ctx.argc(); i += 2) {
        if (i + 1 == ctx.argc()) {
            ctx.syntax_error();
            return false;
        }
        if (ctx.arg_is(i, "COUNT")) {
            if (!ctx.integer(i + 1, &options->count)) {
                return false;
            }
            if (options->count < 1) {
                ctx.syntax_error();
                return false;
            }
        } else if (ctx.arg_is(i, "MATCH")) {
            options->pattern = ctx.arg(i + 1);
            options->all = options->pattern == "*";
        } else if (of_keys && ctx.arg_is(i, "TYPE")) {
            options->type = lower_word(ctx.arg(i + 1));
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

void add_scan_commands(HandlerTable& table) {
    table.add({{"scan", do_scan}});
}

}  // namespace kumo::kv
