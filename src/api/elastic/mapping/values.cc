#include "api/elastic/fault.h"
#include "api/elastic/mapping/mapping.h"
#include "search/analysis/chain.h"
#include "search/column/codes.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <arpa/inet.h>

namespace kumo::api_elastic {

namespace {

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63U;

struct Range {
    std::int64_t min;
    std::int64_t max;
};

Range range_of(FieldKind kind) {
    switch (kind) {
        case FieldKind::kInteger: return {INT32_MIN, INT32_MAX};
        case FieldKind::kShort: return {INT16_MIN, INT16_MAX};
        case FieldKind::kByte: return {INT8_MIN, INT8_MAX};
        default: return {INT64_MIN, INT64_MAX};
    }
}

std::string type_name(FieldKind kind) {
    switch (kind) {
        case FieldKind::kInteger: return "an integer";
        case FieldKind::kShort: return "a short";
        case FieldKind::kByte: return "a byte";
        default: return "a long";
    }
}

Error not_a_number(const Json& value) {
    return fault("number_format_exception", "For input string: \"" + value.text() + "\"");
}

Result<std::int64_t> integer_code(const MappedField& field, const Json& value) {
    const Range range = range_of(field.kind);
    if (const auto whole = value.to_int64()) {
        if (*whole < range.min || *whole > range.max) {
            return illegal_argument(
                "Value [" + value.text() + "] is out of range for " + type_name(field.kind)
            );
        }
        return *whole;
    }
    const auto number = value.is_bool() ? std::nullopt : value.to_double();
    if (!number) {
        return not_a_number(value);
    }
    if (*number != std::trunc(*number) && !field.coerce) {
        return illegal_argument("Value [" + value.text() + "] has a decimal part");
    }
    if (!(std::trunc(*number) >= static_cast<double>(range.min))
        || !(std::trunc(*number) < static_cast<double>(range.max) + 1.0)) {
        return illegal_argument(
            "Value [" + value.text() + "] is out of range for " + type_name(field.kind)
        );
    }
    return static_cast<std::int64_t>(*number);
}

Result<std::int64_t> unsigned_code(const Json& value) {
    std::uint64_t number = 0;
    const std::string digits = value.text();
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (end.ec != std::errc() || end.ptr != digits.data() + digits.size()) {
        const auto real = value.to_double();
        if (!real || *real < 0 || *real >= 18446744073709551616.0) {
            return illegal_argument("Value [" + digits + "] is out of range for unsigned long");
        }
        number = static_cast<std::uint64_t>(*real);
    }
    return static_cast<std::int64_t>(number ^ kSignBit);
}

double half_float(double value) {
    // 11 bits of mantissa: rounded to the nearest, ties to even, as IEEE 754 binary16 in its
    // normal range.
    int exponent = 0;
    const double mantissa = std::frexp(value, &exponent);
    return std::ldexp(std::nearbyint(std::ldexp(mantissa, 11)), exponent - 11);
}

Result<std::int64_t> real_code(const MappedField& field, const Json& value) {
    const auto number = value.is_bool() ? std::nullopt : value.to_double();
    if (!number) {
        return not_a_number(value);
    }
    double out = *number;
    switch (field.kind) {
        case FieldKind::kFloat: out = static_cast<float>(out); break;
        case FieldKind::kHalfFloat: out = std::abs(out) > 65504 ? INFINITY : half_float(out); break;
        case FieldKind::kScaledFloat:
            out = std::round(out * field.scaling_factor) / field.scaling_factor;
            break;
        default: break;
    }
    if (!std::isfinite(out)) {
        return illegal_argument(
            "[" + field.type + "] supports only finite values, but got [" + value.text() + "]"
        );
    }
    return search::code_of_double(out);
}

Result<std::int64_t> date_code(const MappedField& field, const Json& value) {
    const auto instant = field.format.parse(value.text());
    if (!instant.ok()) {
        return illegal_argument(instant.error().message);
    }
    const Instant at = instant.value();
    if (field.kind == FieldKind::kDate) {
        return at.millis;
    }
    if (at.millis < 0) {
        return illegal_argument(
            "date[" + value.text()
            + "] is before the epoch in 1970 and cannot be stored in nanosecond resolution"
        );
    }
    if (at.millis > INT64_MAX / 1'000'000 - 1) {
        return illegal_argument(
            "date[" + value.text()
            + "] is after 2262-04-11T23:47:16.854775807 and cannot be stored in nanosecond "
              "resolution"
        );
    }
    return at.millis * 1'000'000 + at.nanos;
}

Result<std::int64_t> boolean_code(const Json& value) {
    if (const auto flag = value.to_bool()) {
        return *flag ? 1 : 0;
    }
    if (value.is_string() && value.as_string().empty()) {
        return 0;
    }
    return illegal_argument(
        "Failed to parse value [" + value.text() + "] as only [true] or [false] are allowed."
    );
}

Instant instant_of(const MappedField& field, std::int64_t code) {
    if (field.kind == FieldKind::kDate) {
        return {code, 0};
    }
    return {code / 1'000'000, static_cast<std::int32_t>(code % 1'000'000)};
}

}  // namespace

Result<std::int64_t> json_to_code(const MappedField& field, const Json& value) {
    if (field.is_real()) {
        return real_code(field, value);
    }
    switch (field.kind) {
        case FieldKind::kUnsignedLong: return unsigned_code(value);
        case FieldKind::kDate:
        case FieldKind::kDateNanos: return date_code(field, value);
        case FieldKind::kBoolean: return boolean_code(value);
        default: return integer_code(field, value);
    }
}

Json code_to_json(const MappedField& field, std::int64_t code) {
    if (field.is_real()) {
        const double number = search::double_of_code(code);
        return field.kind == FieldKind::kFloat ? Json::number_float(static_cast<float>(number))
                                               : Json(number);
    }
    switch (field.kind) {
        case FieldKind::kUnsignedLong: return static_cast<std::uint64_t>(code) ^ kSignBit;
        case FieldKind::kBoolean: return code != 0;
        default: return code;
    }
}

std::string code_to_text(
    const MappedField& field,
    std::int64_t code,
    const DateFormat* format,
    const TimeZone& zone
) {
    if (field.is_date()) {
        return (format != nullptr ? *format : field.format).format(instant_of(field, code), zone);
    }
    return code_to_json(field, code).text();
}

Result<std::string> json_to_string(const MappedField& field, const Json& value) {
    const std::string text = value.text();
    if (field.kind == FieldKind::kIp) {
        return ip_digits(text);
    }
    if (field.normalizer.empty()) {
        return text;
    }
    std::string out;
    for (const search::ChainToken& token :
         search::AnalysisChain::of(field.normalizer)->tokens(text)) {
        out += token.text;
    }
    return out;
}

Json string_to_json(const MappedField& field, std::string_view value) {
    return field.kind == FieldKind::kIp ? Json(ip_text(value)) : Json(value);
}

Result<std::string> ip_digits(std::string_view text) {
    std::array<unsigned char, 16> bytes{};
    const std::string address(text);
    if (inet_pton(AF_INET, address.c_str(), bytes.data() + 12) == 1) {
        bytes[10] = 0xFF;
        bytes[11] = 0xFF;
    } else if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) {
        return illegal_argument("'" + address + "' is not an IP string literal.");
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const unsigned char byte : bytes) {
        out += kDigits[byte >> 4U];
        out += kDigits[byte & 15U];
    }
    return out;
}

std::string ip_text(std::string_view digits) {
    std::array<unsigned char, 16> bytes{};
    if (digits.size() != 32) {
        return std::string(digits);
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, bytes[i], 16);
    }
    const bool mapped = digits.starts_with("00000000000000000000ffff");
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(
        mapped ? AF_INET : AF_INET6,
        bytes.data() + (mapped ? 12 : 0),
        text.data(),
        static_cast<socklen_t>(text.size())
    );
    return text.data();
}

}  // namespace kumo::api_elastic
