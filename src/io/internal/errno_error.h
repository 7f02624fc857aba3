#pragma once

#include "base/result.h"

#include <string_view>

namespace kumo::io {

/// The Error for a system call that failed with `number` (an errno value): "<doing> <object>:
/// <the system's text>". Absence, existence and a full disk get their own codes. Stateless.
Error errno_error(std::string_view doing, std::string_view object, int number);

}  // namespace kumo::io
