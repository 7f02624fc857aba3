#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "cluster/replication/shard_copy.h"

#include <string>

namespace kumo::node {

/// What a copy has to remember of the log that its manifest replaces.
struct CopyMark {
    cluster::Term term = 0;           ///< Of the last entry in the manifest.
    cluster::RequestWindow requests;  ///< Those a retry may still name.

    bool operator==(const CopyMark&) const = default;
};

// Bytes: docs/formats/manifest.md.

std::string encode_mark(const CopyMark& mark);

/// kCorruption if the bytes are no mark.
Result<CopyMark> decode_mark(ByteView bytes);

}  // namespace kumo::node
