#pragma once

#include "api/elastic/json.h"

namespace kumo::api_elastic {

/// "a.b" among properties becomes b inside of a.
Json expanded_properties(const Json& properties);

}  // namespace kumo::api_elastic
