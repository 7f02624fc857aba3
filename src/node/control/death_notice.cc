#include "node/control/death_notice.h"

#include "node/control/control_plane.h"
#include "store/checkpoint.h"
#include "wire/byte_reader.h"

#include <memory>
#include <utility>

namespace kumo::node {

namespace {

constexpr store::FileKind kObituaryKind = {{'C', 'T', 'L', 'O', 'B', 'I', 'T', 'U'}, 1};
constexpr std::string_view kObituaryName = "obituary";

/// For what has been queued to leave.
constexpr Duration kLinger = std::chrono::milliseconds(50);

/// Tells everybody it reaches.
class Announcer final : public cluster::PeerHandler {
public:
    Announcer(io::Loop& loop, const Obituary& obituary)
        : loop_(loop),
          notice_(encode_death_notice({obituary.node, obituary.incarnation})),
          others_(obituary.others.size()) {}

    void attach(cluster::Peering& peering) { peering_ = &peering; }

    bool told_somebody() const { return told_ > 0; }

    void on_peer_up(const cluster::PeerHello& peer) override {
        const Status sent = peering_->send(
            peer.node,
            cluster::Channel::kControl,
            static_cast<std::uint16_t>(PeerMessage::kDeath),
            notice_
        );
        if (sent.ok() && ++told_ == others_) {
            (void)loop_.add_timer(kLinger, [this] { loop_.stop(); });
        }
    }

    void on_peer_down(const cluster::NodeId&, const Status&) override {}

    void on_message(const cluster::NodeId&, cluster::Channel, std::uint16_t, ByteView) override {}

    void
    on_request(const cluster::NodeId&, std::uint16_t, ByteView, std::shared_ptr<cluster::PeerReply>)
        override {}

private:
    io::Loop& loop_;
    const std::string notice_;
    const std::size_t others_;
    std::size_t told_ = 0;
    cluster::Peering* peering_ = nullptr;
};

}  // namespace

Status store_obituary(io::Fs& fs, const std::string& directory, const Obituary& obituary) {
    std::string out(obituary.cluster.view());
    out.append(obituary.node.view());
    wire::append_varint(out, obituary.incarnation);
    wire::append_varint(out, obituary.others.size());
    for (const std::string& address : obituary.others) {
        wire::append_sized(out, address);
    }
    return store::write_checked_file(
        fs,
        io::join_path(directory, kObituaryName),
        kObituaryKind,
        out
    );
}

Result<Obituary> read_obituary(io::Fs& fs, const std::string& directory) {
    const std::string path = io::join_path(directory, kObituaryName);
    KUMO_TRY_ASSIGN(const auto file, store::read_checked_file(fs, path, kObituaryKind));
    wire::ByteReader in(file.bytes);
    Obituary obituary;
    obituary.cluster = in.uuid();
    obituary.node = in.uuid();
    obituary.incarnation = in.number();
    obituary.others.resize(in.count());
    for (std::string& address : obituary.others) {
        address = in.text();
    }
    if (!in.at_end()) {
        return corruption(path + ": not well formed");
    }
    return obituary;
}

std::string encode_death_notice(const DeathNotice& notice) {
    std::string out(notice.node.view());
    wire::append_varint(out, notice.incarnation);
    return out;
}

Result<DeathNotice> decode_death_notice(ByteView bytes) {
    wire::ByteReader in(bytes);
    DeathNotice notice;
    notice.node = in.uuid();
    notice.incarnation = in.number();
    if (!in.at_end()) {
        return corruption("a death notice is not well formed");
    }
    return notice;
}

Result<bool> announce_death(
    const cluster::Peering::Environment& environment,
    const std::string& directory,
    const cluster::PeerTlsFiles& tls
) {
    KUMO_TRY_ASSIGN(const Obituary obituary, read_obituary(environment.fs, directory));
    cluster::PeeringOptions options;
    options.self.cluster = obituary.cluster;
    options.self.node = obituary.node;
    options.self.incarnation = environment.loop.random().next();
    options.self.name = "the supervisor";
    options.tls = tls;
    Announcer announcer(environment.loop, obituary);
    KUMO_TRY_ASSIGN(
        const auto peering,
        cluster::Peering::make(environment, std::move(options), announcer)
    );
    announcer.attach(*peering);
    std::vector<cluster::PeerTarget> targets;
    for (const std::string& address : obituary.others) {
        targets.push_back({{}, {address}});
    }
    KUMO_TRY(peering->set_peers(targets));
    (void)environment.loop.add_timer(kDeathNoticeTime, [&environment] { environment.loop.stop(); });
    environment.loop.run();
    return announcer.told_somebody();
}

}  // namespace kumo::node
