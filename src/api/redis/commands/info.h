#pragma once

#include "api/redis/service.h"

#include <span>
#include <string>

namespace kumo::api_redis {

/// INFO's text: the sections that were named, the usual ones if none was.
std::string info_text(Service& service, std::span<const ByteView> names);

}  // namespace kumo::api_redis
