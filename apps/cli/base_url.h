#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace kumo::cli {

inline constexpr std::uint16_t kDefaultPort = 8868;

/// Where a server is. A value.
struct BaseUrl {
    bool tls = false;
    std::string host;  ///< A name or a numeric address, IPv6 without brackets.
    std::uint16_t port = kDefaultPort;

    /// "http://host:port", as a person would type it.
    std::string to_string() const;
};

/// Reads "http[s]://host[:port][/]"; the scheme may be left out. Without a port, http means
/// kDefaultPort and https means 443. kInvalidArgument says what is wrong with it.
Result<BaseUrl> parse_base_url(std::string_view text);

}  // namespace kumo::cli
