#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/column/chunked_array.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kumo::search {

class SectionFile;
class SectionFileBuilder;

/// The documents of one segment as they were sent, fetched one by one for the hits of a search.
/// Immutable; any thread.
class StoredReader {
public:
    virtual ~StoredReader() = default;

    virtual std::uint32_t doc_count() const = 0;

    /// Appends the document's bytes to `out`. kCorruption if they do not decompress. Requires
    /// doc < doc_count().
    virtual Status append(std::uint32_t doc, std::string& out) const = 0;
};

/// The documents of a live segment, uncompressed in large chunks that never move. One writer;
/// readers see documents below the count they were given.
class LiveStored {
public:
    static constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

    void add(ByteView document);

    ByteView get(std::uint32_t doc) const;

    std::size_t bytes() const { return chunk_bytes_ + slices_.bytes(); }

    /// Writer thread. Must not outlive this.
    std::unique_ptr<StoredReader> reader(std::uint32_t doc_count) const;

private:
    struct Slice {
        const char* data;
        std::uint32_t size;
    };

    ChunkedArray<Slice> slices_;
    std::vector<std::unique_ptr<char[]>> chunks_;
    char* free_ = nullptr;
    std::size_t free_bytes_ = 0;
    std::size_t chunk_bytes_ = 0;
};

/// One source of a seal or merge, as in column.h.
struct StoredSource {
    const StoredReader* stored;
    std::span<const std::uint32_t> new_ids;
};

/// Writes the kept documents, zstd-compressed one by one with a dictionary shared by the segment:
/// that of the first sealed source, so that merges copy most frames as they are; else that of
/// `like` (an older segment of the index, or null) if it does these documents good; else one
/// trained on a sample. One fetch decompresses one document. kCorruption if a source cannot be
/// read.
Status write_stored(
    std::span<const StoredSource> sources,
    std::uint32_t doc_count,
    const StoredReader* like,
    SectionFileBuilder& out,
    const std::string& prefix
);

Result<std::unique_ptr<StoredReader>>
open_stored(const SectionFile& file, const std::string& prefix);

}  // namespace kumo::search
