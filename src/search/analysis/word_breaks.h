#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace kumo::search {

/// Calls visit(begin, end) for every piece between two neighbouring word boundaries of `text`
/// (UTF-8; UAX 29, by dictionaries where a script has no spaces), in order and without gaps; once
/// for the whole text if ICU cannot. Stateless; any thread.
void for_each_word(
    std::string_view text,
    const std::function<void(std::size_t, std::size_t)>& visit
);

}  // namespace kumo::search
