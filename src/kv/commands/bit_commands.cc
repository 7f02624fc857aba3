// Strings as bits: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/bit_range.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

namespace kumo::kv {

namespace {

constexpr ByteView kBadBitOffset = "ERR bit offset is not an integer or out of range";

bool find_string(Context& ctx, Entry* entry, ByteView* out) {
    if (entry != nullptr && !entry->is_string()) {
        ctx.wrong_type();
        return false;
    }
    *out = entry == nullptr ? ByteView{} : entry->string();
    return true;
}

bool bit_at(ByteView bytes, std::uint64_t offset) {
    const std::uint64_t byte = offset / 8;
    return byte < bytes.size()
           && ((static_cast<unsigned char>(bytes[byte]) >> (7 - offset % 8)) & 1U) != 0;
}

void do_setbit(Context& ctx) {
    std::uint64_t offset = 0;
    if (!read_bit_offset(ctx, 2, 0, &offset)) {
        return;
    }
    const auto bit = parse_integer(ctx.arg(3));
    if (!bit.has_value() || (*bit != 0 && *bit != 1)) {
        ctx.error("ERR bit is not an integer or out of range");
        return;
    }
    Entry* entry = ctx.lookup_write(ctx.arg(1));
    ByteView old;
    if (!find_string(ctx, entry, &old)) {
        return;
    }
    const bool was = bit_at(old, offset);
    const std::size_t needed = static_cast<std::size_t>(offset / 8) + 1;
    if (was != (*bit == 1) || needed > old.size()) {
        char* data = editable_string(ctx, ctx.arg(1), std::max(needed, old.size()));
        const auto mask = static_cast<unsigned char>(1U << (7 - offset % 8));
        auto byte = static_cast<unsigned char>(data[offset / 8]);
        byte = static_cast<unsigned char>(*bit == 1 ? byte | mask : byte & ~mask);
        data[offset / 8] = static_cast<char>(byte);
        ctx.changed(ctx.arg(1), EventClass::kString, "setbit");
    }
    ctx.reply.integer(was ? 1 : 0);
}

void do_getbit(Context& ctx) {
    std::uint64_t offset = 0;
    ByteView bytes;
    if (read_bit_offset(ctx, 2, 0, &offset)
        && find_string(ctx, ctx.lookup_read(ctx.arg(1)), &bytes)) {
        ctx.reply.integer(bit_at(bytes, offset) ? 1 : 0);
    }
}

// BITCOUNT, BITPOS ------------------------------------------------------------------------------

/// Bits [first, last] of a string.
struct BitSpan {
    std::int64_t first = 0;
    std::int64_t last = -1;

