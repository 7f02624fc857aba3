#pragma once

#include "base/result.h"
#include "base/uuid.h"
#include "cluster/peering/peering.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace kumo::node {

/// What a node says of itself to one that may be in another cluster.
struct MeetRequest {
    Uuid cluster;
    Uuid node;
    bool alone = false;   ///< It is a cluster of one.
    std::string address;  ///< Its own, host:port, for other nodes.
    std::string reached;  ///< The other's, as it was dialled.
};

enum class MeetAnswer : std::uint8_t {
    kKnown,  ///< Both are in the same cluster.
    kJoin,   ///< The asking node is to join this one's cluster.
    kJoins,  ///< The node that was asked joins the other's.
};

// Bytes: docs/formats/control.md. Decoding answers kCorruption.

std::string encode_meet(const MeetRequest& request);
Result<MeetRequest> decode_meet(ByteView bytes);
std::string encode_meet_answer(MeetAnswer answer);
Result<MeetAnswer> decode_meet_answer(ByteView bytes);

/// One question to whoever is at an address, in whichever cluster: as a guest, which is in none.
///
/// Thread rule: loop-owned. Destroying it ends it.
class Meeting final : private cluster::PeerHandler {
public:
    using Done = std::function<void(Result<MeetAnswer>)>;

    /// `done` is called once, in a later turn. If `request.address` has no host, it gets that which
    /// reaches the other; `own_host` tells which. kUnavailable: nobody is there.
    static std::unique_ptr<Meeting> begin(
        const cluster::Peering::Environment& environment,
        const cluster::PeerTlsFiles& tls,
        MeetRequest request,
        std::function<void(const std::string& host)> own_host,
        Done done
    );

    ~Meeting() override;

private:
    Meeting(
        const cluster::Peering::Environment& environment,
        MeetRequest request,
        std::function<void(const std::string& host)> own_host,
        Done done
    );

    void look_for_host();
    void on_resolved(const Result<std::vector<io::Address>>& addresses);
    void ask();
    void call(const Uuid& node);
    void finish(Result<MeetAnswer> answer);

    void on_peer_up(const cluster::PeerHello& peer) override;
    void on_peer_down(const cluster::NodeId& node, const Status& why) override;
    void on_message(
        const cluster::NodeId& node,
        cluster::Channel channel,
        std::uint16_t type,
        ByteView bytes
    ) override;
    void on_request(
        const cluster::NodeId& node,
        std::uint16_t type,
        ByteView bytes,
        std::shared_ptr<cluster::PeerReply> reply
    ) override;

    const cluster::Peering::Environment env_;
    cluster::PeerTlsFiles tls_;
    MeetRequest request_;
    std::function<void(const std::string& host)> own_host_;
    Done done_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::unique_ptr<cluster::Peering> guest_;
    io::TimerId timer_;
};

}  // namespace kumo::node
