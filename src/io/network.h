#pragma once

#include "base/result.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/stream.h"

#include <functional>
#include <memory>
#include <vector>

namespace kumo::io {

/// A listening socket. Owned by the loop that accepts; destroying it stops accepting. Connections
/// already handed to other loops may still arrive there during their current turn.
class Listener {
public:
    virtual ~Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Where it listens; the port that was chosen if 0 was asked for.
    virtual const Address& address() const = 0;

    /// Stops accepting for a while (the backlog fills instead). Idempotent.
    virtual void pause() = 0;
    virtual void resume() = 0;

protected:
    Listener() = default;
};

/// Called on `loop`, which owns the new stream. With several serving loops it is called from all
/// of their threads.
using AcceptCallback = std::function<void(Loop& loop, std::unique_ptr<Stream> stream)>;

using ConnectCallback = std::function<void(Result<std::unique_ptr<Stream>>)>;

struct ListenOptions {
    int backlog = 1024;
    /// The loops that get the connections, in turn. Empty: the accepting loop. They outlive the
    /// listener.
    std::vector<Loop*> serve_loops;
};

/// Makes connections. Thread rule: every call on the thread of the loop it names.
class Network {
public:
    virtual ~Network() = default;
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    /// Errors: kUnavailable if the address is taken, kInvalidArgument if it is not of this host,
    /// kIo otherwise; each names the address.
    virtual Result<std::unique_ptr<Listener>>
    listen(Loop& loop, const Address& address, AcceptCallback accept, ListenOptions options) = 0;

    /// Calls back exactly once, on `loop`, in a later turn (never, if the loop ends first).
    /// Errors: kUnavailable if refused or unreachable, kTimeout, kIo; each names the address.
    virtual void
    connect(Loop& loop, const Address& address, Duration timeout, ConnectCallback done) = 0;

protected:
    Network() = default;
};

}  // namespace kumo::io
