#include "search/schema/schema_codec.h"

#include "wire/varint.h"

#include <algorithm>
#include <cstdint>
#include <memory>
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
}

constexpr unsigned kFlagBits = 9;

// Flags behind those. A vector says what it is at the end of the field.
constexpr std::uint64_t kIsVector = std::uint64_t{1} << kFlagBits;
constexpr std::uint64_t kIsFound = kIsVector << 1U;
constexpr std::uint64_t kHasDictionary = kIsFound << 1U;
constexpr std::uint64_t kIsReference = kHasDictionary << 1U;
constexpr std::uint64_t kIsExact = kIsReference << 1U;
constexpr std::uint64_t kHasAnalysis = kIsExact << 1U;

// Of a reference.
constexpr std::uint64_t kIsAsync = 1;
constexpr std::uint64_t kCascades = 2;

/// Dictionaries of a list of fields, in the order in which they come first: later fields refer to
/// them.
using Dictionaries = std::vector<StemDictionary>;

void append_dictionary(std::string& out, const StemDictionary& dictionary, Dictionaries& before) {
    const auto same = std::find(before.begin(), before.end(), dictionary);
    append_varint(out, static_cast<std::uint64_t>(same - before.begin()));
    if (same != before.end()) {
        return;
    }
    append_sized(out, dictionary.name);
    append_varint(out, dictionary.known().size());
    for (const auto& [word, root] : dictionary.known()) {
        append_sized(out, word);
        append_sized(out, root);
    }
    before.push_back(dictionary);
}

StemDictionary read_dictionary(wire::ByteReader& in, Dictionaries& before) {
    const std::uint64_t place = in.below_or_at(before.size());
    if (place < before.size()) {
        return before[place];
    }
    StemDictionary out;
    out.name = in.text();
    auto roots = std::make_shared<StemDictionary::Roots>();
    const std::size_t count = in.count();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        std::string word(in.text());
        roots->insert_or_assign(std::move(word), std::string(in.text()));
    }
    out.roots = std::move(roots);
    before.push_back(out);
    return out;
}

void append_field(std::string& out, const Field& field, Dictionaries& dictionaries) {
    append_sized(out, field.name);
    append_varint(out, static_cast<std::uint64_t>(field.type));
    std::uint64_t flags = 0;
    unsigned bit = 0;
    for_each_flag(field, [&](const bool& flag) {
        flags |= std::uint64_t{flag ? 1U : 0U} << bit;
        ++bit;
    });
    const VectorOptions& vector = field.vector;
    flags |= field.is_vector() ? kIsVector : 0;
    flags |= field.found ? kIsFound : 0;
    flags |= field.stem_dictionary.name.empty() ? 0 : kHasDictionary;
    flags |= field.is_reference() ? kIsReference : 0;
    flags |= field.exact ? kIsExact : 0;
    flags |= field.analysis.empty() ? 0 : kHasAnalysis;
    append_varint(out, flags);
    append_sized(out, field.locale);
    if (field.is_vector()) {
        append_varint(out, vector.dimensions);
        append_varint(out, static_cast<std::uint64_t>(vector.metric));
        append_varint(out, vector.m);
        append_varint(out, vector.ef_construction);
    }
    if ((flags & kHasDictionary) != 0) {
        append_dictionary(out, field.stem_dictionary, dictionaries);
    }
    if (field.is_reference()) {
        append_sized(out, field.reference);
        append_varint(
            out,
            (field.async_reference ? kIsAsync : 0) | (field.cascade_delete ? kCascades : 0)
        );
    }
    if (!field.analysis.empty()) {
        append_sized(out, field.analysis);
    }
}

Field read_field(wire::ByteReader& in, Dictionaries& dictionaries) {
    Field field;
    field.name = in.text();
    field.type = static_cast<ValueType>(in.below_or_at(kValueTypeMax));
    const std::uint64_t flags = in.below_or_at(kHasAnalysis * 2 - 1);
    unsigned bit = 0;
    for_each_flag(field, [&](bool& flag) {
        flag = ((flags >> bit) & 1U) != 0;
        ++bit;
    });
    field.found = (flags & kIsFound) != 0;
    field.exact = (flags & kIsExact) != 0;
    field.locale = in.text();
    if ((flags & kIsVector) != 0) {
        VectorOptions& vector = field.vector;
        vector.dimensions = static_cast<std::uint32_t>(in.below_or_at(kDimensionsMax));
        vector.metric = static_cast<VectorMetric>(in.below_or_at(1));
        vector.m = static_cast<std::uint32_t>(in.below_or_at(kHnswMMax));
        vector.ef_construction = static_cast<std::uint32_t>(in.below_or_at(kHnswEfConstructionMax));
    }
    if ((flags & kHasDictionary) != 0) {
        field.stem_dictionary = read_dictionary(in, dictionaries);
    }
    if ((flags & kIsReference) != 0) {
        field.reference = in.text();
        const std::uint64_t how = in.below_or_at(kIsAsync | kCascades);
        field.async_reference = (how & kIsAsync) != 0;
        field.cascade_delete = (how & kCascades) != 0;
    }
    if ((flags & kHasAnalysis) != 0) {
        field.analysis = in.text();
    }
    return field;
}

}  // namespace

void append_fields(std::string& out, const std::vector<Field>& fields) {
    append_varint(out, fields.size());
    Dictionaries dictionaries;
    for (const Field& field : fields) {
        append_field(out, field, dictionaries);
    }
}

std::vector<Field> read_fields(wire::ByteReader& in) {
    std::vector<Field> fields;
    Dictionaries dictionaries;
    const std::size_t count = in.count();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        fields.push_back(read_field(in, dictionaries));
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
