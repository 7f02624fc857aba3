#pragma once

#include "search/index/index.h"
#include "search/schema/schema.h"

#include <memory>

namespace kumo::search {

/// The snapshot as one of another schema, for a request that was made for that one: fields are
/// found by name, and no document has those that the snapshot does not know as of the same type.
/// The snapshot itself if the schemas are equal or `schema` is null.
std::shared_ptr<const Snapshot>
adapted(std::shared_ptr<const Snapshot> snapshot, const std::shared_ptr<const Schema>& schema);

}  // namespace kumo::search
