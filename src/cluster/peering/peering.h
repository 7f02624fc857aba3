#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/resolver.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::cluster {

using NodeId = Uuid;

/// Each has connections of its own, so that bulk never delays a heartbeat.
enum class Channel : std::uint8_t {
    kControl,  ///< Beacons, consensus: small.
    kData,     ///< Shard replication, forwarded requests, files.
};

inline constexpr std::size_t kChannels = 2;

/// The longest frame, its fixed part not counted.
inline constexpr std::size_t kControlFrameBytesMax = std::size_t{16} << 20;
inline constexpr std::size_t kDataFrameBytesMax = std::size_t{130} << 20;

/// Further sends are refused while that much waits for a peer; memory is this plus one frame.
inline constexpr std::size_t kControlQueueBytesMax = std::size_t{16} << 20;
inline constexpr std::size_t kDataQueueBytesMax = std::size_t{48} << 20;

inline constexpr std::size_t kPeersMax = 256;
inline constexpr std::size_t kAcceptedConnectionsMax = 1024;
inline constexpr std::size_t kCallsMax = 1024;  ///< Unanswered, per peer and channel.

/// Without a byte from a peer for this long it is pinged. A data channel that is dead and that
/// nobody uses harms nobody; the control channel also tells a node that has restarted from a second
/// one with the same id.
inline constexpr Duration kControlPingInterval = std::chrono::seconds(1);
inline constexpr Duration kDataPingInterval = std::chrono::milliseconds(500);
inline constexpr Duration kIdleDataPingInterval = std::chrono::seconds(10);
inline constexpr Duration kPongTimeout = std::chrono::milliseconds(1500);

/// For a handshake; and for one who does not ping any more.
inline constexpr Duration kPeerSilenceMax = std::chrono::seconds(2);
inline constexpr Duration kDialTimeout = std::chrono::seconds(2);
inline constexpr Duration kDialBackoffMin = std::chrono::milliseconds(50);
inline constexpr Duration kDialBackoffMax = std::chrono::seconds(1);

/// Before an address that turned out to be this node, or a node that is connected already, is
/// tried again.
inline constexpr Duration kDialBackoffUseless = std::chrono::seconds(5);

/// A peer that cannot be reached is worth a line in the log after that time: a restart is not.
inline constexpr Duration kUnreachableLogAfter = std::chrono::seconds(5);

/// Trouble with the same peer for the same reason is logged once in that time, with how often it
/// was left out.
inline constexpr Duration kRefusalLogInterval = std::chrono::seconds(60);

/// What a node says about itself when a connection begins.
struct PeerHello {
    Uuid cluster;                        ///< Nil: it is not in one yet.
    NodeId node;                         ///< Never nil.
    std::uint64_t incarnation = 0;       ///< Random, of this run of the process.
    std::string name;                    ///< For people; at most kPeerTextBytesMax.
    std::vector<std::string> addresses;  ///< host:port; at most kPeerAddressesMax.
};

inline constexpr std::size_t kPeerTextBytesMax = 255;
inline constexpr std::size_t kPeerAddressesMax = 8;

/// Why a connection, made or accepted, was refused.
enum class PeerRefusal : std::uint8_t {
    kGarbage,       ///< Not this protocol, or damaged.
    kTooLarge,      ///< A frame above its channel's limit.
    kVersion,       ///< Another version of the protocol.
    kOtherCluster,  ///< Both are in a cluster, and not in the same.
    kSelf,          ///< The address is this node's own.
    kSameId,        ///< Another node with this node's id: a copied data directory.
    kWrongNode,     ///< Somebody else answers at the address of a known node.
    kDuplicate,     ///< That node is connected already, by another address or from another process.
    kSlow,          ///< No handshake within kPeerSilenceMax.
    kTooMany,       ///< kAcceptedConnectionsMax.
    kTls,           ///< The TLS handshake failed: plain text, or a certificate that is not ours.
    kCount,         ///< None; how many there are.
};

struct PeeringStats {
    std::array<std::uint64_t, static_cast<std::size_t>(PeerRefusal::kCount)> refused{};
    std::uint64_t dials = 0;
    std::uint64_t dials_failed = 0;  ///< Nobody was there, or left before saying who it is.
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t silent = 0;  ///< Connections dropped because the peer was not heard of.

    std::uint64_t refused_for(PeerRefusal reason) const {
        return refused[static_cast<std::size_t>(reason)];
    }
};

/// Files for mutual TLS, as io/tls.h wants them. All empty: plain text.
struct PeerTlsFiles {
    std::string certificate;
    std::string private_key;
    std::string ca;  ///< Who signs the certificates of all nodes.
};

struct PeeringOptions {
    PeerHello self;
    std::optional<io::Address> listen;  ///< None: nobody connects to this node.
    PeerTlsFiles tls;
    std::size_t control_queue_bytes_max = kControlQueueBytesMax;
    std::size_t data_queue_bytes_max = kDataQueueBytesMax;
};

