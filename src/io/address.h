#pragma once

#include "base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace kumo::io {

enum class AddressFamily : std::uint8_t {
    kIpv4,
    kIpv6,
};

/// An IP address and a TCP port. A value.
struct Address {
    AddressFamily family = AddressFamily::kIpv4;
    std::array<std::uint8_t, 16> bytes{};  ///< Network order; IPv4 uses the first 4, the rest is 0.
    std::uint16_t port = 0;

    /// `host` is a numeric IPv4 or IPv6 address, the latter with or without brackets.
    static Result<Address> parse(std::string_view host, std::uint16_t port);

    /// 127.0.0.0/8, ::1 and IPv4-mapped loopback.
    bool is_loopback() const;

    /// "192.0.2.1" or "2001:db8::1".
    std::string host_string() const;

    /// "192.0.2.1:80" or "[2001:db8::1]:80".
    std::string to_string() const;

    auto operator<=>(const Address&) const = default;
};

}  // namespace kumo::io
