#pragma once

#include "base/random.h"
#include "io/network.h"
#include "io/resolver.h"
#include "io/sim/sim_world.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::io {

/// How unfriendly a simulated network is.
struct SimNetworkOptions {
    Duration delay_min = std::chrono::microseconds(20);
    Duration delay_max = std::chrono::milliseconds(2);
    /// Bytes that may be on their way and unread, per direction; beyond it the writer queues.
    std::size_t window_bytes = std::size_t{64} * 1024;
    /// Every delivery resets the connection with this probability, in parts of a million.
    std::uint64_t reset_per_million = 0;
};

/// A network in a SimWorld. Streams deliver in order, after random delays, cut at random places.
class SimNetwork final : public Network {
public:
    explicit SimNetwork(SimWorld& world, SimNetworkOptions options = {});
    ~SimNetwork() override;
    SimNetwork(const SimNetwork&) = delete;
    SimNetwork& operator=(const SimNetwork&) = delete;

    Result<std::unique_ptr<Listener>> listen(
        Loop& loop,
        const Address& address,
        AcceptCallback accept,
        ListenOptions options
    ) override;
    void connect(Loop& loop, const Address& address, Duration timeout, ConnectCallback done)
        override;

    /// Connections made by `loop` come from this host (its port does not matter). Without it they
    /// come from the host they go to.
    void set_host(Loop& loop, const Address& host);

    /// While cut, nothing gets from one host to the other: requests for a connection are lost, and
    /// what established ones carry, their ends included, arrives once it is mended, unless they
    /// are gone by then. One direction only. Hosts are addresses without their ports.
    void cut(const Address& from, const Address& to);
    void mend(const Address& from, const Address& to);

    /// What is sent from one host to the other from now on takes that long.
    void set_delay(const Address& from, const Address& to, Duration delay_min, Duration delay_max);

    /// Both ends of every connection between the two hosts see a reset, cut or not.
    void reset_between(const Address& a, const Address& b);

    /// Both ends of every connection see a reset.
    void reset_all();

    /// While set, connecting to `address` gets no answer (and so times out).
    void set_unreachable(const Address& address, bool unreachable);

    struct State;

private:
    std::shared_ptr<State> state_;
};

/// Names and their addresses, as a table.
class SimResolver final : public Resolver {
public:
    explicit SimResolver(SimWorld& world);
    void set(const std::string& host, std::vector<Address> addresses);
    void resolve(Loop& loop, std::string host, std::uint16_t port, ResolveCallback done) override;

private:
    SimWorld& world_;
    std::map<std::string, std::vector<Address>> hosts_;
};

}  // namespace kumo::io
