#pragma once

#include "base/result.h"

namespace kumo::api_kumosearch {

/// The dialect's one table from what went wrong to the HTTP status. Stateless.
int http_status(ErrorCode code);

}  // namespace kumo::api_kumosearch
