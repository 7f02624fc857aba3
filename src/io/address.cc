#include "io/address.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace kumo::io {

namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Result<Address> Address::parse(std::string_view host, std::uint16_t port) {
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    Address address;
    address.port = port;
    // inet_pton wants a terminated string, and would stop at an embedded NUL.
    const std::string text(host);
    if (text.size() < INET6_ADDRSTRLEN && text.find('\0') == std::string::npos) {
        if (::inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) {
            return address;
        }
        address.family = AddressFamily::kIpv6;
        if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) {
            return address;
        }
    }
    return invalid_argument("not an IP address: '" + text.substr(0, 64) + "'");
}

bool Address::is_loopback() const {
    if (family == AddressFamily::kIpv4) {
        return bytes[0] == 127;
    }
    if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
        return bytes[12] == 127;
    }
    const auto zeros = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end() - 1, 0));
    return zeros == 15 && bytes[15] == 1;
}

std::string Address::host_string() const {
    char text[INET6_ADDRSTRLEN] = {};
    const int family_number = family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
    KUMO_ASSERT(::inet_ntop(family_number, bytes.data(), text, sizeof(text)) != nullptr);
    return text;
}

std::string Address::to_string() const {
    const std::string host = host_string();
    const std::string number = std::to_string(port);
    return family == AddressFamily::kIpv4 ? host + ":" + number : "[" + host + "]:" + number;
}

}  // namespace kumo::io
