#include "search/index/manifest.h"

#include "search/schema/schema_codec.h"
#include "wire/byte_reader.h"
#include "wire/varint.h"

namespace kumo::search {

namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kVersionWithSchema = 2;

Error damaged() {
    return corruption("the manifest is not well formed");
}

Result<std::uint64_t> read(ByteView& from) {
    const auto value = wire::read_varint(from);
    if (!value) {
        return damaged();
    }
    return *value;
}

Result<ManifestSegment> read_segment(ByteView& from) {
    ManifestSegment segment;
    KUMO_TRY_ASSIGN(segment.id, read(from));
    KUMO_TRY_ASSIGN(const std::uint64_t docs, read(from));
    KUMO_TRY_ASSIGN(const std::uint64_t deleted, read(from));
    if (docs > UINT32_MAX || deleted > docs) {
        return damaged();
    }
    segment.doc_count = static_cast<std::uint32_t>(docs);
    std::uint64_t doc = 0;
    for (std::uint64_t i = 0; i < deleted; ++i) {
        KUMO_TRY_ASSIGN(const std::uint64_t gap, read(from));
        if (gap > docs || doc + gap >= docs || (i > 0 && gap == 0)) {
            return damaged();
        }
        doc += gap;
        (void)segment.deleted.set(static_cast<std::uint32_t>(doc));
    }
    return segment;
}

Result<std::shared_ptr<const Schema>> read_last_schema(ByteView from) {
    wire::ByteReader in(from);
    auto schema = std::make_shared<const Schema>(read_schema(in));
    if (!in.at_end() || !validate(*schema).ok()) {
        return damaged();
    }
    return schema;
}

}  // namespace

std::string encode_manifest(const Manifest& manifest) {
    std::string out;
    wire::append_varint(out, manifest.schema != nullptr ? kVersionWithSchema : kVersion);
    wire::append_varint(out, manifest.applied_seq);
    wire::append_varint(out, manifest.next_auto_id);
    wire::append_varint(out, manifest.next_order);
    wire::append_varint(out, manifest.next_segment_id);
    wire::append_varint(out, manifest.segments.size());
    for (const ManifestSegment& segment : manifest.segments) {
        wire::append_varint(out, segment.id);
        wire::append_varint(out, segment.doc_count);
        wire::append_varint(out, segment.deleted.count());
        std::uint32_t previous = 0;
        segment.deleted.for_each([&](std::uint32_t doc) {
            wire::append_varint(out, doc - previous);
            previous = doc;
        });
    }
    if (manifest.schema != nullptr) {
        append_schema(out, *manifest.schema);
    }
    return out;
}

Result<Manifest> decode_manifest(ByteView bytes) {
    Manifest manifest;
    KUMO_TRY_ASSIGN(const std::uint64_t version, read(bytes));
    if (version != kVersion && version != kVersionWithSchema) {
        return corruption("the manifest has version " + std::to_string(version) + ", not 1 or 2");
    }
    KUMO_TRY_ASSIGN(manifest.applied_seq, read(bytes));
    KUMO_TRY_ASSIGN(manifest.next_auto_id, read(bytes));
    KUMO_TRY_ASSIGN(manifest.next_order, read(bytes));
    KUMO_TRY_ASSIGN(manifest.next_segment_id, read(bytes));
    KUMO_TRY_ASSIGN(const std::uint64_t segments, read(bytes));
    for (std::uint64_t i = 0; i < segments; ++i) {
        KUMO_TRY_ASSIGN(ManifestSegment segment, read_segment(bytes));
        manifest.segments.push_back(std::move(segment));
    }
    if (version == kVersionWithSchema) {
        KUMO_TRY_ASSIGN(manifest.schema, read_last_schema(bytes));
    } else if (!bytes.empty()) {
        return damaged();
    }
    return manifest;
}

}  // namespace kumo::search
