#pragma once

#include "search/text/doc.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace kumo::api_elastic {

/// What a hit is sorted by: nothing (it has no value), an integer, a number, a string.
using SortKey = std::variant<std::monostate, std::int64_t, double, std::string>;

/// One document that a search has found.
struct Hit {
    std::uint32_t index = 0;  ///< Of the targets.
    std::uint32_t part = 0;
    search::DocId doc = 0;
    float score = 0;
    std::vector<SortKey> keys;
};

}  // namespace kumo::api_elastic
