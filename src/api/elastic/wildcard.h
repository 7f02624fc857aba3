#pragma once

#include <string_view>

namespace kumo::api_elastic {

/// Whether `text` fits a pattern in which `*` stands for anything. Linear in both: never a
/// recursion. Stateless.
bool matches_wildcard(std::string_view pattern, std::string_view text);

}  // namespace kumo::api_elastic
