#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace kumo::search {

/// How many code points valid UTF-8 has.
inline std::size_t code_points(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

/// Where the last code point of valid UTF-8 begins; 0 if there is none.
inline std::size_t last_code_point(std::string_view text) {
    std::size_t at = text.empty() ? 0 : text.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
        --at;
    }
    return at;
}

}  // namespace kumo::search
