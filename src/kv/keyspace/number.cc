#include "kv/keyspace/number.h"

#include "wire/decimal.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace kumo::kv {

namespace {

constexpr std::size_t kFloatCharactersMax = std::size_t{5} * 1024;

bool blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The text with a zero behind it; false if it cannot be a number.
bool terminated(ByteView text, std::string* out) {
    if (text.empty() || text.size() >= kFloatCharactersMax || blank(text.front())
        || text.find('\0') != ByteView::npos) {
        return false;
    }
    out->assign(text);
    return true;
}

}  // namespace

std::optional<std::int64_t> parse_integer(ByteView text) {
    return wire::parse_decimal(text);
}

std::optional<double> parse_double(ByteView text) {
    std::string copy;
    if (!terminated(text, &copy)) {
        return std::nullopt;
    }
    char* end = nullptr;
    errno = 0;
    const double value = std::strtod(copy.c_str(), &end);
    const bool overflow = errno == ERANGE && (std::isinf(value) || value == 0);
    if (end != copy.c_str() + copy.size() || std::isnan(value) || overflow) {
        return std::nullopt;
    }
    return value;
}

std::optional<long double> parse_long_double(ByteView text) {
    std::string copy;
    if (!terminated(text, &copy)) {
        return std::nullopt;
    }
    char* end = nullptr;
    errno = 0;
    const long double value = std::strtold(copy.c_str(), &end);
    const bool overflow = errno == ERANGE && (std::isinf(value) || value == 0);
    if (end != copy.c_str() + copy.size() || std::isnan(value) || overflow) {
        return std::nullopt;
    }
    return value;
}

std::string format_long_double(long double value) {
    if (std::isinf(value)) {
        return value > 0 ? "inf" : "-inf";
    }
    // The largest long double has 4933 digits before the point.
    std::array<char, kFloatCharactersMax> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), "%.17Lf", value);
    std::string text(buffer.data(), static_cast<std::size_t>(length));
    if (text.find('.') != std::string::npos) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') {
            text.pop_back();
        }
    }
    return text == "-0" ? "0" : text;
}

}  // namespace kumo::kv
