#pragma once

#include "api/elastic/json.h"
#include "base/result.h"

#include <string_view>

/// Analyzers by name: the built-in ones, and those of an index's settings. Their parts become a
/// chain (search/analysis/chain.h) with everything resolved. Stateless.
namespace kumo::api_elastic {

/// Nested objects from names with dots: {"a.b": 1} is {"a": {"b": 1}}.
Json nested_settings(const Json& flat);
/// The inverse; arrays are values.
Json flat_settings(const Json& nested);

/// `analysis`: the index's "analysis" object (nested), or null. illegal_argument_exception for
/// names that nothing has.
Result<Json> analyzer_chain(const Json& analysis, std::string_view name);
Result<Json> normalizer_chain(const Json& analysis, std::string_view name);

/// One part: `kind` is "tokenizer", "filter" or "char_filter"; `part` its name, or an object with
/// its "type".
Result<Json> analysis_part(const Json& analysis, std::string_view kind, const Json& part);

/// Checks all that the settings define. illegal_argument_exception.
Status check_analysis(const Json& analysis);

}  // namespace kumo::api_elastic
