#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace kumo::cluster {

/// A host, by name or number (IPv6 without brackets), and a port.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;

    /// With brackets where they are needed.
    std::string to_string() const;

    bool operator==(const HostPort&) const = default;
};

/// The longest host name (RFC 1035).
inline constexpr std::size_t kHostBytesMax = 253;

/// "host:port" with the address's port, which is 0 if it has none.
std::string with_host(const std::string& host, const std::string& address);

/// A host as a name or number: kInvalidArgument, saying what is wrong, for anything else.
Result<std::string> parse_host(std::string_view text);

/// 1 to 65535.
Result<std::uint16_t> parse_port(std::string_view text);

/// "host:port", "[v6]:port".
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace kumo::cluster
