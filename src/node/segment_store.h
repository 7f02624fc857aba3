#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "io/fs.h"
#include "node/copy_mark.h"
#include "search/index/manifest.h"
#include "search/schema/schema.h"
#include "search/segment/segment.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node {

/// What a manifest file holds.
struct StoredManifest {
    search::Manifest index;
    CopyMark mark;
};

/// One copy's directory: a manifest (docs/formats/manifest.md) and the segments it names.
///
///     manifest                what the index is made of, as of one operation
///     segment-<id>.kseg       a sealed segment; written once, never changed
///     *.tmp                   half written; of no meaning
///
/// Every call blocks. Immutable; any thread, one writer per file. The file system outlives it and
/// all readers it gave out.
class SegmentStore {
public:
    SegmentStore(io::Fs& fs, std::string directory);

    struct Content {
        search::Manifest manifest;
        CopyMark mark;
        std::vector<std::shared_ptr<const search::SegmentReader>> segments;
    };

    /// Opens what the manifest names; nothing at all if there is no manifest. `schema` is that of
    /// segments whose manifest has none of its own. kCorruption names the damaged file.
    Result<Content> open(const search::Schema& schema) const;

    /// Makes a segment of this schema durable and opens it. A file of that id is replaced.
    Result<std::shared_ptr<const search::SegmentReader>>
    store_segment(std::uint64_t id, ByteView bytes, const search::Schema& schema) const;

    /// Replaces the manifest. On an error a crash may leave the old or the new one, so segments of
    /// both have to stay.
    Status store_manifest(const StoredManifest& manifest) const;

    /// Best effort: what is left over goes at the next start.
    void remove_segments(const std::vector<std::uint64_t>& ids) const;

    /// Removes segments that the manifest does not name, and half-written files. Best effort.
    void remove_strangers(const search::Manifest& manifest) const;

    /// Whether there is a segment file, named by a manifest or not.
    Result<bool> has_segments() const;

    const std::string& directory() const { return directory_; }

private:
    Result<std::shared_ptr<const search::SegmentReader>>
    open_file(std::uint64_t id, const search::Schema& schema) const;

    io::Fs& fs_;
    const std::string directory_;
};

/// The content of a manifest file (docs/formats/manifest.md).
std::string encode_stored(const StoredManifest& manifest);

/// kCorruption if the bytes are none.
Result<StoredManifest> decode_stored(ByteView bytes);

/// Where a directory has a segment.
std::string segment_path(const std::string& directory, std::uint64_t id);

/// Where a directory has its manifest.
std::string manifest_path(const std::string& directory);

/// Reads a directory's manifest; nothing if there is none.
Result<std::optional<StoredManifest>> read_manifest(io::Fs& fs, const std::string& directory);

}  // namespace kumo::node
