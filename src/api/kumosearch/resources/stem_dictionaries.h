#pragma once

#include "base/result.h"
#include "node/node.h"
#include "search/schema/schema.h"

#include <vector>

namespace kumo::api_kumosearch {

/// Gives the fields that name a stemming dictionary what is in it now. kInvalidArgument if it is
/// not there. Stateless.
Status fill_dictionaries(const node::Node& node, std::vector<search::Field>& fields);

}  // namespace kumo::api_kumosearch
