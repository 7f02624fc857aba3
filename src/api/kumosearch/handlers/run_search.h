#pragma once

#include "api/kumosearch/call.h"
#include "api/kumosearch/query/search_plan.h"
#include "base/result.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_kumosearch {

/// One search of a call, under a grant that was checked for the collection and whose embedded
/// parameters win.
struct SearchOrder {
    std::string collection;  ///< Or an alias.
    Parameters parameters;
    Grant grant;
};

/// A search that is ready to be run.
struct PreparedSearch {
    std::shared_ptr<const node::CollectionSpec> collection;
    SearchPlan plan;
    std::optional<SearchNote> note{};  ///< For analytics, if they want to know.
};

/// Applies presets, resources and curations to one search. `done` is called once, on the call's
/// loop, maybe at once.
void prepare_search(
    const CallPtr& call,
    SearchOrder order,
    std::function<void(Result<PreparedSearch>)> done
);

/// Runs several searches and puts their hits together (search/query/union_search.h). The page is
/// that of the call's own parameters. `done` as above.
void run_union(
    const CallPtr& call,
    std::vector<SearchOrder> searches,
    bool remove_duplicates,
    std::function<void(Result<std::string>)> done
);

/// Runs one search. `done` gets the JSON of the result; as above.
void run_search(
    const CallPtr& call,
    SearchOrder order,
    std::function<void(Result<std::string>)> done
);

}  // namespace kumo::api_kumosearch
