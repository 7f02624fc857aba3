#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kumo::cluster {

/// When an operation is acknowledged.
enum class AckMode : std::uint8_t {
    kSync,      ///< All in-sync copies have it.
    kMajority,  ///< Most of them have it.
    kAsync,     ///< The primary has it. What no other copy has is lost with the primary.
};

/// How many of `members` in-sync copies have to have an entry before it commits.
std::size_t quorum(AckMode mode, std::size_t members);

/// Copies that kMajority begins with, at least.
inline constexpr std::size_t kMajorityCopiesMin = 3;

/// "sync", "majority", "async".
std::string_view name_of(AckMode mode);
std::optional<AckMode> ack_mode_of(std::string_view name);

}  // namespace kumo::cluster
