#include "search/index/mapped_write.h"

#include "search/schema/schema_codec.h"
#include "wire/json.h"
#include "wire/json_writer.h"
#include "wire/varint.h"

#include <bit>
#include <utility>

namespace kumo::search {

namespace {

using wire::append_sized;
using wire::append_varint;

constexpr std::string_view kMeta = R"("_meta":)";
constexpr std::string_view kId = R"(,"id":)";

void append_meta(std::string& out, const DocumentMeta& meta) {
    wire::JsonWriter json(out);
    json.begin_object();
    json.key("seq").unsigned_integer(meta.seq);
    json.key("term").unsigned_integer(meta.term);
    json.key("version").unsigned_integer(meta.version);
    if (!meta.routing.empty()) {
        json.key("routing").string(meta.routing);
    }
    json.end_object();
}

std::uint64_t number_of(wire::JsonValue object, ByteView name) {
    const wire::JsonValue value = object.find(name);
    if (!value || !value.is_integer()) {
        return 0;
    }
    return value.type() == wire::JsonType::kUint64 ? value.as_uint64()
                                                   : static_cast<std::uint64_t>(value.as_int64());
}

DocumentMeta meta_of(wire::JsonValue object) {
    DocumentMeta meta;
    meta.seq = number_of(object, "seq");
    meta.term = number_of(object, "term");
    meta.version = number_of(object, "version");
    if (const wire::JsonValue routing = object.find("routing"); routing && routing.is_string()) {
        meta.routing = routing.as_string();
    }
    return meta;
}

Error damaged() {
    return corruption("a stored document is damaged");
}

Result<StoredDocument> parse_unmapped(ByteView stored) {
    KUMO_TRY_ASSIGN(const auto parsed, wire::JsonDocument::parse(stored));
    StoredDocument out;
    if (const wire::JsonValue id = parsed.root().find("id"); id && id.is_string()) {
        out.id = id.as_string();
    }
    out.source = stored;
    return out;
}

/// What conditions and versions there are.
constexpr std::uint64_t kCreateOnly = 1;
constexpr std::uint64_t kErase = 2;
constexpr std::uint64_t kHasSeq = 4;
constexpr std::uint64_t kHasTerm = 8;
constexpr std::uint64_t kHasVersion = 16;

void append_values(std::string& out, const MappedValues& values) {
    append_sized(out, values.field);
    append_varint(out, values.codes.size());
    for (const std::int64_t code : values.codes) {
        append_varint(
            out,
            (static_cast<std::uint64_t>(code) << 1U) ^ static_cast<std::uint64_t>(code >> 63U)
        );
    }
    append_varint(out, values.strings.size());
    for (const std::string& text : values.strings) {
        append_sized(out, text);
    }
    append_varint(out, values.vector.size());
    for (const float number : values.vector) {
        append_varint(out, std::bit_cast<std::uint32_t>(number));
    }
}

MappedValues read_values(wire::ByteReader& in) {
    MappedValues values;
    values.field = in.text();
    values.codes.resize(in.count());
    for (std::int64_t& code : values.codes) {
        const std::uint64_t zigzag = in.number();
        code = static_cast<std::int64_t>(zigzag >> 1U) ^ -static_cast<std::int64_t>(zigzag & 1U);
    }
    values.strings.resize(in.count());
    for (std::string& text : values.strings) {
        text = in.text();
    }
    values.vector.resize(in.count());
    for (float& number : values.vector) {
        number = std::bit_cast<float>(static_cast<std::uint32_t>(in.below_or_at(UINT32_MAX)));
    }
    return values;
}

void append_write(std::string& out, const MappedWrite& write) {
    append_sized(out, write.id);
    append_sized(out, write.routing);
    append_varint(
        out,
        (write.create_only ? kCreateOnly : 0) | (write.erase ? kErase : 0)
            | (write.if_seq ? kHasSeq : 0) | (write.if_term ? kHasTerm : 0)
            | (write.rule != VersionRule::kInternal ? kHasVersion : 0)
    );
    if (write.if_seq) {
        append_varint(out, *write.if_seq);
    }
    if (write.if_term) {
        append_varint(out, *write.if_term);
    }
    if (write.rule != VersionRule::kInternal) {
        append_varint(out, static_cast<std::uint64_t>(write.rule));
        append_varint(out, write.version);
    }
    if (!write.erase) {
        append_sized(out, write.source);
        append_varint(out, write.values.size());
        for (const MappedValues& values : write.values) {
            append_values(out, values);
        }
    }
}

MappedWrite read_write(wire::ByteReader& in) {
    MappedWrite write;
    write.id = in.text();
    write.routing = in.text();
    const std::uint64_t flags = in.below_or_at(kHasVersion * 2 - 1);
    write.create_only = (flags & kCreateOnly) != 0;
    write.erase = (flags & kErase) != 0;
    if ((flags & kHasSeq) != 0) {
        write.if_seq = in.number();
    }
    if ((flags & kHasTerm) != 0) {
        write.if_term = in.number();
    }
    if ((flags & kHasVersion) != 0) {
        write.rule = static_cast<VersionRule>(
            in.below_or_at(static_cast<std::uint64_t>(VersionRule::kExternalGte))
        );
        write.version = in.number();
    }
    if (!write.erase) {
        write.source = in.text();
        const std::size_t count = in.count();
        for (std::size_t i = 0; i < count && in.ok(); ++i) {
            write.values.push_back(read_values(in));
        }
    }
    return write;
}

}  // namespace

std::string stored_form(std::string_view id, const DocumentMeta& meta, std::string_view source) {
    const std::size_t open = source.find('{');
    const std::size_t first = source.find_first_not_of(" \t\r\n", open + 1);
    const std::size_t close = source.find_last_of('}');
    std::string out = "{";
    if (first < close && close != std::string_view::npos) {
        out += source.substr(open + 1, close - open - 1);
        out += ',';
    }
    out += kMeta;
    append_meta(out, meta);
    out += kId;
    wire::append_json_string(out, id);
    out += '}';
    return out;
}

Result<StoredDocument> parse_stored(ByteView stored) {
    // Quotes in strings are escaped: these bytes are in none.
    const std::size_t at = stored.rfind(kMeta);
    if (at == ByteView::npos || at == 0) {
        return parse_unmapped(stored);
    }
    std::string tail = "{";
    tail += stored.substr(at);
    const auto parsed = wire::JsonDocument::parse(tail);
    if (!parsed.ok()) {
        return parse_unmapped(stored);
    }
    const wire::JsonValue id = parsed.value().root().find("id");
    const wire::JsonValue meta = parsed.value().root().find("_meta");
    if (!id || !id.is_string() || !meta || !meta.is_object() || !meta.find("seq")) {
        return parse_unmapped(stored);
    }
    StoredDocument out;
    out.id = id.as_string();
    out.meta = meta_of(meta);
    out.mapped = true;
    out.source = stored.substr(0, at > 1 ? at - 1 : at);
    out.source += '}';
    return out;
}

std::string mapped_outcome(const MappedOutcome& outcome) {
    std::string out = outcome.found ? R"({"found":true,"meta":)" : R"({"found":false,"meta":)";
    append_meta(out, outcome.meta);
    return out + "}";
}

Result<MappedOutcome> parse_mapped_outcome(ByteView json) {
    KUMO_TRY_ASSIGN(const auto parsed, wire::JsonDocument::parse(json));
    const wire::JsonValue found = parsed.root().find("found");
    const wire::JsonValue meta = parsed.root().find("meta");
    if (!found || !found.is_bool() || !meta || !meta.is_object()) {
        return damaged();
    }
    return MappedOutcome{meta_of(meta), found.as_bool()};
}

void append_mapped_batch(std::string& out, const MappedBatch& batch) {
    append_fields(out, batch.fields);
    append_varint(out, batch.writes.size());
    for (const MappedWrite& write : batch.writes) {
        append_write(out, write);
    }
}

MappedBatch read_mapped_batch(wire::ByteReader& in) {
    MappedBatch batch;
    batch.fields = read_fields(in);
    const std::size_t count = in.count();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        batch.writes.push_back(read_write(in));
    }
    return batch;
}

}  // namespace kumo::search
