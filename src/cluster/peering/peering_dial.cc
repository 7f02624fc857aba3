#include "cluster/peering/internal/peering_impl.h"

#include <algorithm>
#include <set>
#include <utility>

// How a target is reached: its addresses in turn, each resolved anew, with a growing and jittered
// pause after every failure.

namespace kumo::cluster {

namespace {

std::string key_of(const PeerTarget& target) {
    if (!target.node.is_nil()) {
        return target.node.to_string();
    }
    std::string key;
    for (const std::string& address : target.addresses) {
        key += address;
        key += ',';
    }
    return key;
}

}  // namespace

/// One attempt to reach a target.
struct Peering::Impl::Dial {
    std::weak_ptr<Target> target;
    Channel channel = Channel::kControl;
    std::uint64_t generation = 0;
    HostPort to;
    std::uint64_t attempt = 0;
};

Status Peering::Impl::set_peers(const std::vector<PeerTarget>& targets) {
    if (targets.size() > kPeersMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "more than " + std::to_string(kPeersMax) + " peers"};
    }
    std::map<std::string, const PeerTarget*> wanted;
    for (const PeerTarget& target : targets) {
        wanted.emplace(key_of(target), &target);
    }
    for (auto entry = targets_.begin(); entry != targets_.end();) {
        if (wanted.contains(entry->first)) {
            ++entry;
        } else {
            remove_target(entry->second);
            entry = targets_.erase(entry);
        }
    }
    for (const auto& [key, target] : wanted) {
        TargetPtr& known = targets_[key];
        if (known == nullptr) {
            known = std::make_shared<Target>();
            known->wanted = *target;
            dial_later(known, Channel::kControl, Duration::zero());
            dial_later(known, Channel::kData, Duration::zero());
        } else {
            update_target(known, *target);
        }
    }
    return {};
}

void Peering::Impl::update_target(const TargetPtr& target, const PeerTarget& wanted) {
    target->wanted.origin = wanted.origin;
    if (target->wanted.addresses == wanted.addresses) {
        return;
    }
    target->wanted = wanted;
    for (std::size_t i = 0; i < kChannels; ++i) {
        Link& link = target->links[i];
        const auto& addresses = wanted.addresses;
        if (std::find(addresses.begin(), addresses.end(), link.address) != addresses.end()) {
            continue;
        }
        link.backoff = kDialBackoffMin;
        if (link.connection != nullptr) {
            link.connection->drop(Error{ErrorCode::kUnavailable, "the peer's address has changed"});
        } else {
            dial_later(target, static_cast<Channel>(i), Duration::zero());
        }
    }
}

void Peering::Impl::remove_target(const TargetPtr& target) {
    target->removed = true;
    for (Link& link : target->links) {
        loop_.cancel_timer(link.timer);
        ++link.generation;
        if (link.connection != nullptr) {
            link.connection->drop(Error{ErrorCode::kUnavailable, "the peer is not wanted any more"}
            );
        }
    }
}

void Peering::Impl::dial_later(const TargetPtr& target, Channel channel, Duration backoff) {
    Link& link = target->link(channel);
    loop_.cancel_timer(link.timer);
    ++link.generation;
    Duration pause = Duration::zero();
    if (backoff > Duration::zero()) {
        const auto half = static_cast<std::uint64_t>(backoff.count() / 2);
        pause = backoff / 2 + Duration(static_cast<std::int64_t>(loop_.random().below(half + 1)));
        link.backoff = std::min(link.backoff * 2, kDialBackoffMax);
    }
    const std::weak_ptr<Impl> weak = weak_from_this();
    const std::weak_ptr<Target> weak_target = target;
    link.timer = loop_.add_timer(pause, [weak, weak_target, channel] {
        const auto self = weak.lock();
        const auto dialled = weak_target.lock();
        if (self != nullptr && dialled != nullptr && !self->detached_) {
            self->dial(dialled, channel);
        }
    });
}

void Peering::Impl::dial(const TargetPtr& target, Channel channel) {
    Link& link = target->link(channel);
    const auto& addresses = target->wanted.addresses;
    Dial dial;
    dial.target = target;
    dial.channel = channel;
    dial.generation = ++link.generation;
    if (addresses.empty()) {
        dial_failed(dial, {ErrorCode::kInvalidArgument, "it has no address"});
        return;
    }
    ++stats_.dials;
    link.address = addresses[link.attempts % addresses.size()];
    dial.attempt = link.attempts++ / addresses.size();
    auto to = parse_host_port(link.address);
    if (!to.ok()) {
        dial_failed(dial, to.error());
        return;
    }
    dial.to = std::move(to).value();
    const std::weak_ptr<Impl> weak = weak_from_this();
    resolver_.resolve(loop_, dial.to.host, dial.to.port, [weak, dial](auto found) {
        const auto self = weak.lock();
        if (self != nullptr && self->is_current(dial)) {
            self->on_resolved(dial, std::move(found));
        }
    });
}

bool Peering::Impl::is_current(const Dial& dial) const {
    const auto target = dial.target.lock();
    return !detached_ && target != nullptr
           && target->link(dial.channel).generation == dial.generation;
}

void Peering::Impl::dial_failed(const Dial& dial, const Error& why) {
    const auto target = dial.target.lock();
    note_failed_dial(*target, dial.channel, why.message);
    dial_later(target, dial.channel, target->link(dial.channel).backoff);
}

void Peering::Impl::on_resolved(const Dial& dial, Result<std::vector<io::Address>> found) {
    if (!found.ok() || found.value().empty()) {
        dial_failed(
            dial,
            found.ok() ? Error{ErrorCode::kNotFound, "its name has no address"} : found.error()
        );
        return;
    }
    const io::Address address = found.value()[dial.attempt % found.value().size()];
    const std::weak_ptr<Impl> weak = weak_from_this();
    network_.connect(loop_, address, kDialTimeout, [weak, dial](auto stream) {
        const auto self = weak.lock();
        if (self != nullptr && self->is_current(dial)) {
            self->on_connected(dial, std::move(stream));
        }
    });
}

void Peering::Impl::on_connected(const Dial& dial, Result<std::unique_ptr<io::Stream>> stream) {
    if (!stream.ok()) {
        dial_failed(dial, stream.error());
        return;
    }
    std::unique_ptr<io::Stream> plain = std::move(stream).value();
    if (client_tls_ != nullptr) {
        plain = client_tls_->wrap_client(std::move(plain), dial.to.host);
    }
    Entry entry;
    entry.number = next_connection_++;
    entry.target = dial.target.lock();
    entry.channel = dial.channel;
    entry.connection = std::make_shared<PeerConnection>(std::move(plain), *this);
    const auto connection = entry.connection;
    entry.target->link(dial.channel).connection = connection;
    connections_.emplace(connection.get(), std::move(entry));
    connection->begin(self(dial.channel));
}

}  // namespace kumo::cluster
