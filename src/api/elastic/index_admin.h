#pragma once

#include "api/elastic/context.h"
#include "api/elastic/index_store.h"
#include "api/elastic/json.h"
#include "base/result.h"

#include <string>

/// Making indices: settings and their checks, templates.
namespace kumo::api_elastic {

/// What templates give an index of this name: {"settings": flat, "mappings": ..., "aliases": ...}.
/// `template_name` (may be null) gets the composable template's, if one fits.
Result<Json>
template_for(const Context& context, const std::string& name, std::string* template_name = nullptr);

/// The index that `PUT /{name}` makes of this body. invalid_index_name_exception,
/// resource_already_exists_exception, what settings and mappings say.
Result<IndexPtr> create_index(const Context& context, const std::string& name, const Json& body);

/// The index that a write makes. index_not_found_exception if that is not allowed.
Result<IndexPtr> auto_create_index(const Context& context, const std::string& name);

/// Settings of a request as they are kept: flat, names beginning with "index.", values as text.
Json normalized_settings(const Json& settings);

/// illegal_argument_exception for what no index can be set to. `update`: of an index that is there;
/// what is fixed then is refused unless it is closed.
Status check_settings(const Json& flat, bool update, bool closed);

/// Aliases of a request, checked and in the form in which they are kept.
Result<Json> normalized_aliases(const Json& aliases);

/// The form in which an alias is shown: {"filter": ..., "index_routing": ...}.
Json alias_json(const Json& alias);

/// "2.19.0" as a number: index.version.created.
inline constexpr int kVersionId = 136408127;

}  // namespace kumo::api_elastic
