#pragma once

#include "api/elastic/context.h"
#include "api/elastic/index_store.h"
#include "api/elastic/json.h"
#include "api/elastic/request.h"
#include "base/result.h"
#include "search/index/mapped_write.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_elastic {

enum class WriteKind : std::uint8_t {
    kIndex,
    kCreate,
    kUpdate,
    kDelete,
};

/// What an `_update` does to a document.
struct UpdateBody {
    Json doc;
    Json upsert;
    bool doc_as_upsert = false;
    bool detect_noop = true;
    std::int64_t retry_on_conflict = 0;
    Json source;  ///< `_source`: what of the document comes back; null: nothing.
    Json script;
    bool scripted_upsert = false;  ///< The script makes what is not there, from `upsert`.
};

/// One document operation, from whatever request.
struct WriteItem {
    WriteKind kind = WriteKind::kIndex;
    std::string index;      ///< As the request names it.
    std::string id;         ///< Empty: one is made.
    bool empty_id = false;  ///< It was given, and is empty: an error.
    std::string routing{};
    std::optional<std::uint64_t> if_seq{};
    std::optional<std::uint64_t> if_term{};
    search::VersionRule rule = search::VersionRule::kInternal;
    std::uint64_t version = 0;
    bool require_alias = false;
    std::string pipeline{};
    bool dropped = false;  ///< A pipeline has: nothing is written.
    std::string source{};  ///< JSON.
    UpdateBody update{};
};

struct WriteOptions {
    bool refresh = false;  ///< "true" and "wait_for"; shown as forced_refresh if `forced`.
    bool forced = false;
    std::int64_t active_shards = 1;
    Duration timeout = std::chrono::minutes(1);

    /// illegal_argument_exception.
    static Result<WriteOptions> of(const Parameters& parameters);
};

/// What became of an item: its answer's JSON and status, as it stands in a bulk.
struct WriteAnswer {
    int status = 200;
    Json body;
    std::optional<Error> error;  ///< Then the body is empty.
    std::string index;           ///< The index it was for.
    std::string id;
};

/// Carries the items out, in order as far as one document is concerned; indices that are not there
/// are made. An answer for each.
std::vector<WriteAnswer>
write_items(const Context& context, std::vector<WriteItem> items, const WriteOptions& options);

/// A document as it is now, or as of the last refresh.
struct FoundDocument {
    search::StoredDocument stored;
    bool found = false;
};

Result<FoundDocument> get_document(
    const Context& context,
    const std::string& index,
    const std::string& id,
    bool realtime
);

/// Reads `version`, `version_type`, `if_seq_no`, `if_primary_term`, `routing` of a query string.
/// action_request_validation_exception, illegal_argument_exception.
Status read_conditions(const Parameters& parameters, WriteItem& item);

/// Writes all of an index's documents into another one.
Status copy_documents(const Context& context, const Index& from, const Index& to);

/// The body of an `_update`, also as a line of a bulk. x_content_parse_exception,
/// action_request_validation_exception.
Status read_update(const Json& body, WriteItem& item);

}  // namespace kumo::api_elastic
