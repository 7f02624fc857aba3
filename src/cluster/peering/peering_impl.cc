#include "cluster/peering/internal/peering_impl.h"

#include "base/assert.h"
#include "base/log.h"

#include <algorithm>
#include <utility>

namespace kumo::cluster {

namespace {

class Reply final : public PeerReply {
public:
    using Send = std::function<void(Result<std::string>)>;

    explicit Reply(Send send) : send_(std::move(send)) {}

    ~Reply() override {
        if (send_) {
            send_(Error{ErrorCode::kUnavailable, "the peer gave the request up"});
        }
    }

    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;

    void answer(Result<std::string> result) override {
        const Send send = std::exchange(send_, nullptr);
        KUMO_ASSERT(send != nullptr);
        send(std::move(result));
    }

private:
    Send send_;
};

}  // namespace

Peering::Impl::Impl(const Environment& environment, PeeringOptions options, PeerHandler& handler)
    : loop_(environment.loop),
      network_(environment.network),
      resolver_(environment.resolver),
      handler_(handler),
      options_(std::move(options)) {}

Status Peering::Impl::start(io::Fs& fs) {
    const PeerTlsFiles& files = options_.tls;
    if (files.certificate.empty() && files.private_key.empty() && files.ca.empty()) {
        if (options_.listen && !options_.listen->is_loopback()) {
            log_warn(
                "connections between nodes are not encrypted: whoever reaches "
                + options_.listen->to_string() + " can read and change everything"
            );
        }
    } else if (files.certificate.empty() || files.private_key.empty() || files.ca.empty()) {
        return invalid_argument("TLS between nodes needs a certificate, its key and a CA");
    } else {
        io::TlsServerFiles server;
        server.certificate = files.certificate;
        server.private_key = files.private_key;
        server.client_ca = files.ca;
        KUMO_TRY_ASSIGN(server_tls_, io::TlsContext::server(fs, server));
        io::TlsClientOptions client;
        client.ca_file = files.ca;
        client.certificate = files.certificate;
        client.private_key = files.private_key;
        KUMO_TRY_ASSIGN(client_tls_, io::TlsContext::client(fs, client));
    }
    const std::weak_ptr<Impl> weak = weak_from_this();
    const auto accept = [weak](io::Loop& /*loop*/, std::unique_ptr<io::Stream> stream) {
        const auto self = weak.lock();
        if (self != nullptr && !self->detached_) {
            self->on_accepted(std::move(stream));
        }
    };
    if (options_.listen) {
        KUMO_TRY_ASSIGN(listener_, network_.listen(loop_, *options_.listen, accept, {}));
    }
    return {};
}

void Peering::Impl::detach() {
    detached_ = true;
    listener_.reset();
    for (const auto& [key, target] : targets_) {
        for (Link& link : target->links) {
            loop_.cancel_timer(link.timer);
            for (auto& [id, call] : std::exchange(link.calls, {})) {
                loop_.cancel_timer(call.timer);
            }
            link.connection.reset();
        }
    }
    targets_.clear();
    nodes_.clear();
    auto connections = std::exchange(connections_, {});
    // In the order of their making, not of where they lie in memory.
    std::map<std::uint64_t, Entry> ordered;
    for (auto& [connection, entry] : connections) {
        ordered.emplace(entry.number, std::move(entry));
    }
}

ChannelHello Peering::Impl::self(Channel channel) const {
    return {options_.self, channel};
}

void Peering::Impl::on_accepted(std::unique_ptr<io::Stream> stream) {
    if (accepted_ >= kAcceptedConnectionsMax) {
        ++stats_.refused[static_cast<std::size_t>(PeerRefusal::kTooMany)];
        return;
    }
    if (server_tls_ != nullptr) {
        stream = server_tls_->wrap_server(std::move(stream));
    }
    Entry entry;
    entry.number = next_connection_++;
    entry.connection = std::make_shared<PeerConnection>(std::move(stream), *this);
    const auto connection = entry.connection;
    connections_.emplace(connection.get(), std::move(entry));
    ++accepted_;
    connection->wait();
}

void Peering::Impl::on_hello(PeerConnection& connection, const ChannelHello& hello) {
    const auto found = connections_.find(&connection);
    if (detached_ || found == connections_.end()) {
        return;
    }
    if (is_stranger(connection, hello.peer)) {
        return;
    }
    if (found->second.target != nullptr) {
        greet_dialled(found->second, hello);
    } else {
        greet_accepted(found->second, hello);
    }
}

/// Refuses whom no node of this cluster talks to.
bool Peering::Impl::is_stranger(PeerConnection& connection, const PeerHello& hello) const {
    const PeerHello& us = options_.self;
    if (hello.node == us.node && hello.incarnation == us.incarnation) {
        connection.refuse({PeerRefusal::kSelf, "it is this node itself"});
    } else if (hello.node == us.node) {
        connection.refuse(
            {PeerRefusal::kSameId,
             "it has this node's id, " + us.node.to_string()
                 + ": was the data directory copied? (name " + hello.name + ")"}
        );
    } else if (!hello.cluster.is_nil() && !us.cluster.is_nil() && hello.cluster != us.cluster) {
        connection.refuse(
            {PeerRefusal::kOtherCluster,
             "it is in cluster " + hello.cluster.to_string() + ", this node is in "
                 + us.cluster.to_string()}
        );
    } else {
        return false;
    }
    return true;
}

void Peering::Impl::greet_dialled(Entry& entry, const ChannelHello& hello) {
    const TargetPtr target = entry.target;
    PeerConnection& connection = *entry.connection;
    const PeerHello found = hello.peer;
    const NodeId& node = found.node;
    const NodeId expected = target->wanted.node.is_nil() ? target->learned : target->wanted.node;
    if (!expected.is_nil() && node != expected) {
        const std::string address = target->link(entry.channel).address;
        connection.refuse(
            {PeerRefusal::kWrongNode,
             "node " + node.to_string() + " answers where " + expected.to_string() + " should"}
        );
        handler_.on_other_node(address, found);
        return;
    }
    const auto known = nodes_.find(node);
    if (known != nodes_.end() && known->second != target) {
        connection.refuse(
            {PeerRefusal::kDuplicate,
             "it is node " + hello.peer.name + ", which is connected at "
                 + place_of(known->second->wanted, known->second->link(entry.channel).address)}
        );
        return;
    }
    entry.hello = hello.peer;
    target->learned = node;
    nodes_[node] = target;
    target->link(entry.channel).backoff = kDialBackoffMin;
    target->link(entry.channel).failing_since.reset();
    connection.accept(entry.channel, nullptr);
    if (entry.channel == Channel::kControl) {
        target->up = true;
        const PeerHello peer = hello.peer;
        handler_.on_peer_up(peer);
    }
}

void Peering::Impl::greet_accepted(Entry& entry, const ChannelHello& hello) {
    PeerConnection& connection = *entry.connection;
    PeerConnection*& heard = heard_from_[{hello.peer.node, hello.channel}];
    if (heard != nullptr) {
        // The same process has dialled again: the old connection is dead at its end. Another one is
        // either a restarted node or a second one with the same id; only silence tells.
        const bool same = connections_.at(heard).hello.incarnation == hello.peer.incarnation;
        if (!same && heard->silence() < kPeerSilenceMax) {
            connection.refuse({PeerRefusal::kDuplicate, "a node with its id is connected"});
            return;
        }
        heard->drop(Error{ErrorCode::kUnavailable, "the node has connected again"});
    }
    heard = &connection;
    entry.channel = hello.channel;
    entry.hello = hello.peer;
    for (std::string& address : entry.hello.addresses) {
        if (address.starts_with(':')) {  // It does not know its host yet.
            address = with_host(connection.peer().host_string(), address);
        }
    }
    const ChannelHello reply = self(hello.channel);
    connection.accept(hello.channel, &reply);
    if (hello.channel == Channel::kControl) {
        const PeerHello caller = entry.hello;
        handler_.on_caller(caller);
    }
}

/// In the order of their making, not of where they lie in memory.
void Peering::Impl::set_cluster(const Uuid& cluster) {
    const Uuid before = std::exchange(options_.self.cluster, cluster);
    if (before == cluster) {
        return;
    }
    std::map<std::uint64_t, std::shared_ptr<PeerConnection>> dropped;
    for (const auto& [connection, entry] : connections_) {
        const bool said_another = entry.target != nullptr && !before.is_nil();
        const Uuid& theirs = entry.hello.cluster;
        if (said_another || (!theirs.is_nil() && theirs != cluster)) {
            dropped.emplace(entry.number, entry.connection);
        }
    }
    for (const auto& [number, connection] : dropped) {
        connection->drop(Error{ErrorCode::kUnavailable, "this node is in another cluster now"});
    }
}

std::vector<PeerHello> Peering::Impl::callers() const {
    std::vector<PeerHello> callers;
    for (const auto& [who, connection] : heard_from_) {
        if (who.second == Channel::kControl) {
            callers.push_back(connections_.at(connection).hello);
        }
    }
    return callers;
}

void Peering::Impl::on_frame(PeerConnection& connection, const Frame& frame) {
    const auto found = connections_.find(&connection);
    if (detached_ || found == connections_.end()) {
        return;
    }
    Entry& entry = found->second;
    if (frame.kind == FrameKind::kAnswer) {
        take_answer(entry, frame);
    } else if (frame.kind == FrameKind::kRequest) {
        take_request(entry, frame);
    } else {
        ++stats_.messages_received;
        const NodeId node = entry.hello.node;
        handler_.on_message(node, entry.channel, frame.type, frame.payload);
    }
}

void Peering::Impl::take_request(Entry& entry, const Frame& frame) {
    const auto call = decode_request_head(frame.payload);
    if (!call.has_value()) {
        entry.connection->refuse({PeerRefusal::kGarbage, "it sends a request without a number"});
        return;
    }
    const std::weak_ptr<PeerConnection> connection = entry.connection;
    const std::weak_ptr<Impl> weak = weak_from_this();
    const bool full = entry.connection->requests >= kCallsMax;
    ++entry.connection->requests;
    const auto reply =
        std::make_shared<Reply>([weak, connection, id = *call](Result<std::string> result) {
            if (const auto self = weak.lock()) {
                self->answer(connection, id, std::move(result));
            }
        });
    if (full) {
        reply->answer(Error{ErrorCode::kOverloaded, "the peer has too many requests to answer"});
        return;
    }
    const NodeId node = entry.hello.node;
    handler_.on_request(node, frame.type, frame.payload.substr(kRequestHeadBytes), reply);
}

void Peering::Impl::answer(
    const std::weak_ptr<PeerConnection>& to,
    std::uint64_t call,
    Result<std::string> result
) const {
    const auto connection = to.lock();
    if (detached_ || connection == nullptr) {
        return;
    }
    --connection->requests;
    const std::size_t most = kDataFrameBytesMax - encode_answer_head(0, {}).size();
    if (result.ok() && result.value().size() > most) {
        result = Error{ErrorCode::kLimitExceeded, "the answer is too long for a frame"};
    }
    const Status status = result.ok() ? Status() : Status(result.error());
    const ByteView body = result.ok() ? ByteView(result.value()) : ByteView(result.error().message);
    (void
    )connection->write(encode_frame(FrameKind::kAnswer, 0, encode_answer_head(call, status), body));
}

void Peering::Impl::take_answer(Entry& entry, const Frame& frame) {
    auto answer = decode_answer(frame.payload);
    if (!answer.has_value()) {
        entry.connection->refuse({PeerRefusal::kGarbage, "it sends an answer that is none"});
        return;
    }
    Link& link = entry.target->link(entry.channel);
    auto waiting = link.calls.extract(answer->call);
    if (waiting.empty() || link.connection != entry.connection) {
        return;  // It has timed out meanwhile.
    }
    loop_.cancel_timer(waiting.mapped().timer);
    waiting.mapped().done(std::move(answer->result));
}

void Peering::Impl::on_gone(
    PeerConnection& connection,
    const Status& why,
    const std::optional<FrameFault>& fault
) {
    auto gone = connections_.extract(&connection);
    if (detached_ || gone.empty()) {
        return;
    }
    const Entry& entry = gone.mapped();
    // It is in the middle of a call of its own.
    loop_.post([keep = entry.connection] {});
    stats_.silent += connection.was_silent() ? 1 : 0;
    const bool greeted = !entry.hello.node.is_nil();
    const std::string reason = why.ok() ? "the connection ended" : why.error().message;
    if (fault.has_value()) {
        note_refusal(connection, entry, *fault);
    } else if (server_tls_ != nullptr && !greeted && !why.ok() && why.error().code == ErrorCode::kIo) {
        note_refusal(connection, entry, {PeerRefusal::kTls, reason});
    } else if (!greeted && entry.target != nullptr && !entry.target->removed) {
        note_failed_dial(*entry.target, entry.channel, reason);
    }
    if (entry.target == nullptr) {
        --accepted_;
        const auto heard = heard_from_.find({entry.hello.node, entry.channel});
        if (heard != heard_from_.end() && heard->second == &connection) {
            heard_from_.erase(heard);
        }
        return;
    }
    const bool useless =
        fault.has_value()
        && (fault->reason == PeerRefusal::kSelf
            || (fault->reason == PeerRefusal::kDuplicate && !connection.was_refused_by_peer()));
    const TargetPtr target = entry.target;
    Link& link = target->link(entry.channel);
    if (link.connection != entry.connection) {
        return;
    }
    link.connection.reset();
    if (!target->removed) {
        dial_later(target, entry.channel, useless ? kDialBackoffUseless : link.backoff);
    }
    end_link(target, entry.channel, why);
}

/// A channel's connection is gone: tells everybody.
void Peering::Impl::end_link(const TargetPtr& target, Channel channel, const Status& why) {
    const NodeId node = target->learned;
    const bool was_up = channel == Channel::kControl && std::exchange(target->up, false);
    const bool any = std::any_of(target->links.begin(), target->links.end(), [](const Link& link) {
        return link.connection != nullptr && link.connection->open();
    });
    if (!any) {
        const auto known = nodes_.find(node);
        if (known != nodes_.end() && known->second == target) {
            nodes_.erase(known);
        }
        if (!target->up) {  // Else the end of that is told next.
            target->learned = {};
        }
    }
    const auto calls = std::exchange(target->link(channel).calls, {});
    for (const auto& [id, call] : calls) {
        loop_.cancel_timer(call.timer);
    }
    const std::string reason = why.ok() ? "the connection ended" : why.error().message;
    const Error lost{ErrorCode::kUnavailable, reason};
    if (was_up) {
        handler_.on_peer_down(node, lost);
    }
    for (const auto& [id, call] : calls) {
        if (detached_) {
            return;
        }
        call.done(lost);
    }
}

Peering::Impl::Link* Peering::Impl::open_link(const NodeId& node, Channel channel) const {
    const auto found = nodes_.find(node);
    if (found == nodes_.end()) {
        return nullptr;
    }
    Link& link = found->second->link(channel);
    return link.connection != nullptr && link.connection->open() ? &link : nullptr;
}

bool Peering::Impl::connected(const NodeId& node, Channel channel) const {
    return open_link(node, channel) != nullptr;
}

std::string Peering::Impl::dialled_address(const NodeId& node) const {
    const Link* const link = open_link(node, Channel::kControl);
    return link == nullptr ? "" : link->address;
}

Status
Peering::Impl::send(const NodeId& node, Channel channel, std::uint16_t type, ByteView bytes) {
    const bool control = channel == Channel::kControl;
    if (bytes.size() > (control ? kControlFrameBytesMax : kDataFrameBytesMax)) {
        return Error{ErrorCode::kLimitExceeded, "the message is too long for its channel"};
    }
    Link* const link = open_link(node, channel);
    if (link == nullptr) {
        return Error{ErrorCode::kUnavailable, "node " + node.to_string() + " is not connected"};
    }
    const std::size_t most =
        control ? options_.control_queue_bytes_max : options_.data_queue_bytes_max;
    if (link->connection->queued_bytes() >= most) {
        return Error{
            ErrorCode::kOverloaded,
            "node " + node.to_string() + " does not keep up with what is sent to it"};
    }
    if (!link->connection->write(encode_frame(FrameKind::kMessage, type, {}, bytes))) {
        return Error{ErrorCode::kUnavailable, "the connection to " + node.to_string() + " broke"};
    }
    ++stats_.messages_sent;
    return {};
}

void Peering::Impl::fail_call(CallDone done, Error why) {
    const std::weak_ptr<Impl> weak = weak_from_this();
    loop_.post([weak, done = std::move(done), why = std::move(why)] {
        const auto self = weak.lock();
        if (self != nullptr && !self->detached_) {
            done(why);
        }
    });
}

void Peering::Impl::call(
    const NodeId& node,
    std::uint16_t type,
    ByteView bytes,
    Duration timeout,
    CallDone done
) {
    Link* const link = open_link(node, Channel::kData);
    const std::uint64_t id = next_call_++;
    if (link == nullptr) {
        fail_call(
            std::move(done),
            {ErrorCode::kUnavailable, "node " + node.to_string() + " is not connected"}
        );
        return;
    }
    if (bytes.size() > kDataFrameBytesMax - kRequestHeadBytes) {
        fail_call(std::move(done), {ErrorCode::kLimitExceeded, "the request is too long"});
        return;
    }
    if (link->calls.size() >= kCallsMax
        || link->connection->queued_bytes() >= options_.data_queue_bytes_max) {
        fail_call(
            std::move(done),
            {ErrorCode::kOverloaded, "node " + node.to_string() + " does not keep up"}
        );
        return;
    }
    if (!link->connection->write(
            encode_frame(FrameKind::kRequest, type, encode_request_head(id), bytes)
        )) {
        fail_call(
            std::move(done),
            {ErrorCode::kUnavailable, "the connection to " + node.to_string() + " broke"}
        );
        return;
    }
    const std::weak_ptr<Target> weak = nodes_.at(node);
    Call& call = link->calls[id];
    call.done = std::move(done);
    call.timer = loop_.add_timer(timeout, [weak, id, node] {
        const auto target = weak.lock();
        if (target == nullptr) {
            return;
        }
        auto late = target->link(Channel::kData).calls.extract(id);
        if (!late.empty()) {
            late.mapped().done(
                Error{ErrorCode::kTimeout, "node " + node.to_string() + " did not answer in time"}
            );
        }
    });
}

}  // namespace kumo::cluster
