#pragma once

#include "base/result.h"
#include "wire/json.h"

#include <string>
#include <string_view>

namespace kumo::search {

/// The member of a written document that says what to do to values instead of what they are:
/// {"$operations": {"increment": {"count": 2}}}. Stateless.
inline constexpr std::string_view kOperationsKey = "$operations";

/// The document without that member, and with the values that it leads to; a field that `before`
/// (an object, or absent) does not have counts from 0. kInvalidArgument for anything but
/// increments of numbers by numbers, and for integers that do not fit 64 bits.
Result<std::string> resolve_operations(wire::JsonValue document, wire::JsonValue before);

}  // namespace kumo::search
