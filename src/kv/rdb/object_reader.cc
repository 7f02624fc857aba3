#include "kv/rdb/object_reader.h"

#include "kv/keyspace/number.h"
#include "kv/rdb/packed.h"

#include <cmath>
#include <string>

namespace kumo::kv {

namespace {

using Count = Result<std::uint64_t>;

// Plain forms: a count, then strings.

Count read_elements(RdbInput& input, Type type, ObjectVisitor& visitor) {
    const std::uint64_t count = input.count();
    KUMO_TRY(visitor.begin(type, count));
    std::string scratch;
    for (std::uint64_t i = 0; i < count && input.ok(); ++i) {
        const ByteView element = input.string(&scratch);
        if (input.ok()) {
            KUMO_TRY(visitor.on_element(element));
        }
    }
    return count;
}

Count read_hash(RdbInput& input, bool expiring, ObjectVisitor& visitor) {
    const std::uint64_t count = input.count(2);
    KUMO_TRY(visitor.begin(Type::kHash, count));
    std::string field_scratch;
    std::string value_scratch;
    for (std::uint64_t i = 0; i < count && input.ok(); ++i) {
        const ByteView field = input.string(&field_scratch);
        const ByteView value = input.string(&value_scratch);
        const std::int64_t expiry = expiring ? input.signed64() : -1;
        if (input.ok()) {
            KUMO_TRY(visitor.on_field(
                field,
                value,
                expiry < 0 ? std::nullopt : std::optional<std::int64_t>(expiry)
            ));
        }
    }
    return count;
}

Count read_zset(RdbInput& input, bool text_scores, ObjectVisitor& visitor) {
    const std::uint64_t count = input.count(2);
    KUMO_TRY(visitor.begin(Type::kZset, count));
    std::string scratch;
    for (std::uint64_t i = 0; i < count && input.ok(); ++i) {
        const ByteView member = input.string(&scratch);
        const double score = text_scores ? input.real_text() : input.real();
        if (std::isnan(score)) {
            return input.damage("a score that is not a number");
        }
        if (input.ok()) {
            KUMO_TRY(visitor.on_scored(member, score));
        }
    }
    return count;
}

// Packed forms: the collection is one string. Each takes a reader of packed.h.

Error damaged_blob(const RdbInput& input) {
    return input.damage("a packed collection is damaged");
}

template <typename Reader>
Count visit_elements(const RdbInput& input, ByteView blob, ObjectVisitor& visitor) {
    Reader reader(blob);
    PackedElement element;
    std::uint64_t count = 0;
    for (; reader.next(&element); ++count) {
        KUMO_TRY(visitor.on_element(element.view()));
    }
    if (!reader.ok()) {
        return damaged_blob(input);
    }
    return count;
}

template <typename Reader>
Count read_packed_elements(RdbInput& input, Type type, ObjectVisitor& visitor) {
    std::string scratch;
    const ByteView blob = input.string(&scratch);
    KUMO_TRY(visitor.begin(type, 0));
    return visit_elements<Reader>(input, blob, visitor);
}

/// Calls visit(first, second) for each two elements; Count is of such pairs.
template <typename Reader, typename Visit>
Count visit_pairs(const RdbInput& input, ByteView blob, const Visit& visit) {
    Reader reader(blob);
    PackedElement first;
    PackedElement second;
    std::uint64_t count = 0;
    for (; reader.next(&first); ++count) {
        if (!reader.next(&second)) {
            return damaged_blob(input);
        }
        KUMO_TRY(visit(first, second));
    }
    if (!reader.ok()) {
        return damaged_blob(input);
    }
    return count;
}

template <typename Reader>
Count read_packed_hash(RdbInput& input, ObjectVisitor& visitor) {
    std::string scratch;
    const ByteView blob = input.string(&scratch);
    KUMO_TRY(visitor.begin(Type::kHash, 0));
    return visit_pairs<Reader>(
        input,
        blob,
        [&visitor](const PackedElement& field, const PackedElement& value) {
            return visitor.on_field(field.view(), value.view(), std::nullopt);
        }
    );
}

template <typename Reader>
Count read_packed_zset(RdbInput& input, ObjectVisitor& visitor) {
    std::string scratch;
    const ByteView blob = input.string(&scratch);
    KUMO_TRY(visitor.begin(Type::kZset, 0));
    return visit_pairs<Reader>(
        input,
        blob,
        [&](const PackedElement& member, const PackedElement& score) -> Status {
            const auto value = score.is_number()
                                   ? std::optional<double>(static_cast<double>(score.number()))
                                   : parse_double(score.view());
            if (!value) {
                return input.damage("a score that is not a number");
            }
            return visitor.on_scored(member.view(), *value);
        }
    );
}

/// Nodes: ziplists; in the second form each says before it whether it is a listpack (2) or a single
/// element (1).
Count read_quicklist(RdbInput& input, bool second, ObjectVisitor& visitor) {
    const std::uint64_t nodes = input.count();
    KUMO_TRY(visitor.begin(Type::kList, 0));
    std::uint64_t count = 0;
    std::string scratch;
    for (std::uint64_t i = 0; i < nodes && input.ok(); ++i) {
        const std::uint64_t container = second ? input.length() : 0;
        const ByteView blob = input.string(&scratch);
        if (!input.ok() || container > 2 || (second && container == 0)) {
            return input.damage("a list's node is damaged");
        }
        if (container == 1) {
            KUMO_TRY(visitor.on_element(blob));
            ++count;
            continue;
        }
        KUMO_TRY_ASSIGN(
            const std::uint64_t elements,
            second ? visit_elements<ListpackReader>(input, blob, visitor)
                   : visit_elements<ZiplistReader>(input, blob, visitor)
        );
        count += elements;
    }
    return count;
}

Count read_string(RdbInput& input, ObjectVisitor& visitor) {
    std::string scratch;
    const ByteView value = input.string(&scratch);
    if (input.ok()) {
        KUMO_TRY(visitor.on_string(value));
    }
    return std::uint64_t{1};
}

Count read_stream_object(RdbInput& input, RdbType type, ObjectVisitor& visitor) {
    KUMO_TRY(visitor.begin(Type::kStream, 0));
    KUMO_TRY(internal::read_stream(input, type, visitor));
    return std::uint64_t{1};
}

Count read_any(RdbInput& input, RdbType type, ObjectVisitor& visitor) {
    switch (type) {
        case RdbType::kString: return read_string(input, visitor);
        case RdbType::kList: return read_elements(input, Type::kList, visitor);
        case RdbType::kSet: return read_elements(input, Type::kSet, visitor);
        case RdbType::kZsetText:
        case RdbType::kZset: return read_zset(input, type == RdbType::kZsetText, visitor);
        case RdbType::kHash:
        case RdbType::kHashExpiring:
            return read_hash(input, type == RdbType::kHashExpiring, visitor);
        case RdbType::kHashZipmap: return read_packed_hash<ZipmapReader>(input, visitor);
        case RdbType::kHashZiplist: return read_packed_hash<ZiplistReader>(input, visitor);
        case RdbType::kHashListpack: return read_packed_hash<ListpackReader>(input, visitor);
        case RdbType::kListZiplist:
            return read_packed_elements<ZiplistReader>(input, Type::kList, visitor);
        case RdbType::kSetIntset:
            return read_packed_elements<IntsetReader>(input, Type::kSet, visitor);
        case RdbType::kSetListpack:
            return read_packed_elements<ListpackReader>(input, Type::kSet, visitor);
        case RdbType::kZsetZiplist: return read_packed_zset<ZiplistReader>(input, visitor);
        case RdbType::kZsetListpack: return read_packed_zset<ListpackReader>(input, visitor);
        case RdbType::kListQuicklist:
        case RdbType::kListQuicklist2:
            return read_quicklist(input, type == RdbType::kListQuicklist2, visitor);
        case RdbType::kStream1:
        case RdbType::kStream2:
        case RdbType::kStream3: return read_stream_object(input, type, visitor);
        case RdbType::kModule1:
        case RdbType::kModule2: return Error{ErrorCode::kUnsupported, "the value of a module"};
        case RdbType::kCron: return Error{ErrorCode::kUnsupported, "KeyDB's cron job"};
    }
    return Error{
        ErrorCode::kUnsupported,
        "a value of the unknown type " + std::to_string(static_cast<int>(type))};
}

}  // namespace

Result<std::uint64_t> read_object(RdbInput& input, std::uint8_t type, ObjectVisitor& visitor) {
    KUMO_TRY_ASSIGN(
        const std::uint64_t count,
        read_any(input, static_cast<RdbType>(type), visitor)
    );
    if (!input.ok()) {
        return input.damage("a value is cut off or damaged");
    }
    return count;
}

void skip_module_parts(RdbInput& input) {
    while (input.ok()) {
        switch (input.length()) {
            case 0: return;
            case 1:
            case 2: input.length(); break;
            case 3: input.raw(sizeof(float)); break;
            case 4: input.raw(sizeof(double)); break;
            case 5: input.skip_string(); break;
            default: input.fail();
        }
    }
}

namespace {

/// A script, when it first runs and how often, its keys, its arguments.
void skip_cron(RdbInput& input) {
    input.skip_string();
    input.raw(2 * sizeof(std::int64_t));
    for (int list = 0; list < 2; ++list) {
        for (std::uint64_t left = input.count(); left > 0 && input.ok(); --left) {
            input.skip_string();
        }
    }
}

}  // namespace

bool skip_object(RdbInput& input, std::uint8_t type) {
    switch (static_cast<RdbType>(type)) {
        case RdbType::kModule2:
            input.length();
            skip_module_parts(input);
            return true;
        case RdbType::kCron: skip_cron(input); return true;
        default: return false;
    }
}

}  // namespace kumo::kv
