#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "node/node.h"
#include "search/index/index.h"
#include "search/index/mapped_write.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::node {

// The operations on a collection's documents, as they stand in the log (docs/formats/operation.md).
// Stateless.

/// What an operation did. Which members mean anything follows from the operation.
struct Outcome {
    std::uint64_t seq = 0;                         ///< Its place in the shard's log.
    std::vector<Result<search::Written>> written;  ///< Write: one per document, in order.
    std::uint64_t changed = 0;                     ///< Erase, update, truncate: documents changed.
    std::string document;                          ///< Erase: the last one removed, as it was.
    std::optional<Error> first_error;  ///< Erase, update: why an id was left alone. Change of
                                       ///< fields: why nothing was changed.
};

std::string encode_write(const WriteBatch& batch);

std::string encode_mapped(const search::MappedBatch& batch);

/// Documents that are not there are left alone.
std::string encode_erase(std::span<const std::string> ids);

/// Merges `patch` (a JSON object) into each of the documents that are there.
std::string
encode_update(std::string_view patch, search::DirtyValues dirty, std::span<const std::string> ids);

std::string encode_truncate();

/// A change of the collection's fields. Not for apply_operation(): it takes long.
std::string encode_field_change(const search::FieldChange& change);

/// Whether the bytes claim to be one.
bool is_field_change(ByteView operation);

/// kCorruption if the bytes are none.
Result<search::FieldChange> decode_field_change(ByteView operation);

// An outcome as another node gets to know it, with the documents it holds:
// docs/formats/operation.md.

std::string encode_outcome(const Outcome& outcome);

/// kCorruption if the bytes are no outcome.
Result<Outcome> decode_outcome(ByteView bytes);

/// Applies one operation, without publishing. Deterministic: what cannot be done is part of the
/// outcome. kCorruption, and nothing changed, if the bytes are no operation.
Result<Outcome> apply_operation(search::Index& index, ByteView operation);

}  // namespace kumo::node
