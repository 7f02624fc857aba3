#include "cluster/peering/peering.h"

#include "cluster/peering/internal/peering_impl.h"

#include <algorithm>

namespace kumo::cluster {

namespace {

Status check_hello(const PeerHello& hello) {
    const auto fits = [](const std::string& text) {
        return text.size() <= kPeerTextBytesMax;
    };
    if (hello.node.is_nil() || !fits(hello.name) || hello.addresses.size() > kPeerAddressesMax
        || !std::all_of(hello.addresses.begin(), hello.addresses.end(), fits)) {
        return invalid_argument("a node needs an id, a short name and few, short addresses");
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Peering>>
Peering::make(const Environment& environment, PeeringOptions options, PeerHandler& handler) {
    KUMO_TRY(check_hello(options.self));
    auto impl = std::make_shared<Impl>(environment, std::move(options), handler);
    KUMO_TRY(impl->start(environment.fs));
    return std::unique_ptr<Peering>(new Peering(std::move(impl)));
}

Peering::Peering(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Peering::~Peering() {
    impl_->detach();
}

io::Address Peering::address() const {
    return impl_->address();
}

Status Peering::set_peers(const std::vector<PeerTarget>& targets) {
    return impl_->set_peers(targets);
}

void Peering::set_cluster(const Uuid& cluster) {
    impl_->set_cluster(cluster);
}

std::vector<PeerHello> Peering::callers() const {
    return impl_->callers();
}

bool Peering::connected(const NodeId& node, Channel channel) const {
    return impl_->connected(node, channel);
}

std::string Peering::dialled_address(const NodeId& node) const {
    return impl_->dialled_address(node);
}

Status Peering::send(const NodeId& node, Channel channel, std::uint16_t type, ByteView bytes) {
    return impl_->send(node, channel, type, bytes);
}

void Peering::call(
    const NodeId& node,
    std::uint16_t type,
    ByteView bytes,
    Duration timeout,
    CallDone done
) {
    impl_->call(node, type, bytes, timeout, std::move(done));
}

PeeringStats Peering::stats() const {
    return impl_->stats();
}

}  // namespace kumo::cluster
