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

}  // namespace kumo::search
