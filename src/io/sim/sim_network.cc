#include "io/sim/sim_network.h"

#include "io/internal/sim_stream.h"
#include "io/sim/sim_loop.h"

#include <deque>
#include <set>
#include <utility>

namespace kumo::io {

namespace {

/// The listening side; waits in its backlog while paused.
struct SimAcceptor : std::enable_shared_from_this<SimAcceptor> {
    SimAcceptor(SimLoop& the_loop, AcceptCallback the_accept, ListenOptions the_options)
        : loop(the_loop), accept(std::move(the_accept)), options(std::move(the_options)) {}

    SimLoop& loop;
    const AcceptCallback accept;
    const ListenOptions options;
    std::size_t next_loop = 0;
    bool paused = false;
    bool closed = false;
    std::deque<std::shared_ptr<SimEnd>> backlog;

    SimLoop& next_serving_loop() {
        if (options.serve_loops.empty()) {
            return loop;
        }
        return SimLoop::of(*options.serve_loops[next_loop++ % options.serve_loops.size()]);
    }

    void offer(std::shared_ptr<SimEnd> end) {
        if (paused) {
            backlog.push_back(std::move(end));
            return;
        }
        const auto self = shared_from_this();
        SimLoop& serving = end->loop();
        serving.post([self, end, &serving] {
            auto stream = std::make_unique<SimStream>(end);
            if (!self->closed) {
                self->accept(serving, std::move(stream));
            }
        });
    }
};

}  // namespace

struct SimNetwork::State {
    State(SimWorld& the_world, SimNetworkOptions the_options)
        : world(the_world), links(std::make_shared<SimLinks>(the_options)) {}

    SimWorld& world;
    const std::shared_ptr<SimLinks> links;
    std::map<const Loop*, Address> hosts;
    std::map<Address, std::weak_ptr<SimAcceptor>> acceptors;
    std::set<Address> unreachable;
    std::vector<std::weak_ptr<SimEnd>> ends;
    std::uint16_t next_port = 49152;

    std::uint16_t take_port() {
        return next_port++;  // A simulation makes fewer connections than there are ports.
    }

    /// Where connections of `loop` come from, when they go to `to`.
    Address host(const Loop& loop, const Address& to) const {
        const auto found = hosts.find(&loop);
        return SimLinks::host_of(found == hosts.end() ? to : found->second);
    }

    template <typename Visit>
    void for_ends(Visit visit) {
        std::erase_if(ends, [](const auto& weak) { return weak.expired(); });
        const auto all = ends;
        for (const auto& weak : all) {
            if (const auto end = weak.lock()) {
                visit(*end);
            }
        }
    }

    std::shared_ptr<SimAcceptor> find(Address address) const {
        auto found = acceptors.find(address);
        if (found == acceptors.end()) {
            address.bytes.fill(0);  // Somebody may listen on every address.
            found = acceptors.find(address);
        }
        return found == acceptors.end() ? nullptr : found->second.lock();
    }
};

namespace {

using NetworkState = std::shared_ptr<SimNetwork::State>;

class SimListener final : public Listener {
public:
    SimListener(NetworkState network, std::shared_ptr<SimAcceptor> acceptor, const Address& address)
        : network_(std::move(network)), acceptor_(std::move(acceptor)), address_(address) {}

    ~SimListener() override {
        acceptor_->closed = true;
        for (const auto& end : acceptor_->backlog) {
            end->detach();
        }
        network_->acceptors.erase(address_);
    }

    const Address& address() const override { return address_; }

    void pause() override { acceptor_->paused = true; }

    void resume() override {
        acceptor_->paused = false;
        for (auto& end : std::exchange(acceptor_->backlog, {})) {
            acceptor_->offer(std::move(end));
        }
    }

private:
    NetworkState network_;
    std::shared_ptr<SimAcceptor> acceptor_;
    const Address address_;
};

/// A connection being made.
struct Attempt {
    NetworkState network;
    SimLoop& loop;
    Address address;
    ConnectCallback done;
    TimerId timeout;
    bool answered = false;

