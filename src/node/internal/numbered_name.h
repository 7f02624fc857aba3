#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kumo::node {

/// The number in a name of the form prefix, decimal digits, suffix; nothing if it is none.
inline std::optional<std::uint64_t>
number_in_name(std::string_view name, std::string_view prefix, std::string_view suffix = {}) {
    if (!name.starts_with(prefix) || !name.ends_with(suffix)
        || name.size() <= prefix.size() + suffix.size()) {
        return std::nullopt;
    }
    name.remove_prefix(prefix.size());
    name.remove_suffix(suffix.size());
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == name.data() + name.size();
    return whole ? std::optional(number) : std::nullopt;
}

}  // namespace kumo::node
