#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "io/address.h"
#include "io/internal/unique_fd.h"

#include <sys/socket.h>

namespace kumo::io {

/// An Address as the socket calls want it. A value.
struct SocketAddress {
    sockaddr_storage storage = {};
    socklen_t length = 0;

    static SocketAddress from(const Address& address);

    /// Port and address of a socket this process got from the kernel.
    Address to_address() const;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

/// A non-blocking TCP socket of the address's family.
Result<UniqueFd> make_tcp_socket(const Address& address);

/// What every connection gets: no delay (we gather writes ourselves) and keep-alive.
void set_connection_options(int fd);

}  // namespace kumo::io
