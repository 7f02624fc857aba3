#include "cluster/discovery/host_port.h"

#include "io/address.h"

#include <algorithm>
#include <charconv>

namespace kumo::cluster {

namespace {

bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
           || c == '.' || c == '_';
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text.substr(0, kHostBytesMax)) + "'";
}

}  // namespace

std::string HostPort::to_string() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string with_host(const std::string& host, const std::string& address) {
    const auto port = parse_port(std::string_view(address).substr(address.rfind(':') + 1));
    return HostPort{host, port.ok() ? port.value() : std::uint16_t{0}}.to_string();
}

Result<std::string> parse_host(std::string_view text) {
    if (text.starts_with('[')) {
        const bool closed = text.size() > 2 && text.ends_with(']');
        const auto inner = closed ? text.substr(1, text.size() - 2) : std::string_view();
        const auto address = io::Address::parse(inner, 0);
        if (!address.ok() || address.value().family != io::AddressFamily::kIpv6) {
            return invalid_argument(quoted(text) + " is not an IPv6 address in brackets");
        }
        return std::string(inner);
    }
    if (text.empty()) {
        return invalid_argument("the host is missing");
    }
    if (text.size() > kHostBytesMax || !std::all_of(text.begin(), text.end(), is_host_char)) {
        return invalid_argument(quoted(text) + " is not a host name or address");
    }
    return std::string(text);
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || port == 0) {
        return invalid_argument(quoted(text) + " is not a port from 1 to 65535");
    }
    return port;
}

Result<HostPort> parse_host_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return invalid_argument(quoted(text) + " is not host:port");
    }
    HostPort result;
    KUMO_TRY_ASSIGN(result.host, parse_host(text.substr(0, colon)));
    KUMO_TRY_ASSIGN(result.port, parse_port(text.substr(colon + 1)));
    return result;
}

}  // namespace kumo::cluster
