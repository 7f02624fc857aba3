#include "wire/internal/json_scalar.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace kumo::wire::internal {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_value(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/// Four hex digits, or -1. Stops at the first that is none, so it never leaves the string.
int read_hex4(const char* at) {
    int value = 0;
    for (int i = 0; i < 4; ++i) {
        const int digit = hex_value(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

char* put_utf8(char32_t c, char* out) {
    const auto put = [&](char32_t byte) {
        *out++ = static_cast<char>(byte);
    };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6));
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | (c >> 18));
        put(0x80 | ((c >> 12) & 0x3F));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    }
    return out;
}

/// Reads XXXX, and \uXXXX behind it if the first is a high surrogate. Moves `at` past it. False
/// for bad digits and for half a surrogate pair.
bool read_unicode_escape(const char*& at, char*& out) {
    const int first = read_hex4(at);
    if (first < 0) {
        return false;
    }
    at += 4;
    auto code_point = static_cast<char32_t>(first);
    if (code_point >= 0xDC00 && code_point <= 0xDFFF) {
        return false;
    }
    if (code_point >= 0xD800 && code_point <= 0xDBFF) {
        if (at[0] != '\\' || at[1] != 'u') {
            return false;
        }
        const int second = read_hex4(at + 2);
        if (second < 0xDC00 || second > 0xDFFF) {
            return false;
        }
        at += 6;
        code_point =
            0x10000 + ((code_point - 0xD800) << 10) + (static_cast<char32_t>(second) - 0xDC00);
    }
    out = put_utf8(code_point, out);
    return true;
}

/// What the character after a backslash stands for; 0 if it is none of the simple escapes.
char simple_escape(char c) {
    switch (c) {
        case '"': return '"';
        case '\\': return '\\';
        case '/': return '/';
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return 0;
    }
}

/// A number cut into its parts.
struct Parts {
    std::uint64_t digits = 0;  ///< Of integer and fraction, valid if !overflow.
    int fraction_digits = 0;
    int digit_count = 0;
    long exponent = 0;
    bool negative = false;
    bool overflow = false;  ///< The digits do not fit 64 bits.
    bool integer = true;
};

void add_digit(Parts& parts, char c) {
    const auto digit = static_cast<unsigned>(c - '0');
    constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max() / 10;
    constexpr unsigned kLastDigit = std::numeric_limits<std::uint64_t>::max() % 10;
    if (parts.digits > kLast || (parts.digits == kLast && digit > kLastDigit)) {
        parts.overflow = true;
    }
    parts.digits = parts.digits * 10 + digit;
    ++parts.digit_count;
}

const char* scan_exponent(const char* at, Parts& parts) {
    constexpr long kEnough = 100000;  // Beyond any double; keeps the sum from overflowing.
    parts.integer = false;
    const bool negative = *at == '-';
    if (*at == '-' || *at == '+') {
        ++at;
    }
    if (!is_digit(*at)) {
        return nullptr;
    }
    for (; is_digit(*at); ++at) {
        if (parts.exponent < kEnough) {
            parts.exponent = parts.exponent * 10 + (*at - '0');
        }
    }
    if (negative) {
        parts.exponent = -parts.exponent;
    }
    return at;
}

/// Null if the grammar is broken.
const char* scan_number(const char* at, Parts& parts) {
    if (*at == '-') {
        parts.negative = true;
        ++at;
    }
    if (!is_digit(*at) || (*at == '0' && is_digit(at[1]))) {
        return nullptr;
    }
    for (; is_digit(*at); ++at) {
        add_digit(parts, *at);
    }
    if (*at == '.') {
        parts.integer = false;
        ++at;
        if (!is_digit(*at)) {
            return nullptr;
        }
        for (; is_digit(*at); ++at) {
            add_digit(parts, *at);
            ++parts.fraction_digits;
        }
    }
    if (*at == 'e' || *at == 'E') {
        return scan_exponent(at + 1, parts);
    }
    return at;
}

bool set_integer(const Parts& parts, JsonNode& node) {
    constexpr std::uint64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
    if (parts.overflow || (parts.negative && parts.digits > kInt64Max + 1)) {
        return false;
    }
    if (!parts.negative && parts.digits > kInt64Max) {
        node.type = JsonType::kUint64;
        node.uint64 = parts.digits;
        return true;
    }
    node.type = JsonType::kInt64;
    node.int64 = static_cast<std::int64_t>(parts.negative ? ~parts.digits + 1 : parts.digits);
    return true;
}

/// Exact when the digits and the power of ten both are exact doubles (Clinger 1990): one rounding.
bool set_double_fast(const Parts& parts, JsonNode& node) {
    static constexpr std::array<double, 23> kPowers = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const long power = parts.exponent - parts.fraction_digits;
    if (parts.overflow || parts.digits > (1ULL << 53) || power < -22 || power > 22) {
        return false;
    }
    const auto digits = static_cast<double>(parts.digits);
    const auto index = static_cast<std::size_t>(power < 0 ? -power : power);
    const double value = power < 0 ? digits / kPowers[index] : digits * kPowers[index];
    node.type = JsonType::kDouble;
    node.number = parts.negative ? -value : value;
    return true;
}

bool set_double(const char* from, const char* to, const Parts& parts, JsonNode& node) {
    double value = 0;
    const std::from_chars_result read = std::from_chars(from, to, value);
    if (read.ec == std::errc::result_out_of_range) {
        // from_chars does not say in which direction. Too small is zero, too large is an error.
        if (parts.exponent + parts.digit_count - parts.fraction_digits > 0) {
            return false;
        }
        value = parts.negative ? -0.0 : 0.0;
    }
    node.type = JsonType::kDouble;
    node.number = value;
    return std::isfinite(value);
}

}  // namespace

const char* find_quote_or_backslash(const char* at) noexcept {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    for (;; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const int found = _mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash))
        );
        if (found != 0) {
            return at + __builtin_ctz(static_cast<unsigned>(found));
        }
    }
#else
    while (*at != '"' && *at != '\\') {
        ++at;
    }
    return at;
#endif
}

Unescaped unescape(const char* at, char* out) noexcept {
    for (;;) {
        const char* stop = find_quote_or_backslash(at);
        const auto plain = static_cast<std::size_t>(stop - at);
        std::memcpy(out, at, plain);
        out += plain;
        if (*stop == '"') {
            return {stop, out};
        }
        at = stop + 2;
        if (stop[1] == 'u') {
            if (!read_unicode_escape(at, out)) {
                return {stop, nullptr};
            }
        } else if (const char c = simple_escape(stop[1]); c != 0) {
            *out++ = c;
        } else {
            return {stop, nullptr};
        }
    }
}

const char*
read_number(const char* at, const char* text_end, JsonNode& node, const char*& why) noexcept {
    Parts parts;
    const char* end = scan_number(at, parts);
    if (end == nullptr || end > text_end) {
        why = "malformed number";
        return nullptr;
    }
    if (parts.integer && set_integer(parts, node)) {
        return end;
    }
    if (!set_double_fast(parts, node) && !set_double(at, end, parts, node)) {
        why = "number out of range";
        return nullptr;
    }
    return end;
}

}  // namespace kumo::wire::internal
