#include "node/control/meeting.h"

#include "cluster/discovery/host_port.h"
#include "node/control/peer_types.h"
#include "wire/byte_reader.h"
#include "wire/varint.h"

#include <utility>

namespace kumo::node {

namespace {

constexpr Duration kMeetingTimeout = std::chrono::seconds(3);
constexpr Duration kPoll = std::chrono::milliseconds(5);

bool has_host(const std::string& address) {
    return !address.empty() && address.front() != ':';
}

}  // namespace

std::string encode_meet(const MeetRequest& request) {
    std::string out(request.cluster.view());
    out.append(request.node.view());
    wire::append_varint(out, request.alone ? 1 : 0);
    wire::append_sized(out, request.address);
    wire::append_sized(out, request.reached);
    return out;
}

Result<MeetRequest> decode_meet(ByteView bytes) {
    wire::ByteReader in(bytes);
    MeetRequest request;
    request.cluster = in.uuid();
    request.node = in.uuid();
    request.alone = in.below_or_at(1) == 1;
    request.address = in.text();
    request.reached = in.text();
    if (!in.at_end()) {
        return corruption("a request to meet is not well formed");
    }
    return request;
}

std::string encode_meet_answer(MeetAnswer answer) {
    std::string out;
    wire::append_varint(out, static_cast<std::uint64_t>(answer));
    return out;
}

Result<MeetAnswer> decode_meet_answer(ByteView bytes) {
    wire::ByteReader in(bytes);
    const auto answer =
        static_cast<MeetAnswer>(in.below_or_at(static_cast<std::uint64_t>(MeetAnswer::kJoins)));
    if (!in.at_end()) {
        return corruption("an answer to a request to meet is not well formed");
    }
    return answer;
}

Meeting::Meeting(
    const cluster::Peering::Environment& environment,
    MeetRequest request,
    std::function<void(const std::string& host)> own_host,
    Done done
)
    : env_(environment),
      request_(std::move(request)),
      own_host_(std::move(own_host)),
      done_(std::move(done)) {}

Meeting::~Meeting() {
    *alive_ = false;
    env_.loop.cancel_timer(timer_);
}

std::unique_ptr<Meeting> Meeting::begin(
    const cluster::Peering::Environment& environment,
    const cluster::PeerTlsFiles& tls,
    MeetRequest request,
    std::function<void(const std::string& host)> own_host,
    Done done
) {
    std::unique_ptr<Meeting> meeting(
        new Meeting(environment, std::move(request), std::move(own_host), std::move(done))
    );
    Meeting* made = meeting.get();
    made->tls_ = tls;
    made->timer_ = environment.loop.add_timer(kMeetingTimeout, [made] {
        made->finish(Error{ErrorCode::kUnavailable, "nobody answers at " + made->request_.reached});
    });
    if (has_host(made->request_.address)) {
        made->ask();
    } else {
        made->look_for_host();
    }
    return meeting;
}

/// Which of this machine's addresses a connection to the other leaves from.
void Meeting::look_for_host() {
    const auto target = cluster::parse_host_port(request_.reached);
    if (!target.ok()) {
        env_.loop.post([this, alive = alive_, error = target.error()] {
            if (*alive) {
                finish(error);
            }
        });
        return;
    }
    env_.resolver.resolve(
        env_.loop,
        target.value().host,
        target.value().port,
        [this, alive = alive_](const Result<std::vector<io::Address>>& addresses) {
            if (*alive) {
                on_resolved(addresses);
            }
        }
    );
}

void Meeting::on_resolved(const Result<std::vector<io::Address>>& addresses) {
    if (!addresses.ok()) {
        finish(addresses.error());
        return;
    }
    env_.network.connect(
        env_.loop,
        addresses.value().front(),
        kMeetingTimeout,
        [this, alive = alive_](Result<std::unique_ptr<io::Stream>> stream) {
            if (!*alive) {
                return;
            }
            if (!stream.ok()) {
                finish(stream.error());
                return;
            }
            const io::Address own = stream.value()->local();
            const std::string port = request_.address;
            request_.address = own.host_string() + port;
            own_host_(own.host_string());
            ask();
        }
    );
}

void Meeting::ask() {
    cluster::PeeringOptions options;
    options.self.node = make_uuid(env_.loop.random());
    options.self.incarnation = env_.loop.random().next();
    options.self.name = "guest";
    options.tls = tls_;
    auto guest = cluster::Peering::make(env_, std::move(options), *this);
    if (!guest.ok()) {
        env_.loop.post([this, alive = alive_, error = guest.error()] {
            if (*alive) {
                finish(error);
            }
        });
        return;
    }
    guest_ = std::move(guest).value();
    (void)guest_->set_peers({{{}, {request_.reached}, "CLUSTER MEET"}});
}

void Meeting::on_peer_up(const cluster::PeerHello& peer) {
    call(peer.node);
}

/// Requests have a connection of their own, which comes a little later.
void Meeting::call(const Uuid& node) {
    if (!guest_->connected(node, cluster::Channel::kData)) {
        (void)env_.loop.add_timer(kPoll, [this, node, alive = alive_] {
            if (*alive && done_ != nullptr) {
                call(node);
            }
        });
        return;
    }
    guest_->call(
        node,
        static_cast<std::uint16_t>(PeerRequest::kMeet),
        encode_meet(request_),
        kMeetingTimeout,
        [this, alive = alive_](const Result<std::string>& answer) {
            if (*alive) {
                finish(answer.ok() ? decode_meet_answer(answer.value()) : answer.error());
            }
        }
    );
}

void Meeting::finish(Result<MeetAnswer> answer) {
    if (done_ == nullptr) {
        return;
    }
    env_.loop.cancel_timer(timer_);
    // Its owner destroys this in the call, and a handler of the connections may be on the stack.
    const auto done = std::make_shared<Done>(std::exchange(done_, nullptr));
    const auto shared = std::make_shared<Result<MeetAnswer>>(std::move(answer));
    env_.loop.post([done, shared, alive = alive_] {
        if (*alive) {
            (*done)(std::move(*shared));
        }
    });
}

void Meeting::on_peer_down(const cluster::NodeId& /*node*/, const Status& /*why*/) {}

void Meeting::on_message(
    const cluster::NodeId& /*node*/,
    cluster::Channel /*channel*/,
    std::uint16_t /*type*/,
    ByteView /*bytes*/
) {}

void Meeting::on_request(
    const cluster::NodeId& /*node*/,
    std::uint16_t /*type*/,
    ByteView /*bytes*/,
    std::shared_ptr<cluster::PeerReply> reply
) {
    reply->answer(Error{ErrorCode::kUnsupported, "a guest answers nothing"});
}

}  // namespace kumo::node
