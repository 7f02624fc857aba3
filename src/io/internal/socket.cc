#include "io/internal/socket.h"

#include "io/internal/errno_error.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace kumo::io {

SocketAddress SocketAddress::from(const Address& address) {
    SocketAddress result;
    if (address.family == AddressFamily::kIpv4) {
        sockaddr_in in = {};
        in.sin_family = AF_INET;
        in.sin_port = htons(address.port);
        std::memcpy(&in.sin_addr, address.bytes.data(), 4);
        std::memcpy(&result.storage, &in, sizeof(in));
        result.length = sizeof(in);
        return result;
    }
    sockaddr_in6 in = {};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    std::memcpy(&in.sin6_addr, address.bytes.data(), 16);
    std::memcpy(&result.storage, &in, sizeof(in));
    result.length = sizeof(in);
    return result;
}

Address SocketAddress::to_address() const {
    Address address;
    if (storage.ss_family == AF_INET) {
        const auto in = load_unaligned<sockaddr_in>(&storage);
        address.port = ntohs(in.sin_port);
        std::memcpy(address.bytes.data(), &in.sin_addr, 4);
        return address;
    }
    const auto in = load_unaligned<sockaddr_in6>(&storage);
    address.family = AddressFamily::kIpv6;
    address.port = ntohs(in.sin6_port);
    std::memcpy(address.bytes.data(), &in.sin6_addr, 16);
    return address;
}

Result<UniqueFd> make_tcp_socket(const Address& address) {
    const int family = address.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) {
        return errno_error("open a socket for", address.to_string(), errno);
    }
    return fd;
}

void set_connection_options(int fd) {
    // They fail only on a connection that is already gone, which the next read will say.
    const int one = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

}  // namespace kumo::io
