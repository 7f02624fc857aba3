#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/schema/schema.h"
#include "wire/byte_reader.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Documents of which the values were made before the operation was logged: a dialect that has its
/// own rules of how a document becomes fields (a mapping) applies them where the request comes in,
/// and the operation carries their results, so that every copy indexes the same whatever it knows
/// of the rules.
namespace kumo::search {

/// The values of one field of one document, owned; see FieldValues.
struct MappedValues {
    std::string field;
    std::vector<std::int64_t> codes{};
    std::vector<std::string> strings{};
    std::vector<float> vector{};
};

/// How a write's version is compared with that of the document which is there.
enum class VersionRule : std::uint8_t {
    kInternal,     ///< The next one; with conditions on its number, if any.
    kExternal,     ///< The given one, which must be above.
    kExternalGte,  ///< The given one, which must not be below.
};

/// One document, or the end of one.
struct MappedWrite {
    std::string id;
    std::string routing{};  ///< Remembered with it; empty: none.
    bool create_only = false;
    bool erase = false;
    VersionRule rule = VersionRule::kInternal;
    std::uint64_t version = 0;  ///< Of external rules.
    /// The document that is there must be of this operation (and term).
    std::optional<std::uint64_t> if_seq{};
    std::optional<std::uint64_t> if_term{};
    std::string source{};  ///< A JSON object, kept byte for byte.
    std::vector<MappedValues> values{};
};

/// Fields that the documents need, each to be added if the schema does not have it (`found` is
/// set); then documents, each applied by itself.
struct MappedBatch {
    std::vector<Field> fields;
    std::vector<MappedWrite> writes;
};

/// What is remembered of a document beside its source.
struct DocumentMeta {
    std::uint64_t seq = 0;  ///< Counts operations on the shard's documents, from 0.
    std::uint64_t term = 1;
    std::uint64_t version = 1;
    std::string routing{};
};

/// A stored document, taken apart.
struct StoredDocument {
    std::string id;
    std::string source;
    DocumentMeta meta;
    bool mapped = false;  ///< It came by a MappedWrite. If not, the source has the id in it.
};

/// The document as it is stored: the source's members as they were written, then `_meta` and `id`.
/// (Of two members called `id` the last one counts: that is the document's.)
std::string stored_form(std::string_view id, const DocumentMeta& meta, std::string_view source);

/// The inverse, for whatever document. kCorruption.
Result<StoredDocument> parse_stored(ByteView stored);

// What a write answers (Written::document): the meta as JSON, and whether there was a document.

struct MappedOutcome {
    DocumentMeta meta;
    bool found = false;
};

std::string mapped_outcome(const MappedOutcome& outcome);
Result<MappedOutcome> parse_mapped_outcome(ByteView json);

void append_mapped_batch(std::string& out, const MappedBatch& batch);
/// After damage the reader is not ok().
MappedBatch read_mapped_batch(wire::ByteReader& in);

}  // namespace kumo::search
