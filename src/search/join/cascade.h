#pragma once

#include "base/result.h"
#include "search/index/index.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kumo::search {

/// Documents that go with those that they reference.

/// A reference that cascades. Collections are indices in the list they are given with.
struct CascadeLink {
    std::size_t referenced = 0;
    std::optional<std::size_t> referenced_field;  ///< Nothing: the id.
    std::size_t referencing = 0;
    std::size_t field = 0;
};

/// What happens to one collection.
struct CascadeChanges {
    std::size_t collection = 0;
    std::vector<std::string> erased;
    std::vector<std::pair<std::string, std::string>> patched;  ///< Ids, and what is merged in.
};

/// Documents that go with others, of one deletion.
inline constexpr std::size_t kCascadeDocumentsMax = 100'000;

/// What has to be changed before documents `ids` of collection `root` are erased, so that nothing
/// references them: first what depends on the rest. A document goes when the last document that a
/// reference of it names does; an array loses the values, and an optional reference becomes null if
/// the document has another one. kLimitExceeded above kCascadeDocumentsMax.
Result<std::vector<CascadeChanges>> plan_cascade(
    std::span<const std::shared_ptr<const Snapshot>> collections,
    std::span<const CascadeLink> links,
    std::size_t root,
    std::span<const std::string> ids
);

}  // namespace kumo::search
