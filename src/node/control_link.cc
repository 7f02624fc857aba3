#include "node/control_link.h"

#include <utility>

namespace kumo::node {

ControlLink::ControlLink(
    io::Loop& data_loop,
    io::Loop& control_loop,
    std::unique_ptr<ControlPlane> plane
)
    : data_loop_(data_loop), control_loop_(control_loop), plane_(std::move(plane)) {}

void ControlLink::start(Events events, std::set<cluster::CopyId> unclean) {
    const auto shared = std::make_shared<const Events>(std::move(events));
    io::Loop& data = data_loop_;
    ControlPlane::Events there;
    there.on_state = [shared, &data](std::shared_ptr<const State> state, std::uint64_t run) {
        data.post([shared, state = std::move(state), run] { shared->on_state(state, run); });
    };
    there.on_message = [shared,
                        &data](const cluster::NodeId& node, std::uint16_t type, ByteView bytes) {
        const bool of_keys = static_cast<PeerMessage>(type) == PeerMessage::kKv;
        if (of_keys && !shared->on_kv_message) {
            return;
        }
        data.post([shared, node, of_keys, bytes = std::string(bytes)]() mutable {
            const auto& tell = of_keys ? shared->on_kv_message : shared->on_copy_message;
            tell(node, std::move(bytes));
        });
    };
    if (shared->on_dissolve) {
        there.on_dissolve = [shared, &data] {
            data.post([shared] { shared->on_dissolve(); });
        };
    }
    if (shared->on_forsaken) {
        there.on_forsaken = [shared, &data](const Uuid& cluster) {
            data.post([shared, cluster] { shared->on_forsaken(cluster); });
        };
    }
    there.on_request = [this, shared, &data](
                           const cluster::NodeId& node,
                           std::uint16_t type,
                           ByteView bytes,
                           std::shared_ptr<cluster::PeerReply> reply
                       ) {
        const std::uint64_t id = next_reply_++;
        replies_[id] = std::move(reply);
        const auto request = static_cast<PeerRequest>(type);
        data.post([shared, node, request, bytes = std::string(bytes), id]() mutable {
            shared->on_request(node, request, std::move(bytes), id);
        });
    };
    there.on_connected = [shared, &data](const cluster::NodeId& node) {
        data.post([shared, node] { shared->on_connected(node); });
    };
    there.on_lease = [this, &data](std::int64_t deadline) {
        data.post([this, deadline] { lease_deadline_.store(deadline); });
    };
    there.on_pulse = [this, &data] {
        data.post([this] { control_loop_.post([this] { plane_->on_pulse(); }); });
    };
    control_loop_.post([this, there, unclean = std::move(unclean)] {
        plane_->start(there, unclean);
    });
}

void ControlLink::propose(Command command, ControlPlane::Done done) {
    control_loop_.post([this, command = std::move(command), done = std::move(done)]() mutable {
        plane_->propose(std::move(command), [this, done = std::move(done)](Result<Change> change) {
            const auto shared = std::make_shared<Result<Change>>(std::move(change));
            data_loop_.post([done, shared] { done(std::move(*shared)); });
        });
    });
}

void ControlLink::propose_cluster(cluster::Command command) {
    control_loop_.post([this, command = std::move(command)]() mutable {
        plane_->propose_cluster(std::move(command));
    });
}

void ControlLink::send(const cluster::NodeId& node, std::string copy_message) {
    control_loop_.post([this, node, bytes = std::move(copy_message)] {
        // What is lost is sent again.
        (void)plane_->send(node, PeerMessage::kCopy, bytes);
    });
}

void ControlLink::send_kv(const cluster::NodeId& node, std::string message) {
    control_loop_.post([this, node, bytes = std::move(message)] {
        (void)plane_->send(node, PeerMessage::kKv, bytes);
    });
}

void ControlLink::meet(std::string address) {
    control_loop_.post([this, address = std::move(address)] {
        plane_->meet(address, [](const Status&) {});
    });
}

void ControlLink::set_name(std::string name) {
    control_loop_.post([this, name = std::move(name)] { plane_->set_name(name); });
}

void ControlLink::dissolve() {
    control_loop_.post([this] { plane_->dissolve(); });
}

void ControlLink::begin_anew() {
    control_loop_.post([this] { plane_->begin_anew(); });
}

void ControlLink::reset(const cluster::NodeId& node) {
    control_loop_.post([this, node] { plane_->reset(node); });
}

void ControlLink::call(
    const cluster::NodeId& node,
    PeerRequest type,
    std::string bytes,
    Duration timeout,
    cluster::CallDone done
) {
    control_loop_.post(
        [this, node, type, timeout, bytes = std::move(bytes), done = std::move(done)] {
            plane_->call(node, type, bytes, timeout, [this, done](Result<std::string> answer) {
                const auto shared = std::make_shared<Result<std::string>>(std::move(answer));
                data_loop_.post([done, shared] { done(std::move(*shared)); });
            });
        }
    );
}

void ControlLink::answer(std::uint64_t reply, Result<std::string> result) {
    const auto shared = std::make_shared<Result<std::string>>(std::move(result));
    control_loop_.post([this, reply, shared] {
        const auto found = replies_.find(reply);
        if (found != replies_.end()) {
            const auto waiting = std::move(found->second);
            replies_.erase(found);
            waiting->answer(std::move(*shared));
        }
    });
}

void ControlLink::lead(std::function<void(const Status&)> done) {
    control_loop_.post([this, done = std::move(done)] {
        const auto status = std::make_shared<Status>(plane_->lead());
        data_loop_.post([done, status] { done(*status); });
    });
}

void ControlLink::reset_peers(std::function<void(const Status&)> done) {
    control_loop_.post([this, done = std::move(done)] {
        const auto status = std::make_shared<Status>(plane_->reset_peers());
        data_loop_.post([done, status] { done(*status); });
    });
}

void ControlLink::refresh(io::Task done) {
    control_loop_.post([this, done = std::move(done)] {
        plane_->refresh([this, done] { data_loop_.post(done); });
    });
}

void ControlLink::announce_end() {
    control_loop_.post([this] { plane_->announce_end(); });
}

void ControlLink::retire(io::Task done) {
    control_loop_.post([this, done = std::move(done)] {
        plane_->retire([this, done] { data_loop_.post(done); });
    });
}

void ControlLink::leave_service(const Error& why) {
    control_loop_.post([this, why] { plane_->leave_service(why); });
}

}  // namespace kumo::node
