#pragma once

#include "api/elastic/mapping/dates.h"
#include "base/result.h"

#include <cstdint>
#include <string_view>

namespace kumo::api_elastic {

/// "now-1d/d", "2020-01-01||+1M/d", or a date by `format`. With kHighest, what is rounded or left
/// out goes up to the last millisecond. `now_millis`: UTC. illegal_argument in the API's words
/// ("operator not supported for date math [...]"). Stateless.
Result<Instant> parse_date_math(
    std::string_view text,
    const DateFormat& format,
    std::int64_t now_millis,
    MissingParts missing = MissingParts::kLowest,
    const TimeZone& zone = {}
);

}  // namespace kumo::api_elastic
