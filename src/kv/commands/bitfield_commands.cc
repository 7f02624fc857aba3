// BITFIELD and BITFIELD_RO (Redis 7.0): integers of any width in a string.
#include "kv/command/handlers.h"
#include "kv/commands/bit_range.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace kumo::kv {

namespace {

enum class Overflow : std::uint8_t {
    kWrap,
    kSaturate,
    kFail
};
enum class FieldAction : std::uint8_t {
    kGet,
    kSet,
    kIncrement
};

struct FieldOperation {
    FieldAction action = FieldAction::kGet;
    Overflow overflow = Overflow::kWrap;
    bool is_signed = false;
    unsigned width = 0;
    std::uint64_t offset = 0;
    std::int64_t value = 0;

    std::uint64_t end() const { return offset + width; }
};

__extension__ using Wide = __int128;

bool read_type(Context& ctx, std::size_t index, FieldOperation* out) {
    const ByteView text = ctx.arg(index);
    const bool is_signed = !text.empty() && text.front() == 'i';
    const auto width = text.empty() ? std::nullopt : parse_integer(text.substr(1));
    if ((!is_signed && (text.empty() || text.front() != 'u')) || !width.has_value() || *width < 1
        || *width > (is_signed ? 64 : 63)) {
        ctx.error(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported "
            "but i64 is."
        );
        return false;
    }
    out->is_signed = is_signed;
    out->width = static_cast<unsigned>(*width);
    return true;
}

bool read_overflow(Context& ctx, std::size_t index, Overflow* out) {
    if (ctx.arg_is(index, "WRAP")) {
        *out = Overflow::kWrap;
    } else if (ctx.arg_is(index, "SAT")) {
        *out = Overflow::kSaturate;
    } else if (ctx.arg_is(index, "FAIL")) {
        *out = Overflow::kFail;
    } else {
        ctx.error("ERR Invalid OVERFLOW type specified");
        return false;
    }
    return true;
}

bool read_operations(Context& ctx, bool read_only, std::vector<FieldOperation>* out) {
    Overflow overflow = Overflow::kWrap;
    for (std::size_t i = 2; i < ctx.argc();) {
        const std::size_t left = ctx.argc() - i;
        FieldOperation operation;
        operation.overflow = overflow;
        if (ctx.arg_is(i, "GET") && left >= 3) {
            operation.action = FieldAction::kGet;
        } else if (ctx.arg_is(i, "SET") && left >= 4) {
            operation.action = FieldAction::kSet;
        } else if (ctx.arg_is(i, "INCRBY") && left >= 4) {
            operation.action = FieldAction::kIncrement;
        } else if (ctx.arg_is(i, "OVERFLOW") && left >= 2) {
            if (!read_overflow(ctx, i + 1, &overflow)) {
                return false;
            }
            i += 2;
            continue;
        } else {
            ctx.syntax_error();
            return false;
        }
        if (!read_type(ctx, i + 1, &operation)
            || !read_bit_offset(ctx, i + 2, operation.width, &operation.offset)) {
            return false;
        }
        if (operation.action != FieldAction::kGet) {
            if (read_only) {
                ctx.error("ERR BITFIELD_RO only supports the GET subcommand");
                return false;
            }
            if (!ctx.integer(i + 3, &operation.value)) {
                return false;
            }
        }
        i += operation.action == FieldAction::kGet ? 3 : 4;
        out->push_back(operation);
    }
    return true;
}

std::uint64_t load_field(ByteView bytes, const FieldOperation& field) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < field.width; ++i) {
        const std::uint64_t at = field.offset + i;
        const unsigned char byte =
            at / 8 < bytes.size() ? static_cast<unsigned char>(bytes[at / 8]) : 0;
        value = (value << 1U) | ((byte >> (7 - at % 8)) & 1U);
    }
    return value;
}

void store_field(char* bytes, const FieldOperation& field, std::uint64_t value) {
    for (unsigned i = 0; i < field.width; ++i) {
        const std::uint64_t at = field.offset + i;
        const auto mask = static_cast<unsigned char>(1U << (7 - at % 8));
        const bool bit = ((value >> (field.width - 1 - i)) & 1U) != 0;
        auto byte = static_cast<unsigned char>(bytes[at / 8]);
        byte = static_cast<unsigned char>(bit ? byte | mask : byte & ~mask);
        bytes[at / 8] = static_cast<char>(byte);
    }
}

