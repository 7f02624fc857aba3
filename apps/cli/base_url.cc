#include "cli/base_url.h"

#include <charconv>

namespace kumo::cli {
namespace {

constexpr std::uint16_t kHttpsPort = 443;

/// Takes `prefix` off the front of `text` if it is there.
bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) {
        return false;
    }
    text.remove_prefix(prefix.size());
    return true;
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
        return invalid_argument("'" + std::string(text) + "' is not a port");
    }
    return port;
}

/// Splits "host", "host:port", "[v6]" and "[v6]:port".
Status split_authority(std::string_view text, BaseUrl& url) {
    std::string_view port;
    if (take(text, "[")) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) {
            return invalid_argument("an IPv6 address ends in ']'");
        }
        url.host = text.substr(0, end);
        port = text.substr(end + 1);
        if (!port.empty() && !take(port, ":")) {
            return invalid_argument("only a port may follow the address");
        }
    } else {
        const std::size_t colon = text.find(':');
        url.host = text.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    }
    if (url.host.empty()) {
        return invalid_argument("there is no host in it");
    }
    if (!port.empty()) {
        KUMO_TRY_ASSIGN(url.port, parse_port(port));
    }
    return {};
}

}  // namespace

std::string BaseUrl::to_string() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (tls ? "https://" : "http://") + (v6 ? "[" + host + "]" : host) + ":"
           + std::to_string(port);
}

Result<BaseUrl> parse_base_url(std::string_view text) {
    BaseUrl url;
    if (take(text, "https://")) {
        url.tls = true;
        url.port = kHttpsPort;
    } else if (!take(text, "http://") && text.find("://") != std::string_view::npos) {
        return invalid_argument("it starts with neither http:// nor https://");
    }
    if (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    if (text.find_first_of("/?#@ ") != std::string_view::npos) {
        return invalid_argument("it is more than scheme, host and port");
    }
    KUMO_TRY(split_authority(text, url));
    return url;
}

}  // namespace kumo::cli
