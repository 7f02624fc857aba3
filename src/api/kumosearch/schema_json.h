#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "node/node.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <optional>
#include <string>
#include <vector>

/// Collections as JSON: what clients send to create one, and what they are shown. Stateless.
namespace kumo::api_kumosearch {

/// Reads a collection's declaration. Errors are those of search::validate and parse_type, and
/// kInvalidArgument or kUnsupported in the words clients know. Stemming dictionaries are named
/// only (resources/stem_dictionaries.h).
Result<node::CollectionSpec> parse_collection(ByteView json);

/// The name in a collection's declaration.
Result<std::string> read_collection_name(wire::JsonValue root);

/// What a PATCH of a collection asks for.
struct CollectionUpdate {
    std::optional<search::FieldChange> fields;
    node::UpdateCollection properties;  ///< Without the collection's name.
};

/// Reads what is to change of a collection.
Result<CollectionUpdate> parse_update(wire::JsonValue body);

/// Writes the summary of a collection, without the members named in `excluded`.
void write_collection(
    wire::JsonWriter& writer,
    const node::CollectionInfo& info,
    const std::vector<std::string>& excluded = {}
);

}  // namespace kumo::api_kumosearch
