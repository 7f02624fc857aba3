#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <string>
#include <vector>

/// The parts of RFC 3986 that a server needs. Stateless; any thread.
namespace kumo::wire {

/// Decodes %XX. A percent sign without two hex digits is kInvalidArgument. Any byte may come out,
/// NUL and invalid UTF-8 included: the caller judges.
Result<std::string> percent_decode(ByteView text);

/// Encodes everything but RFC 3986's unreserved characters. Fit for a path segment and for a
/// query key or value.
std::string percent_encode(ByteView text);

/// One decoded key=value of a query string; a pair without '=' has an empty value.
struct QueryParameter {
    std::string key;
    std::string value;
};

/// More parameters than this are kLimitExceeded.
inline constexpr std::size_t kQueryParametersMax = 1000;

/// Splits "a=1&b=x+y" in order, decoding %XX and '+' (space) on both sides; empty pieces between
/// '&' are dropped. kInvalidArgument for a bad percent escape.
Result<std::vector<QueryParameter>> parse_query(ByteView query);

}  // namespace kumo::wire
