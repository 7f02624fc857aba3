#pragma once

#include "cluster/discovery/host_port.h"
#include "cluster/peering/internal/peer_connection.h"
#include "cluster/peering/internal/trouble_log.h"
#include "cluster/peering/peering.h"
#include "io/tls.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::cluster {

/// An address of a target, and where it was read.
std::string place_of(const PeerTarget& target, const std::string& address);

/// Dials targets, accepts strangers, and routes frames. Loop-owned; kept alive by what is in
/// flight, see Peering.
struct Peering::Impl final : public ConnectionOwner, public std::enable_shared_from_this<Impl> {
public:
    Impl(const Environment& environment, PeeringOptions options, PeerHandler& handler);

    Status start(io::Fs& fs);
    void detach();

    io::Address address() const {
        return listener_ == nullptr ? io::Address{} : listener_->address();
    }

    Status set_peers(const std::vector<PeerTarget>& targets);

    void set_cluster(const Uuid& cluster);
    std::vector<PeerHello> callers() const;

    bool connected(const NodeId& node, Channel channel) const;
    std::string dialled_address(const NodeId& node) const;
    Status send(const NodeId& node, Channel channel, std::uint16_t type, ByteView bytes);
    void
    call(const NodeId& node, std::uint16_t type, ByteView bytes, Duration timeout, CallDone done);

    const PeeringStats& stats() const { return stats_; }

    /// An answer to the request `call` of a connection, if that is still there.
    void answer(
        const std::weak_ptr<PeerConnection>& to,
        std::uint64_t call,
        Result<std::string> result
    ) const;

private:
    struct Call {
        CallDone done;
        io::TimerId timer;
    };

    /// One channel's way to a target: dialling, connected, or waiting to dial again.
    struct Link {
        std::shared_ptr<PeerConnection> connection;
        std::string address;  ///< As the target names it.
        std::uint64_t attempts = 0;
        std::optional<MonotonicTime> failing_since{};  ///< Since when there was no connection.
        std::uint64_t generation = 0;                  ///< Answers to older dials are not for it.
        Duration backoff = kDialBackoffMin;
        io::TimerId timer;
        std::map<std::uint64_t, Call> calls;
    };

    struct Target {
        PeerTarget wanted;
        NodeId learned;  ///< Who is there, while a connection is.
        bool removed = false;
        bool up = false;
        std::array<Link, kChannels> links;

        Link& link(Channel channel) { return links[static_cast<std::size_t>(channel)]; }
    };

    using TargetPtr = std::shared_ptr<Target>;

    /// A connection, and whose it is.
    struct Entry {
        std::uint64_t number = 0;  ///< In the order of their making.
        std::shared_ptr<PeerConnection> connection;
        TargetPtr target;  ///< None if it was accepted.
        Channel channel = Channel::kControl;
        PeerHello hello;
    };

    struct Dial;

    void on_hello(PeerConnection& connection, const ChannelHello& hello) override;
    void on_frame(PeerConnection& connection, const Frame& frame) override;
    void on_gone(
        PeerConnection& connection,
        const Status& why,
        const std::optional<FrameFault>& fault
    ) override;

    void on_accepted(std::unique_ptr<io::Stream> stream);
    void greet_dialled(Entry& entry, const ChannelHello& hello);
    void greet_accepted(Entry& entry, const ChannelHello& hello);
    bool is_stranger(PeerConnection& connection, const PeerHello& hello) const;
    void take_request(Entry& entry, const Frame& frame);
    void take_answer(Entry& entry, const Frame& frame);
    void end_link(const TargetPtr& target, Channel channel, const Status& why);

    void dial(const TargetPtr& target, Channel channel);
    void dial_later(const TargetPtr& target, Channel channel, Duration backoff);
    void dial_failed(const Dial& dial, const Error& why);
    void note_failed_dial(Target& target, Channel channel, const std::string& why);
    bool is_current(const Dial& dial) const;
    void on_resolved(const Dial& dial, Result<std::vector<io::Address>> found);
    void on_connected(const Dial& dial, Result<std::unique_ptr<io::Stream>> stream);
    void update_target(const TargetPtr& target, const PeerTarget& wanted);
    void remove_target(const TargetPtr& target);
    void fail_call(CallDone done, Error why);

    Link* open_link(const NodeId& node, Channel channel) const;
    ChannelHello self(Channel channel) const;
    void note_refusal(PeerConnection& connection, const Entry& entry, const FrameFault& fault);
    std::string refusal_line(const Entry& entry, const FrameFault& fault) const;

    io::Loop& loop_;
    io::Network& network_;
    io::Resolver& resolver_;
    PeerHandler& handler_;
    PeeringOptions options_;
    bool detached_ = false;
    std::unique_ptr<io::TlsContext> server_tls_;
    std::unique_ptr<io::TlsContext> client_tls_;
    std::unique_ptr<io::Listener> listener_;
    std::map<PeerConnection*, Entry> connections_;
    std::size_t accepted_ = 0;
    std::map<std::pair<NodeId, Channel>, PeerConnection*> heard_from_;  ///< Accepted, by who.
    std::map<std::string, TargetPtr> targets_;
    std::map<NodeId, TargetPtr> nodes_;  ///< By who is there, while there is a connection.
    TroubleLog troubles_{kRefusalLogInterval};
    std::uint64_t next_call_ = 1;
    std::uint64_t next_connection_ = 1;
    PeeringStats stats_;
};

}  // namespace kumo::cluster
