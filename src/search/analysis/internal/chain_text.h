#pragma once

#include "base/result.h"

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>

/// What the parts of chains share. Stateless.
namespace kumo::search {

/// Without white space at both ends.
void trim(std::string& text);

/// kInvalidArgument for what is no pattern.
Result<std::shared_ptr<const RE2>> compile(const std::string& pattern);

/// A replacement as RE2 writes it: $1 is \\1.
std::string rewrite_of(std::string_view replacement);

}  // namespace kumo::search
