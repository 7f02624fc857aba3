#pragma once

#include "api/kumosearch/call.h"
#include "base/result.h"

#include <functional>
#include <string>

namespace kumo::api_kumosearch {

/// Writes the documents that `source` has at this moment into `target`, in the order in which they
/// came, by writes like any others. `done` runs on the call's loop; after an error some of them may
/// be there.
void clone_documents(
    const CallPtr& call,
    const std::string& source,
    const std::string& target,
    std::function<void(const Status&)> done
);

}  // namespace kumo::api_kumosearch
