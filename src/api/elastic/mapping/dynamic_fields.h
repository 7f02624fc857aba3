#pragma once

#include "api/elastic/json.h"
#include "api/elastic/mapping/mapping.h"
#include "base/result.h"

#include <string>

namespace kumo::api_elastic {

/// A dynamic template is for a value at this path.
bool has_template(const Mapping& mapping, const std::string& path, const Json& value);

/// What a field that a document brought becomes: its mapping goes into `update` (the "properties"
/// of the root). Nothing for values that say nothing (null, empty arrays). Dynamic templates come
/// first, then the value's own form. Stateless.
Status
add_dynamic_field(const Mapping& mapping, const std::string& path, const Json& value, Json& update);

}  // namespace kumo::api_elastic