/// Somebody to stay connected to.
struct PeerTarget {
    NodeId node;                         ///< Nil if it is not known who is there (discovery).
    std::vector<std::string> addresses;  ///< host:port, tried in turn, names resolved each time.
    std::string origin{};  ///< For people: where the addresses were read. May be empty.
};

/// Where the answer to a request goes. Loop-owned; may be kept. Without an answer when the last
/// holder lets go, the caller gets kUnavailable.
class PeerReply {
public:
    virtual ~PeerReply() = default;
    PeerReply(const PeerReply&) = delete;
    PeerReply& operator=(const PeerReply&) = delete;

    /// Once. An error travels as its code and message.
    virtual void answer(Result<std::string> result) = 0;

protected:
    PeerReply() = default;
};

/// What the owner is told, on the loop, never from inside a call it makes. It may call every
/// function of Peering, but not destroy it.
class PeerHandler {
public:
    virtual ~PeerHandler() = default;

    /// The control connection we made works: send(kControl) reaches it. The one for data follows
    /// by itself.
    virtual void on_peer_up(const PeerHello& peer) = 0;

    /// A node has connected to us for control: it is one of callers() now.
    virtual void on_caller(const PeerHello& /*peer*/) {}

    /// Somebody else than the target's node has answered at an address of the target, and was
    /// refused (kWrongNode). Again after each attempt.
    virtual void on_other_node(const std::string& /*address*/, const PeerHello& /*found*/) {}

    /// After an on_peer_up of the same node.
    virtual void on_peer_down(const NodeId& node, const Status& why) = 0;

    /// From a node that has connected to us, in the order it was sent on that channel. The node may
    /// be one that set_peers() did not name. Views are valid during the call.
    virtual void
    on_message(const NodeId& node, Channel channel, std::uint16_t type, ByteView bytes) = 0;

    virtual void on_request(
        const NodeId& node,
        std::uint16_t type,
        ByteView bytes,
        std::shared_ptr<PeerReply> reply
    ) = 0;
};

using CallDone = std::function<void(Result<std::string>)>;

/// The connections between the nodes of a cluster. Each node dials every peer twice, once per
/// channel, and sends on what it dialled; answers to calls come back on the connection that the
/// call went out on, so a broken connection ends its calls at once. Format: docs/formats/peer.md.
///
/// A message that send() took may be lost with its connection, and nobody is told; what arrives
/// is whole, once and in order. Who dialled pings, and drops what has neither answered nor made
/// progress within kPongTimeout; what is dropped is dialled again with back-off and jitter.
/// Whatever a stranger sends is bounded, counted (PeeringStats) and logged with its address.
///
/// Without TLS anybody who reaches the port can read and forge all of this, which is logged as a
/// warning.
///
/// Thread rule: loop-owned; loop, network, resolver and handler outlive it.
class Peering {
public:
    struct Environment {
        io::Loop& loop;
        io::Network& network;
        io::Resolver& resolver;
        io::Fs& fs;  ///< For the TLS files, during make() only.
    };

    /// Listens. kInvalidArgument for a bad hello or TLS file, else as Network::listen.
    static Result<std::unique_ptr<Peering>>
    make(const Environment& environment, PeeringOptions options, PeerHandler& handler);

    /// Drops all connections without telling the handler; calls that wait are forgotten.
    ~Peering();
    Peering(const Peering&) = delete;
    Peering& operator=(const Peering&) = delete;

    /// Where it listens; nothing in particular if it does not.
    io::Address address() const;

    /// Whom to stay connected to, from now on. A connection is kept if its target is still named
    /// with the address it was made to. kLimitExceeded above kPeersMax.
    /// `origin` may change without further ado.
    Status set_peers(const std::vector<PeerTarget>& targets);

    /// The cluster this node is in, once it has joined; nil: it has left. Connections on which
    /// either end has said that it is in another one are dropped, and ours are made anew.
    void set_cluster(const Uuid& cluster);

    /// Who is connected to us for control. An address without a host is given the one that the
    /// connection comes from.
    std::vector<PeerHello> callers() const;

    bool connected(const NodeId& node, Channel channel) const;

    /// Where a node was reached for control, as its target names it. Empty: it is not connected.
    std::string dialled_address(const NodeId& node) const;

    /// kUnavailable: not connected. kOverloaded: its queue is full. kLimitExceeded: too long.
    Status send(const NodeId& node, Channel channel, std::uint16_t type, ByteView bytes);

    /// A request on the data channel. `done` is called exactly once, in a later turn, unless this
    /// is destroyed first: with the answer, with the error the peer answered, with kUnavailable
    /// when the connection drops (whether it was done is unknown), or kTimeout.
    void
    call(const NodeId& node, std::uint16_t type, ByteView bytes, Duration timeout, CallDone done);

    PeeringStats stats() const;

    struct Impl;  ///< Opaque.

private:
    explicit Peering(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace kumo::cluster
