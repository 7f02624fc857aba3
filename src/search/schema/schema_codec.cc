#include "search/schema/schema_codec.h"

#include "wire/varint.h"

#include <cstdint>
#include <utility>

namespace kumo::search {

namespace {

using wire::append_sized;
using wire::append_varint;

constexpr std::uint64_t kValueTypeMax = static_cast<std::uint64_t>(ValueType::kObject);

/// The flags of a field in the order of their bits. The order is part of the format.
template <typename AnyField, typename Visit>
void for_each_flag(AnyField& field, Visit visit) {
    visit(field.array);
    visit(field.facet);
    visit(field.optional);
    visit(field.index);
    visit(field.sort);
    visit(field.infix);
    visit(field.stem);
    visit(field.store);
    visit(field.range_index);
    visit(field.found);
}

constexpr unsigned kFlagBits = 10;

void append_field(std::string& out, const Field& field) {
    append_sized(out, field.name);
    append_varint(out, static_cast<std::uint64_t>(field.type));
    std::uint64_t flags = 0;
    unsigned bit = 0;
    for_each_flag(field, [&](const bool& flag) {
        flags |= std::uint64_t{flag ? 1U : 0U} << bit;
        ++bit;
    });
    append_varint(out, flags);
    append_sized(out, field.locale);
}

Field read_field(wire::ByteReader& in) {
    Field field;
    field.name = in.text();
    field.type = static_cast<ValueType>(in.below_or_at(kValueTypeMax));
    const std::uint64_t flags = in.below_or_at((std::uint64_t{1} << kFlagBits) - 1);
    unsigned bit = 0;
    for_each_flag(field, [&](bool& flag) {
        flag = ((flags >> bit) & 1U) != 0;
        ++bit;
    });
    field.locale = in.text();
    return field;
}

}  // namespace

void append_fields(std::string& out, const std::vector<Field>& fields) {
    append_varint(out, fields.size());
    for (const Field& field : fields) {
        append_field(out, field);
    }
}

std::vector<Field> read_fields(wire::ByteReader& in) {
    std::vector<Field> fields;
    const std::size_t count = in.count();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        fields.push_back(read_field(in));
    }
    return fields;
}

void append_strings(std::string& out, const std::vector<std::string>& strings) {
    append_varint(out, strings.size());
    for (const std::string& string : strings) {
        append_sized(out, string);
    }
}

std::vector<std::string> read_strings(wire::ByteReader& in) {
    std::vector<std::string> strings(in.count());
    for (std::string& string : strings) {
        string = in.text();
    }
    return strings;
}

void append_schema(std::string& out, const Schema& schema) {
    append_fields(out, schema.fields);
    append_sized(out, schema.default_sorting_field);
    append_strings(out, schema.token_separators);
    append_strings(out, schema.symbols_to_index);
    append_varint(out, schema.enable_nested_fields ? 1 : 0);
}

Schema read_schema(wire::ByteReader& in) {
    Schema schema;
    schema.fields = read_fields(in);
    schema.default_sorting_field = in.text();
    schema.token_separators = read_strings(in);
    schema.symbols_to_index = read_strings(in);
    schema.enable_nested_fields = in.below_or_at(1) == 1;
    return schema;
}

}  // namespace kumo::search
