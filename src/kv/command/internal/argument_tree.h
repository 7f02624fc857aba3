#pragma once

#include <string_view>
#include <vector>

namespace kumo::kv::internal {

/// One argument of SpecRow::arguments, read. Views point into the row.
struct Argument {
    std::string_view name;
    std::string_view type = "string";
    std::string_view token;
    std::string_view since;
    std::string_view deprecated_since;
    int key_spec = -1;  ///< Index of the key's specification, -1: none.
    bool has_token = false;
    bool name_is_token = false;  ///< The token is the name in capitals.
    bool optional = false;
    bool multiple = false;
    bool multiple_token = false;
    std::vector<Argument> parts;
};

/// The row's arguments. Requires: the notation of SpecRow.
std::vector<Argument> read_arguments(std::string_view text);

}  // namespace kumo::kv::internal
