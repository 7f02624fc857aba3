#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// What somebody may have meant: the known name that differs in the fewest letters, at most two.
/// Empty if none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace kumo::api_elastic