    void answer(Result<std::unique_ptr<Stream>> result) {
        if (!std::exchange(answered, true)) {
            loop.cancel_timer(timeout);
            done(std::move(result));
        }
    }
};

/// What happens where the connection request arrives; then the answer travels back.
void arrive(const std::shared_ptr<Attempt>& attempt) {
    SimNetwork::State& network = *attempt->network;
    Address client = network.host(attempt->loop, attempt->address);
    if (network.links->is_cut(client, attempt->address)) {
        return;
    }
    const Duration back = network.links->delay(network.world, attempt->address, client);
    const bool answered = !network.links->is_cut(attempt->address, client);
    const auto acceptor = network.find(attempt->address);
    if (acceptor == nullptr && !answered) {
        return;
    }
    if (acceptor == nullptr) {
        (void)network.world.schedule(back, [attempt] {
            attempt->loop.post([attempt] {
                attempt->answer(Error{
                    ErrorCode::kUnavailable,
                    "connect to " + attempt->address.to_string() + ": Connection refused"});
            });
        });
        return;
    }
    client.port = network.take_port();
    SimLoop& serving = acceptor->next_serving_loop();
    auto near = std::make_shared<SimEnd>(
        network.world,
        attempt->loop,
        client,
        attempt->address,
        network.links
    );
    auto far =
        std::make_shared<SimEnd>(network.world, serving, attempt->address, client, network.links);
    SimEnd::join(near, far);
    network.ends.push_back(near);
    network.ends.push_back(far);
    acceptor->offer(std::move(far));
    if (!answered) {
        return;
    }
    (void)network.world.schedule(back, [attempt, near] {
        attempt->loop.post([attempt, near] {
            attempt->answer(std::unique_ptr<Stream>(std::make_unique<SimStream>(near)));
        });
    });
}

}  // namespace

SimNetwork::SimNetwork(SimWorld& world, SimNetworkOptions options)
    : state_(std::make_shared<State>(world, options)) {}

SimNetwork::~SimNetwork() = default;

Result<std::unique_ptr<Listener>> SimNetwork::listen(
    Loop& loop,
    const Address& address,
    AcceptCallback accept,
    ListenOptions options
) {
    Address chosen = address;
    if (chosen.port == 0) {
        chosen.port = state_->take_port();
    }
    if (state_->acceptors.contains(chosen)) {
        return Error{
            ErrorCode::kUnavailable,
            "listen on " + chosen.to_string() + ": Address already in use"};
    }
    auto acceptor =
        std::make_shared<SimAcceptor>(SimLoop::of(loop), std::move(accept), std::move(options));
    state_->acceptors[chosen] = acceptor;
    return std::unique_ptr<Listener>(
        std::make_unique<SimListener>(state_, std::move(acceptor), chosen)
    );
}

void SimNetwork::connect(
    Loop& loop,
    const Address& address,
    Duration timeout,
    ConnectCallback done
) {
    SimLoop& sim_loop = SimLoop::of(loop);
    const auto attempt = std::make_shared<Attempt>(
        Attempt{state_, sim_loop, address, std::move(done), TimerId{}, false}
    );
    attempt->timeout = sim_loop.add_timer(timeout, [attempt] {
        attempt->answer(Error{
            ErrorCode::kTimeout,
            "connect to " + attempt->address.to_string() + ": Connection timed out"});
    });
    if (!state_->unreachable.contains(address)) {
        const Duration there =
            state_->links->delay(state_->world, state_->host(loop, address), address);
        (void)state_->world.schedule(there, [attempt] { arrive(attempt); });
    }
}

void SimNetwork::set_host(Loop& loop, const Address& host) {
    state_->hosts[&loop] = host;
}

void SimNetwork::cut(const Address& from, const Address& to) {
    state_->links->cut(from, to);
}

void SimNetwork::mend(const Address& from, const Address& to) {
    state_->links->mend(from, to);
    state_->for_ends([&](SimEnd& end) {
        if (!state_->links->is_cut(end.local(), end.peer())) {
            end.send_held();
        }
    });
}

void SimNetwork::set_delay(
    const Address& from,
    const Address& to,
    Duration delay_min,
    Duration delay_max
) {
    state_->links->set_delay(from, to, delay_min, delay_max);
}

void SimNetwork::reset_between(const Address& a, const Address& b) {
    const Address one = SimLinks::host_of(a);
    const Address two = SimLinks::host_of(b);
    state_->for_ends([&](SimEnd& end) {
        const Address local = SimLinks::host_of(end.local());
        const Address peer = SimLinks::host_of(end.peer());
        if ((local == one && peer == two) || (local == two && peer == one)) {
            end.break_off();
        }
    });
}

void SimNetwork::reset_all() {
    for (const auto& weak : std::exchange(state_->ends, {})) {
        if (const auto end = weak.lock()) {
            end->break_off();
        }
    }
}

void SimNetwork::set_unreachable(const Address& address, bool unreachable) {
    if (unreachable) {
        state_->unreachable.insert(address);
    } else {
        state_->unreachable.erase(address);
    }
}

SimResolver::SimResolver(SimWorld& world) : world_(world) {}

void SimResolver::set(const std::string& host, std::vector<Address> addresses) {
    hosts_[host] = std::move(addresses);
}

void SimResolver::resolve(Loop& loop, std::string host, std::uint16_t port, ResolveCallback done) {
    auto answer = std::make_shared<Result<std::vector<Address>>>(
        not_found("resolve " + host + ": Name or service not known")
    );
    const auto numeric = Address::parse(host, port);
    const auto found = hosts_.find(host);
    if (numeric.ok()) {
        *answer = std::vector<Address>{numeric.value()};
    } else if (found != hosts_.end()) {
        std::vector<Address> addresses = found->second;
        for (Address& address : addresses) {
            address.port = port;
        }
        *answer = std::move(addresses);
    }
    const auto callback = std::make_shared<ResolveCallback>(std::move(done));
    const Duration delay =
        world_.random_duration(std::chrono::microseconds(50), std::chrono::milliseconds(5));
    (void)world_.schedule(delay, [&loop, callback, answer] {
        loop.post([callback, answer] { (*callback)(std::move(*answer)); });
    });
}

}  // namespace kumo::io
