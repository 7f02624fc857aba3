// How a key lies in memory: OBJECT, MEMORY USAGE (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/keyspace/access.h"

#include <string_view>

namespace kumo::kv {

namespace {

Entry* find(Context& ctx) {
    Entry* entry = ctx.lookup_quiet(ctx.arg(2));
    if (entry == nullptr) {
        ctx.reply.null();
    }
    return entry;
}

void do_encoding(Context& ctx) {
    if (const Entry* entry = find(ctx); entry != nullptr) {
        ctx.reply.bulk(encoding_name(*entry));
    }
}

void do_freq(Context& ctx) {
    const Entry* entry = find(ctx);
    if (entry == nullptr) {
        return;
    }
    const KeyspaceSettings& settings = ctx.keyspace().settings;
    if (!is_lfu(settings.policy)) {
        ctx.error(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
            "note "
            "that when switching between policies at runtime LRU and LFU data will take some time "
            "to "
            "adjust."
        );
        return;
    }
    ctx.reply.integer(lfu_frequency(settings, entry->access(), ctx.now_ms()));
}

void do_idletime(Context& ctx) {
    const Entry* entry = find(ctx);
    if (entry == nullptr) {
        return;
    }
    if (is_lfu(ctx.keyspace().settings.policy)) {
        ctx.error(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
            "switching between policies at runtime LRU and LFU data will take some time to adjust."
        );
        return;
    }
    ctx.reply.integer(idle_seconds(entry->access(), ctx.now_ms()));
}

/// Small numbers are shared in Redis, unless their access is tracked: clients see that as a count
/// without end. Ours lie in the entry, which costs no more.
void do_refcount(Context& ctx) {
    constexpr std::int64_t kShared = INT32_MAX;
    constexpr std::size_t kSharedDigits = 4;
    if (const Entry* entry = find(ctx); entry != nullptr) {
        const bool small = ctx.keyspace().settings.shares_numbers && entry->is_string()
                           && entry->string_encoding() == StringEncoding::kInt
                           && entry->string().size() <= kSharedDigits
                           && entry->string().front() != '-';
        ctx.reply.integer(small ? kShared : 1);
    }
}

void do_help(Context& ctx) {
    constexpr std::string_view kLines[] = {
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    How the value lies in memory.",
        "FREQ <key>",
        "    How often the key is used, on a logarithmic scale (with an LFU policy).",
        "IDLETIME <key>",
        "    Seconds since the key was used (with other policies).",
        "REFCOUNT <key>",
        "    How many share the value: 1, but small numbers are shared by all.",
        "HELP",
        "    Prints this help."};
    ctx.reply.array(std::size(kLines));
    for (const std::string_view line : kLines) {
        ctx.reply.simple(line);
    }
}

void do_memory_usage(Context& ctx) {
    for (std::size_t i = 3; i < ctx.argc(); i += 2) {
        std::int64_t samples = 0;
        if (!ctx.arg_is(i, "SAMPLES") || i + 1 == ctx.argc()) {
            ctx.syntax_error();
            return;
        }
        if (!ctx.integer(i + 1, &samples)) {
            return;
        }
        if (samples < 0) {
            ctx.syntax_error();
            return;
        }
    }
    if (const Entry* entry = find(ctx); entry != nullptr) {
        // A slot of the table is shared by 1.2 keys or so.
        constexpr std::size_t kSlotBytes = 11;
        ctx.reply.integer(static_cast<std::int64_t>(entry->memory_bytes() + kSlotBytes));
    }
}

}  // namespace

void add_object_commands(HandlerTable& table) {
    table.add({
        {"memory|usage", do_memory_usage},
        {"object|encoding", do_encoding},
        {"object|freq", do_freq},
        {"object|help", do_help},
        {"object|idletime", do_idletime},
        {"object|refcount", do_refcount},
    });
}

}  // namespace kumo::kv
