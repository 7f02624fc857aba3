#pragma once

#include "api/elastic/json.h"
#include "api/elastic/mapping/mapping.h"
#include "base/bytes.h"
#include "base/result.h"
#include "search/index/mapped_write.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// Values of one document.
inline constexpr std::size_t kDocumentValuesMax = 1'000'000;

/// A document as an index's mapping makes it.
struct MappedSource {
    std::vector<search::MappedValues> values;
    std::vector<search::Field> fields;  ///< The engine's fields of these values.
    std::vector<std::string> ignored;   ///< Paths whose values were not taken (`_ignored`).
    /// The mapping does not know all fields: what has to be merged into it ({"properties": ...})
    /// before the document can be mapped. Null: nothing. The members above are empty then.
    Json update;
};

/// Applies the mapping to a source. mapper_parsing_exception ("failed to parse field [...]") and
/// strict_dynamic_mapping_exception in the API's words. Stateless.
Result<MappedSource> map_document(const Mapping& mapping, std::string_view id, ByteView source);

}  // namespace kumo::api_elastic
