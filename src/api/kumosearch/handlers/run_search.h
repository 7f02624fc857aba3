#pragma once

#include "api/kumosearch/call.h"
#include "base/result.h"

#include <functional>
#include <string>

namespace kumo::api_kumosearch {

/// Runs one search of a call under a grant (already checked for the collection), whose embedded
/// parameters win. `done` gets the JSON of the result, once, on the call's loop, maybe at once.
void run_search(
    const CallPtr& call,
    const std::string& collection,
    Parameters parameters,
    const Grant& grant,
    std::function<void(Result<std::string>)> done
);

}  // namespace kumo::api_kumosearch
