#pragma once

#include "base/bytes.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>

namespace kumo::wire {

/// Any number of so many digits is within 64 bits.
inline constexpr std::size_t kDigitsThatFit = 18;

/// The number whose one canonical spelling `text` is: an optional '-', digits, no leading zero, no
/// "-0", no space, within 64 bits. This is when Redis takes a string for an integer. Stateless.
inline std::optional<std::int64_t> parse_decimal(ByteView text) noexcept {
    const ByteView digits = !text.empty() && text.front() == '-' ? text.substr(1) : text;
    if (digits.empty() || digits.front() < '0' || digits.front() > '9'
        || (digits.front() == '0' && text.size() > 1)) {
        return std::nullopt;
    }
    std::int64_t value = 0;
    if (digits.size() <= kDigitsThatFit) {
        for (const char c : digits) {
            const int digit = c - '0';
            if (digit < 0 || digit > 9) {
                return std::nullopt;
            }
            value = value * 10 + digit;
        }
        return digits.size() == text.size() ? value : -value;
    }
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end) {
        return std::nullopt;
    }
    return value;
}

}  // namespace kumo::wire