    bool empty() const { return first > last; }
};

/// Negative positions count from the end. Byte positions become bits.
BitSpan resolve_span(std::int64_t start, std::int64_t end, std::size_t bytes, bool in_bits) {
    const std::int64_t size = static_cast<std::int64_t>(bytes) * (in_bits ? 8 : 1);
    if (start < 0 && end < 0 && start > end) {
        return {};
    }
    start = std::max<std::int64_t>(start < 0 ? start + size : start, 0);
    end = std::max<std::int64_t>(end < 0 ? end + size : end, 0);
    end = std::min(end, size - 1);
    if (start > end) {
        return {};
    }
    return in_bits ? BitSpan{start, end} : BitSpan{start * 8, end * 8 + 7};
}

bool read_unit(Context& ctx, std::size_t index, bool* in_bits) {
    if (ctx.arg_is(index, "BIT")) {
        *in_bits = true;
    } else if (!ctx.arg_is(index, "BYTE")) {
        ctx.syntax_error();
        return false;
    }
    return true;
}

std::int64_t count_bits(ByteView bytes, const BitSpan& span) {
    std::int64_t count = 0;
    std::int64_t at = span.first;
    while (at <= span.last && at % 8 != 0) {
        count += bit_at(bytes, static_cast<std::uint64_t>(at++)) ? 1 : 0;
    }
    for (; at + 63 <= span.last; at += 64) {
        count += std::popcount(load_unaligned<std::uint64_t>(bytes.data() + at / 8));
    }
    while (at <= span.last) {
        count += bit_at(bytes, static_cast<std::uint64_t>(at++)) ? 1 : 0;
    }
    return count;
}

void do_bitcount(Context& ctx) {
    std::int64_t start = 0;
    std::int64_t end = -1;
    bool in_bits = false;
    if (ctx.argc() != 2) {
        if (ctx.argc() != 4 && ctx.argc() != 5) {
            ctx.syntax_error();
            return;
        }
        if (!ctx.integer(2, &start) || !ctx.integer(3, &end)
            || (ctx.argc() == 5 && !read_unit(ctx, 4, &in_bits))) {
            return;
        }
    }
    ByteView bytes;
    if (!find_string(ctx, ctx.lookup_read(ctx.arg(1)), &bytes)) {
        return;
    }
    const BitSpan span = resolve_span(start, end, bytes.size(), in_bits);
    ctx.reply.integer(span.empty() ? 0 : count_bits(bytes, span));
}

/// The first bit of that value; -1: none.
std::int64_t first_bit(ByteView bytes, const BitSpan& span, bool wanted) {
    const char skip = wanted ? '\0' : '\xff';
    for (std::int64_t at = span.first; at <= span.last;) {
        if (at % 8 == 0 && at + 7 <= span.last && bytes[static_cast<std::size_t>(at / 8)] == skip) {
            at += 8;
            continue;
        }
        if (bit_at(bytes, static_cast<std::uint64_t>(at)) == wanted) {
            return at;
        }
        ++at;
    }
    return -1;
}

void do_bitpos(Context& ctx) {
    const auto bit = parse_integer(ctx.arg(2));
    if (!bit.has_value()) {
        ctx.error(kNotInteger);
        return;
    }
    if (*bit != 0 && *bit != 1) {
        ctx.error("ERR The bit argument must be 1 or 0.");
        return;
    }
    std::int64_t start = 0;
    std::int64_t end = -1;
    bool in_bits = false;
    const bool end_given = ctx.argc() >= 5;
    if (ctx.argc() > 6) {
        ctx.syntax_error();
        return;
    }
    if ((ctx.argc() >= 4 && !ctx.integer(3, &start))
        || (ctx.argc() == 6 && !read_unit(ctx, 5, &in_bits))
        || (end_given && !ctx.integer(4, &end))) {
        return;
    }
    const Entry* entry = ctx.lookup_read(ctx.arg(1));
    if (entry == nullptr) {
        ctx.reply.integer(*bit == 1 ? -1 : 0);
        return;
    }
    if (!entry->is_string()) {
        ctx.wrong_type();
        return;
    }
    const ByteView bytes = entry->string();
    const BitSpan span = resolve_span(start, end, bytes.size(), in_bits);
    if (span.empty()) {
        ctx.reply.integer(-1);
        return;
    }
    std::int64_t found = first_bit(bytes, span, *bit == 1);
    // A string has zeros behind its end, unless the end was said.
    if (found < 0 && *bit == 0 && !end_given) {
        found = static_cast<std::int64_t>(bytes.size()) * 8;
    }
    ctx.reply.integer(found);
}

// BITOP -----------------------------------------------------------------------------------------

enum class BitOp : std::uint8_t {
    kAnd,
    kOr,
    kXor,
    kNot
};

char combine(BitOp op, const std::vector<std::string>& sources, std::size_t at) {
    const auto byte = [at](const std::string& from) {
        return at < from.size() ? static_cast<unsigned char>(from[at]) : 0U;
    };
    unsigned out = byte(sources.front());
    if (op == BitOp::kNot) {
        return static_cast<char>(~out);
    }
    for (std::size_t i = 1; i < sources.size(); ++i) {
        const unsigned other = byte(sources[i]);
        out = op == BitOp::kAnd ? out & other : op == BitOp::kOr ? out | other : out ^ other;
    }
    return static_cast<char>(out);
}

bool read_operation(Context& ctx, BitOp* op) {
    if (ctx.arg_is(1, "AND")) {
        *op = BitOp::kAnd;
    } else if (ctx.arg_is(1, "OR")) {
        *op = BitOp::kOr;
    } else if (ctx.arg_is(1, "XOR")) {
        *op = BitOp::kXor;
    } else if (ctx.arg_is(1, "NOT")) {
        *op = BitOp::kNot;
    } else {
        ctx.syntax_error();
        return false;
    }
    if (*op == BitOp::kNot && ctx.argc() != 4) {
        ctx.error("ERR BITOP NOT must be called with a single source key.");
        return false;
    }
    return true;
}

void do_bitop(Context& ctx) {
    BitOp op = BitOp::kAnd;
    if (!read_operation(ctx, &op)) {
        return;
    }
    std::vector<std::string> sources;
    std::size_t longest = 0;
    for (std::size_t i = 3; i < ctx.argc(); ++i) {
        ByteView bytes;
        if (!find_string(ctx, ctx.lookup_read(ctx.arg(i)), &bytes)) {
            return;
        }
        longest = std::max(longest, bytes.size());
        sources.emplace_back(bytes);
    }
    const ByteView target = ctx.arg(2);
    if (longest == 0) {
        if (Entry* old = ctx.lookup_write(target); old != nullptr) {
            ctx.erase(old);
            ctx.changed(target, EventClass::kGeneric, "del");
        }
        ctx.reply.integer(0);
        return;
    }
    std::string result(longest, '\0');
    for (std::size_t at = 0; at < longest; ++at) {
        result[at] = combine(op, sources, at);
    }
    const bool is_new = ctx.lookup_write(target) == nullptr;
    ctx.db().set_string(target, result, natural_encoding(result), false);
    if (is_new) {
        ctx.notify_new(target);
    }
    ctx.changed(target, EventClass::kString, "set");
    ctx.reply.integer(static_cast<std::int64_t>(longest));
}

}  // namespace

bool read_bit_offset(Context& ctx, std::size_t index, unsigned width, std::uint64_t* out) {
    ByteView text = ctx.arg(index);
    const bool counted = width > 0 && !text.empty() && text.front() == '#';
    const auto value = parse_integer(counted ? text.substr(1) : text);
    std::int64_t offset = value.value_or(-1);
    if (!value.has_value() || offset < 0
        || (counted && __builtin_mul_overflow(offset, static_cast<std::int64_t>(width), &offset))
        || (!ctx.replaying()
            && static_cast<std::uint64_t>(offset) / 8 >= ctx.keyspace().settings.string_bytes_max
        )) {
        ctx.error(kBadBitOffset);
        return false;
    }
    *out = static_cast<std::uint64_t>(offset);
    return true;
}

char* editable_string(Context& ctx, ByteView key, std::size_t size) {
    Entry* entry = ctx.db().find(key);
    if (entry == nullptr) {
        entry = ctx.db().set_string(key, {}, StringEncoding::kRaw, false);
        ctx.notify_new(key);
    }
    char* data = nullptr;
    ctx.db().resize_string(entry, size, &data);
    return data;
}

void add_bit_commands(HandlerTable& table) {
    table.add({
        {"bitcount", do_bitcount},
        {"bitop", do_bitop},
        {"bitpos", do_bitpos},
        {"getbit", do_getbit},
        {"setbit", do_setbit},
    });
}

}  // namespace kumo::kv
