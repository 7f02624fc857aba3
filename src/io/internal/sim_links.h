#pragma once

#include "io/address.h"
#include "io/sim/sim_network.h"

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace kumo::io {

class SimEnd;

/// What lies between the hosts of a SimNetwork. Owned like the world.
class SimLinks {
public:
    explicit SimLinks(const SimNetworkOptions& options) : options_(options) {}

    /// The address without its port.
    static Address host_of(Address address) {
        address.port = 0;
        return address;
    }

    bool is_cut(const Address& from, const Address& to) const {
        return cuts_.contains({host_of(from), host_of(to)});
    }

    Duration delay(SimWorld& world, const Address& from, const Address& to) const {
        const auto found = delays_.find({host_of(from), host_of(to)});
        return found == delays_.end()
                   ? world.random_duration(options_.delay_min, options_.delay_max)
                   : world.random_duration(found->second.first, found->second.second);
    }

    void cut(const Address& from, const Address& to) { cuts_.insert({host_of(from), host_of(to)}); }

    void mend(const Address& from, const Address& to) { cuts_.erase({host_of(from), host_of(to)}); }

    void set_delay(const Address& from, const Address& to, Duration low, Duration high) {
        delays_[{host_of(from), host_of(to)}] = {low, high};
    }

    const SimNetworkOptions& options() const { return options_; }

private:
    using Pair = std::pair<Address, Address>;

    const SimNetworkOptions options_;
    std::set<Pair> cuts_;
    std::map<Pair, std::pair<Duration, Duration>> delays_;
};

}  // namespace kumo::io