std::int64_t as_number(const FieldOperation& field, std::uint64_t raw) {
    if (field.is_signed && field.width < 64 && ((raw >> (field.width - 1)) & 1U) != 0) {
        raw |= ~std::uint64_t{0} << field.width;
    }
    return static_cast<std::int64_t>(raw);
}

/// The field's new content; nothing: it does not fit, and the operation fails.
std::optional<std::uint64_t> fitted(const FieldOperation& field, Wide value) {
    const Wide low = field.is_signed ? -(Wide{1} << (field.width - 1)) : 0;
    const Wide high = (Wide{1} << (field.is_signed ? field.width - 1 : field.width)) - 1;
    if (value < low || value > high) {
        switch (field.overflow) {
            case Overflow::kFail: return std::nullopt;
            case Overflow::kSaturate: value = value < low ? low : high; break;
            case Overflow::kWrap: break;
        }
    }
    const auto bits = static_cast<std::uint64_t>(value);
    return field.width == 64 ? bits : bits & ((std::uint64_t{1} << field.width) - 1);
}

/// Whether that counts as a change: an increment always does, a SET if the field holds something
/// else now; nothing does that failed by its OVERFLOW.
bool write_field(Context& ctx, char* bytes, std::size_t size, const FieldOperation& field) {
    const std::uint64_t was = load_field({bytes, size}, field);
    const std::int64_t old = as_number(field, was);
    // The value to set is taken as it is written; -1 in an unsigned field is above its range, as in
    // Redis, where it is read as an unsigned number.
    Wide wanted = field.value;
    if (field.action == FieldAction::kIncrement) {
        wanted = static_cast<Wide>(old) + field.value;
    } else if (!field.is_signed) {
        wanted = static_cast<std::uint64_t>(field.value);
    }
    const auto content = fitted(field, wanted);
    if (!content.has_value()) {
        ctx.reply.null();
        return false;
    }
    store_field(bytes, field, *content);
    ctx.reply.integer(field.action == FieldAction::kSet ? old : as_number(field, *content));
    return field.action == FieldAction::kIncrement || *content != was;
}

void bitfield(Context& ctx, bool read_only) {
    std::vector<FieldOperation> operations;
    if (!read_operations(ctx, read_only, &operations)) {
        return;
    }
    const bool writes =
        std::any_of(operations.begin(), operations.end(), [](const FieldOperation& operation) {
            return operation.action != FieldAction::kGet;
        });
    const ByteView key = ctx.arg(1);
    const Entry* entry = writes ? ctx.lookup_write(key) : ctx.lookup_read(key);
    if (entry != nullptr && !entry->is_string()) {
        ctx.wrong_type();
        return;
    }
    char* data = nullptr;
    std::size_t size = entry == nullptr ? 0 : entry->string().size();
    const std::size_t old_size = size;
    if (writes) {
        for (const FieldOperation& operation : operations) {
            if (operation.action != FieldAction::kGet) {
                size = std::max(size, static_cast<std::size_t>((operation.end() + 7) / 8));
            }
        }
        data = editable_string(ctx, key, size);
    }
    ctx.reply.array(operations.size());
    std::int64_t changes = 0;
    for (const FieldOperation& operation : operations) {
        if (operation.action == FieldAction::kGet) {
            const ByteView bytes = data != nullptr    ? ByteView(data, size)
                                   : entry == nullptr ? ByteView{}
                                                      : entry->string();
            ctx.reply.integer(as_number(operation, load_field(bytes, operation)));
        } else {
            const bool counts = write_field(ctx, data, size, operation);
            changes += counts || size > old_size ? 1 : 0;
        }
    }
    if (changes > 0) {
        ctx.changed(key, EventClass::kString, "setbit", changes);
    }
}

void do_bitfield(Context& ctx) {
    bitfield(ctx, false);
}

void do_bitfield_ro(Context& ctx) {
    bitfield(ctx, true);
}

}  // namespace

void add_bitfield_commands(HandlerTable& table) {
    table.add({
        {"bitfield", do_bitfield},
        {"bitfield_ro", do_bitfield_ro},
    });
}

}  // namespace kumo::kv
