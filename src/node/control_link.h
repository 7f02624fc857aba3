#pragma once

#include "io/loop.h"
#include "node/control/control_plane.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace kumo::node {

/// The control plane as the data loop sees it: calls go over to its loop, answers and events come
/// back in the order in which they were made there.
///
/// Thread rule: the data loop, but for what is marked. Destroyed when neither loop runs.
class ControlLink {
public:
    struct Events {
        std::function<void(std::shared_ptr<const State>, std::uint64_t incarnation)> on_state;
        std::function<void(const cluster::NodeId&, std::string copy_message)> on_copy_message;
        std::function<
            void(const cluster::NodeId&, PeerRequest type, std::string bytes, std::uint64_t reply)>
            on_request;
        std::function<void(const cluster::NodeId&)> on_connected;
        std::function<void(const cluster::NodeId&, std::string message)> on_kv_message = nullptr;
        /// See ControlPlane::Events; answered by dissolve().
        std::function<void()> on_dissolve = nullptr;
        std::function<void(const Uuid& cluster)> on_forsaken = nullptr;  ///< As there.
    };

    ControlLink(io::Loop& data_loop, io::Loop& control_loop, std::unique_ptr<ControlPlane> plane);

    /// Before the loops run, or on any thread: the control plane begins on its loop. `unclean` are
    /// copies that may have lost something.
    void start(Events events, std::set<cluster::CopyId> unclean);

    void propose(Command command, ControlPlane::Done done);
    void propose_cluster(cluster::Command command);
    void send(const cluster::NodeId& node, std::string copy_message);
    /// Best effort, to on_kv_message() there.
    void send_kv(const cluster::NodeId& node, std::string message);

    // As ControlPlane's.
    void meet(std::string address);
    void set_name(std::string name);
    void dissolve();
    void begin_anew();
    void reset(const cluster::NodeId& node);

    /// `done` runs on the data loop.
    void call(
        const cluster::NodeId& node,
        PeerRequest type,
        std::string bytes,
        Duration timeout,
        cluster::CallDone done
    );

    /// Answers a request that on_request() brought.
    void answer(std::uint64_t reply, Result<std::string> result);

    /// `done` runs on the data loop.
    void lead(std::function<void(const Status&)> done);

    /// The same.
    void reset_peers(std::function<void(const Status&)> done);

    /// Any thread. `done` runs on the data loop, behind the state that it waited for.
    void refresh(io::Task done);

    void announce_end();

    /// `done` runs on the data loop.
    void retire(io::Task done);

    /// The node's data is of no use any more: it asks for no lease, and is replaced.
    void leave_service(const Error& why);

    // ---- any thread

    const cluster::NodeId& self() const { return plane_->self(); }

    /// Counts for who has seen the states that the lease needs: not before the data loop has, and
    /// if it is stuck, no longer than the lease from before.
    bool has_lease() const { return plane_->has_lease_until(lease_deadline_.load()); }

    std::shared_ptr<const ControlStatus> status() const { return plane_->status(); }

private:
    io::Loop& data_loop_;
    io::Loop& control_loop_;
    std::unique_ptr<ControlPlane> plane_;
    /// The control loop's: they must not end on another thread.
    std::map<std::uint64_t, std::shared_ptr<cluster::PeerReply>> replies_;
    std::uint64_t next_reply_ = 1;
    std::atomic<std::int64_t> lease_deadline_{0};  ///< As far as the data loop knows.
};

}  // namespace kumo::node
