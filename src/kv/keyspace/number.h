#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <optional>
#include <string>

namespace kumo::kv {

/// A 64-bit number as Redis takes it in arguments and values: canonical decimal, no blanks, no plus
/// sign, no leading zeros, no "-0".
std::optional<std::int64_t> parse_integer(ByteView text);

/// A floating-point number: what strtod takes whole, without leading blanks; not NaN. "inf",
/// "-inf", "+inf", "infinity" are numbers.
std::optional<double> parse_double(ByteView text);

/// As parse_double(), in the precision INCRBYFLOAT reckons with.
std::optional<long double> parse_long_double(ByteView text);

/// INCRBYFLOAT's form: 17 decimals at most, no exponent, no trailing zeros.
std::string format_long_double(long double value);

}  // namespace kumo::kv
