#include "node/segment_store.h"

#include "base/log.h"
#include "node/internal/numbered_name.h"
#include "store/checkpoint.h"
#include "wire/byte_reader.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace kumo::node {

namespace {

constexpr store::FileKind kManifestKind = {{'M', 'A', 'N', 'I', 'F', 'E', 'S', 'T'}, 2};
constexpr std::string_view kManifestName = "manifest";
constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kSegmentSuffix = ".kseg";
constexpr std::string_view kTemporarySuffix = ".tmp";

/// The id in a segment's name; nothing if it is not such a name.
std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
    return number_in_name(name, kSegmentPrefix, kSegmentSuffix);
}

bool names(const search::Manifest& manifest, std::uint64_t id) {
    return std::any_of(manifest.segments.begin(), manifest.segments.end(), [id](const auto& s) {
        return s.id == id;
    });
}

/// What is in a directory; nothing if it is not there.
Result<std::vector<io::DirEntry>> list_or_nothing(io::Fs& fs, const std::string& path) {
    auto entries = fs.list(path);
    if (!entries.ok() && entries.error().code == ErrorCode::kNotFound) {
        return std::vector<io::DirEntry>();
    }
    return entries;
}

Error in_file(const std::string& path, Error error) {
    error.message = path + ": " + error.message;
    return error;
}

void remove_quietly(io::Fs& fs, const std::string& path) {
    const Status removed = fs.unlink(path);
    if (!removed.ok() && removed.error().code != ErrorCode::kNotFound) {
        log_warn(removed.error().message);
    }
}

}  // namespace

SegmentStore::SegmentStore(io::Fs& fs, std::string directory)
    : fs_(fs), directory_(std::move(directory)) {}

Result<SegmentStore::Content> SegmentStore::open(const search::Schema& schema) const {
    Content content;
    KUMO_TRY_ASSIGN(std::optional<StoredManifest> manifest, read_manifest(fs_, directory_));
    if (!manifest) {
        return content;
    }
    content.manifest = std::move(manifest->index);
    content.mark = std::move(manifest->mark);
    const search::Manifest& index = content.manifest;
    const search::Schema& of_segments = index.schema != nullptr ? *index.schema : schema;
    for (const search::ManifestSegment& entry : index.segments) {
        KUMO_TRY_ASSIGN(auto segment, open_file(entry.id, of_segments));
        if (segment->doc_count != entry.doc_count) {
            return corruption(
                segment_path(directory_, entry.id) + ": holds " + std::to_string(segment->doc_count)
                + " documents, the manifest says " + std::to_string(entry.doc_count)
            );
        }
        content.segments.push_back(std::move(segment));
    }
    return content;
}

Result<std::shared_ptr<const search::SegmentReader>>
SegmentStore::store_segment(std::uint64_t id, ByteView bytes, const search::Schema& schema) const {
    KUMO_TRY(io::make_directories(fs_, directory_));
    const std::string path = segment_path(directory_, id);
    const std::string temporary = path + std::string(kTemporarySuffix);
    Status done = io::write_file(fs_, temporary, bytes);
    if (done.ok()) {
        done = fs_.rename(temporary, path);
    }
    if (!done.ok()) {
        // It may hold the space whose lack was the error.
        (void)fs_.unlink(temporary);
        return std::move(done).error();
    }
    KUMO_TRY(fs_.sync_dir(directory_));
    return open_file(id, schema);
}

Status SegmentStore::store_manifest(const StoredManifest& manifest) const {
    KUMO_TRY(io::make_directories(fs_, directory_));
    return store::write_checked_file(
        fs_,
        manifest_path(directory_),
        kManifestKind,
        encode_stored(manifest)
    );
}

void SegmentStore::remove_segments(const std::vector<std::uint64_t>& ids) const {
    for (const std::uint64_t id : ids) {
        remove_quietly(fs_, segment_path(directory_, id));
    }
}

void SegmentStore::remove_strangers(const search::Manifest& manifest) const {
    const auto entries = list_or_nothing(fs_, directory_);
    if (!entries.ok()) {
        log_warn(entries.error().message);
        return;
    }
    for (const io::DirEntry& entry : entries.value()) {
        const auto id = parse_segment_name(entry.name);
        if ((id && !names(manifest, *id)) || entry.name.ends_with(kTemporarySuffix)) {
            remove_quietly(fs_, io::join_path(directory_, entry.name));
        }
    }
}

Result<bool> SegmentStore::has_segments() const {
    KUMO_TRY_ASSIGN(const auto entries, list_or_nothing(fs_, directory_));
    return std::any_of(entries.begin(), entries.end(), [](const io::DirEntry& entry) {
        return parse_segment_name(entry.name).has_value();
    });
}

Result<std::shared_ptr<const search::SegmentReader>>
SegmentStore::open_file(std::uint64_t id, const search::Schema& schema) const {
    const std::string path = segment_path(directory_, id);
    auto mapped = fs_.map(path);
    if (!mapped.ok() && mapped.error().code == ErrorCode::kNotFound) {
        return corruption(path + ": the manifest names this segment, and it is not there");
    }
    if (!mapped.ok()) {
        return std::move(mapped).error();
    }
    const std::shared_ptr<const io::MappedFile> memory = std::move(mapped).value();
    auto segment = search::open_segment(schema, memory->bytes(), memory);
    if (!segment.ok()) {
        return in_file(path, std::move(segment).error());
    }
    memory->rest();  // opening it has read all of it, searches read a part
    return segment;
}

std::string segment_path(const std::string& directory, std::uint64_t id) {
    std::string name(kSegmentPrefix);
    name += std::to_string(id);
    name += kSegmentSuffix;
    return io::join_path(directory, name);
}

std::string manifest_path(const std::string& directory) {
    return io::join_path(directory, kManifestName);
}

std::string encode_stored(const StoredManifest& manifest) {
    std::string bytes;
    wire::append_sized(bytes, encode_mark(manifest.mark));
    return bytes + search::encode_manifest(manifest.index);
}

Result<StoredManifest> decode_stored(ByteView bytes) {
    wire::ByteReader in(bytes);
    const ByteView mark = in.sized();
    if (!in.ok()) {
        return corruption("the manifest is not well formed");
    }
    StoredManifest stored;
    KUMO_TRY_ASSIGN(stored.mark, decode_mark(mark));
    KUMO_TRY_ASSIGN(stored.index, search::decode_manifest(in.rest()));
    return stored;
}

Result<std::optional<StoredManifest>> read_manifest(io::Fs& fs, const std::string& directory) {
    const std::string path = manifest_path(directory);
    auto file = store::read_checked_file(fs, path, kManifestKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return std::optional<StoredManifest>();
    }
    if (!file.ok()) {
        return std::move(file).error();
    }
    auto manifest = decode_stored(file.value().bytes);
    if (!manifest.ok()) {
        return in_file(path, std::move(manifest).error());
    }
    return std::optional(std::move(manifest).value());
}

}  // namespace kumo::node
