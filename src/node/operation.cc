#include "node/operation.h"

#include "wire/byte_reader.h"
#include "wire/json.h"

#include <utility>

namespace kumo::node {

namespace {

using wire::append_sized;
using wire::append_varint;

enum class OperationKind : std::uint8_t {
    kWrite = 1,
    kErase = 2,
    kUpdate = 3,
    kTruncate = 4,
    kChangeFields = 5,
    kMapped = 6,
};

constexpr auto kActionMax = static_cast<std::uint64_t>(search::WriteAction::kEmplace);
constexpr auto kDirtyMax = static_cast<std::uint64_t>(search::DirtyValues::kBySchema);

Error damaged() {
    return corruption("an operation of the log is not well formed");
}

void append_kind(std::string& out, OperationKind kind) {
    append_varint(out, static_cast<std::uint64_t>(kind));
}

void append_list(std::string& out, std::span<const std::string> ids) {
    append_varint(out, ids.size());
    for (const std::string& id : ids) {
        append_sized(out, id);
    }
}

/// Views into the operation's bytes.
std::vector<ByteView> read_list(wire::ByteReader& in) {
    std::vector<ByteView> list(in.count());
    for (ByteView& item : list) {
        item = in.sized();
    }
    return list;
}

void note(Outcome& outcome, Error error) {
    if (!outcome.first_error) {
        outcome.first_error = std::move(error);
    }
}

Result<Outcome> apply_write(search::Index& index, wire::ByteReader& in) {
    const auto action = static_cast<search::WriteAction>(in.below_or_at(kActionMax));
    const auto dirty = static_cast<search::DirtyValues>(in.below_or_at(kDirtyMax));
    const std::vector<ByteView> documents = read_list(in);
    if (!in.at_end()) {
        return damaged();
    }
    Outcome outcome;
    outcome.written.reserve(documents.size());
    for (const ByteView document : documents) {
        outcome.written.push_back(index.write(action, document, dirty));
    }
    return outcome;
}

Result<Outcome> apply_mapped(search::Index& index, wire::ByteReader& in) {
    const search::MappedBatch batch = search::read_mapped_batch(in);
    if (!in.at_end()) {
        return damaged();
    }
    Outcome outcome;
    auto written = index.write_mapped(batch);
    if (written.ok()) {
        outcome.written = std::move(written).value();
    } else {
        outcome.written.assign(batch.writes.size(), written.error());
    }
    return outcome;
}

Result<Outcome> apply_erase(search::Index& index, wire::ByteReader& in) {
    const std::vector<ByteView> ids = read_list(in);
    if (!in.at_end()) {
        return damaged();
    }
    Outcome outcome;
    for (const ByteView id : ids) {
        auto erased = index.erase(id);
        if (erased.ok()) {
            ++outcome.changed;
            outcome.document = std::move(erased).value();
        } else {
            note(outcome, std::move(erased).error());
        }
    }
    return outcome;
}

Result<Outcome> apply_update(search::Index& index, wire::ByteReader& in) {
    const auto dirty = static_cast<search::DirtyValues>(in.below_or_at(kDirtyMax));
    const ByteView patch_text = in.sized();
    const std::vector<ByteView> ids = read_list(in);
    if (!in.at_end()) {
        return damaged();
    }
    const auto patch = wire::JsonDocument::parse(patch_text);
    if (!patch.ok()) {
        return damaged();
    }
    Outcome outcome;
    for (const ByteView id : ids) {
        auto updated = index.update(id, patch.value().root(), dirty);
        if (updated.ok()) {
            ++outcome.changed;
        } else {
            note(outcome, std::move(updated).error());
        }
    }
    return outcome;
}

Result<Outcome> apply_truncate(search::Index& index, const wire::ByteReader& in) {
    if (!in.at_end()) {
        return damaged();
    }
    Outcome outcome;
    outcome.changed = index.doc_count();
    index.truncate();
    return outcome;
}

}  // namespace

std::string encode_write(const WriteBatch& batch) {
    std::string out;
    append_kind(out, OperationKind::kWrite);
    append_varint(out, static_cast<std::uint64_t>(batch.action));
    append_varint(out, static_cast<std::uint64_t>(batch.dirty));
    append_list(out, batch.documents);
    return out;
}

std::string encode_mapped(const search::MappedBatch& batch) {
    std::string out;
    append_kind(out, OperationKind::kMapped);
    search::append_mapped_batch(out, batch);
    return out;
}

std::string encode_erase(std::span<const std::string> ids) {
    std::string out;
    append_kind(out, OperationKind::kErase);
    append_list(out, ids);
    return out;
}

std::string
encode_update(std::string_view patch, search::DirtyValues dirty, std::span<const std::string> ids) {
    std::string out;
    append_kind(out, OperationKind::kUpdate);
    append_varint(out, static_cast<std::uint64_t>(dirty));
    append_sized(out, patch);
    append_list(out, ids);
    return out;
}

std::string encode_truncate() {
    std::string out;
    append_kind(out, OperationKind::kTruncate);
    return out;
}

std::string encode_field_change(const search::FieldChange& change) {
    std::string out;
    append_kind(out, OperationKind::kChangeFields);
    search::append_field_change(out, change);
    return out;
}

bool is_field_change(ByteView operation) {
    wire::ByteReader in(operation);
    return in.number() == static_cast<std::uint64_t>(OperationKind::kChangeFields);
}

Result<search::FieldChange> decode_field_change(ByteView operation) {
    wire::ByteReader in(operation);
    const std::uint64_t kind = in.number();
    search::FieldChange change = search::read_field_change(in);
    if (kind != static_cast<std::uint64_t>(OperationKind::kChangeFields) || !in.at_end()) {
        return damaged();
    }
    return change;
}

Result<Outcome> apply_operation(search::Index& index, ByteView operation) {
    wire::ByteReader in(operation);
    switch (static_cast<OperationKind>(in.below_or_at(UINT8_MAX))) {
        case OperationKind::kWrite: return apply_write(index, in);
        case OperationKind::kMapped: return apply_mapped(index, in);
        case OperationKind::kErase: return apply_erase(index, in);
        case OperationKind::kUpdate: return apply_update(index, in);
        case OperationKind::kTruncate: return apply_truncate(index, in);
        case OperationKind::kChangeFields: break;
    }
    return damaged();
}

}  // namespace kumo::node
