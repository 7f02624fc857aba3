#pragma once

#include "api/elastic/query/internal/field_queries.h"

#include <optional>
#include <string>
#include <vector>

namespace kumo::api_elastic {

enum class MatchType : std::uint8_t {
    kBoolean,
    kPhrase,
    kPhrasePrefix,
    kBoolPrefix
};

struct MatchOptions {
    MatchType type = MatchType::kBoolean;
    bool all = false;  ///< Every term has to match.
    std::string minimum_should_match{};
    std::optional<Fuzziness> fuzziness{};
    std::uint32_t prefix_length = 0;
    std::uint32_t expansions_max = 50;
    bool transpositions = true;
    bool constant_fuzzy = false;
    std::uint32_t slop = 0;
    std::string analyzer{};
    bool lenient = false;
    bool zero_terms_all = false;
};

/// Words in one field, as its search analyzer makes them. A null node: nothing is left of the text.
NodeResult match_field(
    const QueryContext& context,
    const std::string& path,
    const Json& text,
    const MatchOptions& options
);

/// The same, where nothing left of the text matches nothing or everything, as the options say.
NodeResult match_field_or_none(
    const QueryContext& context,
    const std::string& path,
    const Json& text,
    const MatchOptions& options
);

struct BoostedField {
    std::string path;
    float boost = 1;
};

/// "title^2", "*_name", "*": fields of the mapping that have text to be found. Names without a
/// wildcard stay, whether there is such a field or not. `any`: one had a wildcard, or there was
/// none at all, so that values that do not fit a field are no errors.
struct FieldList {
    std::vector<BoostedField> fields;
    bool any = false;
};

Result<FieldList>
expand_fields(const QueryContext& context, const std::vector<std::string>& patterns);

/// Words in several fields: how the fields' scores become one.
enum class MultiType : std::uint8_t {
    kBestFields,
    kMostFields,
    kCrossFields,
    kPhrase,
    kPhrasePrefix,
    kBoolPrefix,
};

Result<MultiType> multi_type(const std::string& name);

struct MultiMatch {
    MultiType type = MultiType::kBestFields;
    MatchOptions match{};
    std::optional<float> tie_breaker{};
};

/// As match_field().
NodeResult match_fields(
    const QueryContext& context,
    const std::vector<BoostedField>& fields,
    const Json& text,
    const MultiMatch& options
);

}  // namespace kumo::api_elastic
