#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// One column of a `_cat` table.
struct Column {
    std::string name;
    std::vector<std::string> aliases;
    bool shown = false;  ///< If nobody says which.
    bool right = false;  ///< Numbers: aligned to the right.
};

/// Requires a table that there is.
const std::vector<Column>& columns_of(std::string_view table);

}  // namespace kumo::api_elastic
