#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/index/deleted_docs.h"
#include "search/schema/schema.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kumo::search {

/// One sealed segment of a manifest.
struct ManifestSegment {
    std::uint64_t id = 0;
    std::uint32_t doc_count = 0;
    DeletedDocs deleted;  ///< As of Manifest::applied_seq, not later.
};

/// What an index is made of on disk, as of one operation of its log: sealed segments that hold
/// exactly the operations up to `applied_seq`, with the deletes as they were then. Replaying the
/// log from applied_seq + 1 over it gives the index as it was. A plain value.
struct Manifest {
    std::uint64_t applied_seq = 0;
    std::uint64_t next_auto_id = 0;
    std::uint64_t next_order = 0;
    std::uint64_t next_segment_id = 1;
    std::vector<ManifestSegment> segments;
    /// What operations have made of the schema that the index began with; null if nothing.
    std::shared_ptr<const Schema> schema;
};

/// The bytes of a manifest (docs/formats/manifest.md), to be stored under a checksum.
std::string encode_manifest(const Manifest& manifest);

/// kCorruption if the bytes are not a manifest.
Result<Manifest> decode_manifest(ByteView bytes);

}  // namespace kumo::search
