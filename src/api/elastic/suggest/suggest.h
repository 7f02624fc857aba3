#pragma once

#include "api/elastic/json.h"
#include "api/elastic/query/query.h"
#include "base/result.h"
#include "search/index/index.h"

#include <vector>

/// "suggest" of a search: other words for those of a text (term, phrase), and ends for its
/// beginning (completion). Stateless; any thread.
namespace kumo::api_elastic {

/// One index that suggestions come from.
struct SuggestIndex {
    const QueryContext* context = nullptr;
    const search::Snapshot* snapshot = nullptr;
};

/// The member "suggest" of an answer.
Result<Json>
suggest_json(const Json& suggest, const std::vector<SuggestIndex>& indices, bool typed_keys);

}  // namespace kumo::api_elastic
