#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

/// Lengths and times as this API writes them. Stateless.
namespace kumo::api_elastic {

/// "10km", "5mi", "300" (meters).
Result<double> distance_meters(std::string_view text);

/// "10d", "1.5h", "500ms", "0". illegal_argument_exception or parse_exception.
Result<double> time_nanos(std::string_view text);

}  // namespace kumo::api_elastic
