#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// More numbers in one bitmap are kLimitExceeded.
inline constexpr std::size_t kBitmapValuesMax = 10'000'000;

/// The numbers of a Roaring bitmap (its portable format), ascending: of 32 bits, or with `wide` of
/// 64. kInvalidArgument for bytes that are none. Stateless.
Result<std::vector<std::int64_t>> bitmap_values(std::string_view bytes, bool wide);

/// Nothing for text that is no base64.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace kumo::api_elastic
