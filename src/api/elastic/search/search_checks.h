#pragma once

#include "api/elastic/search/search_request.h"
#include "api/elastic/search/target.h"

#include <vector>

namespace kumo::api_elastic {

/// The limits that indices set to what a search may ask for.
Status check_window(const SearchBody& body, const std::vector<SearchTarget>& targets);

/// "collapse" and what may be within it. parse_exception.
Status check_collapse(const SearchBody& body);

}  // namespace kumo::api_elastic
