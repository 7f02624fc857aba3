#pragma once

#include "base/result.h"
#include "wire/json.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The options of a chain's parts, as settings write them: numbers and booleans may be strings.
/// Stateless.
namespace kumo::search {

inline std::string text_option(wire::JsonValue options, ByteView name, std::string_view otherwise) {
    const wire::JsonValue value = options.find(name);
    return value && value.is_string() ? std::string(value.as_string()) : std::string(otherwise);
}

inline std::uint32_t
number_option(wire::JsonValue options, ByteView name, std::uint32_t otherwise) {
    const wire::JsonValue value = options.find(name);
    if (value && value.type() == wire::JsonType::kInt64 && value.as_int64() >= 0) {
        return static_cast<std::uint32_t>(value.as_int64());
    }
    if (value && value.is_string() && !value.as_string().empty()) {
        std::uint64_t number = 0;
        for (const char c : value.as_string()) {
            if (c < '0' || c > '9' || number > UINT32_MAX) {
                return otherwise;
            }
            number = number * 10 + static_cast<std::uint64_t>(c - '0');
        }
        return static_cast<std::uint32_t>(number);
    }
    return otherwise;
}

inline bool flag_option(wire::JsonValue options, ByteView name, bool otherwise) {
    const wire::JsonValue value = options.find(name);
    if (value && value.is_bool()) {
        return value.as_bool();
    }
    if (value && value.is_string()) {
        return value.as_string() == "true";
    }
    return otherwise;
}

/// A list, or one text with commas between its parts; nothing if there is none.
inline std::optional<std::vector<std::string>> list_option(wire::JsonValue options, ByteView name) {
    const wire::JsonValue value = options.find(name);
    if (!value) {
        return std::nullopt;
    }
    std::vector<std::string> out;
    if (value.is_array()) {
        for (const wire::JsonValue item : value.as_array()) {
            out.emplace_back(item.is_string() ? item.as_string() : item.raw());
        }
    } else if (value.is_string()) {
        std::string_view rest = value.as_string();
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            std::string_view part = rest.substr(0, comma);
            while (part.starts_with(' ')) {
                part.remove_prefix(1);
            }
            out.emplace_back(part);
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return out;
}

}  // namespace kumo::search
