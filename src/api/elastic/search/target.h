#pragma once

#include "api/elastic/context.h"
#include "api/elastic/index_store.h"
#include "api/elastic/json.h"
#include "search/index/index.h"

#include <memory>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// One index of a search, at one moment.
struct SearchTarget {
    IndexPtr index;
    std::shared_ptr<const search::Snapshot> snapshot;
    Json filter;  ///< Of the aliases it came by; null: none.
    std::vector<std::string> aliases;
};

/// The indices of a request, as of their last refresh. `options` as in resolver.h.
Result<std::vector<SearchTarget>> search_targets(
    const Context& context,
    std::string_view expression,
    const struct IndicesOptions& options
);

/// A failure of an index's shards, as the answer of a search that failed because of it.
Error shard_failure(const std::string& index, const Error& cause);

}  // namespace kumo::api_elastic
