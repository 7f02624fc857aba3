#pragma once

#include "api/redis/cluster/slot_moves.h"
#include "api/redis/service.h"
#include "cluster/state/state.h"
#include "node/kv/kv_engine.h"
#include "node/kv/kv_state.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kumo::node {
class KvNode;
}  // namespace kumo::node

namespace kumo::api_redis {

/// Where a client reaches a node.
struct Endpoint {
    std::string host;  ///< Empty: whatever the client has connected to.
    std::uint16_t port = 0;
    std::uint16_t bus_port = 0;
    std::string hostname;
};

/// What a command is to do about the slots of its keys.
enum class Route : std::uint8_t {
    kHere,
    kElsewhere,  ///< Its error says where.
    kLater,      ///< This node is about to take over, or to be relieved: soon it is known.
};

/// This service as a node of a cluster: which commands run here, what of them the other nodes get,
/// and when clients may be told (docs/design/011-slots.md). The slots, and who has them, are the
/// node's (node/kv/kv_node.h).
///
/// What a command did is in the log when it has run, and committed a little later. Until then no
/// answer leaves that was written after it, to whomever: mark() says what an answer that is written
/// now has to wait for, and released() how far it is.
///
/// Thread rule: loop-owned.
class Cluster final : public node::KvEngine, public ChangeFeed {
public:
    explicit Cluster(Service& service);
    ~Cluster() override;

    /// Before anything else; the node outlives its use here.
    void attach(node::KvNode& node);

    node::KvNode& node() { return *node_; }

    const node::KvNode& node() const { return *node_; }

    // ---- commands

    /// Where the command is to run; `session` may be nullptr (a script's command: no redirections).
    Route route(
        Session& session,
        const kv::CommandSpec& spec,
        std::span<const ByteView> arguments,
        std::string* error
    );

    /// Whether a script's command may touch its keys; if not, the error says why.
    bool allows_in_script(
        const Session& session,
        const kv::CommandSpec& spec,
        std::span<const ByteView> arguments,
        std::string* error
    );

    /// A script begins, with these keys.
    void begin_script() { script_slot_ = -1; }

    /// This node is the master of its group, and nothing is in the way of commands.
    bool runs() const;

    bool is_replica() const;

    // ---- answers

    std::uint64_t mark() const;

    std::uint64_t released() const { return released_; }

    // ---- the cluster as clients see it

    /// Slots are served: those of this node, and all, if they have to be.
    bool is_up() const { return up_; }

    Endpoint endpoint_of(const cluster::Member& member) const;
    /// In CLUSTER NODES' form; `for_file`: as nodes.conf has it.
    std::string nodes_text(bool for_file) const;

    /// Changes the cluster's state, in the name of `session`: what it is answered leaves when the
    /// change is made, and it is asked nothing before. False: it cannot be made, `error` says why.
    bool change(Session& session, const node::KvCommand& command, std::string* error);

    /// Leaves the cluster, in the name of `session`, as change().
    void reset(Session& session, bool as_another);

    /// This node, or who it is about to be.
    cluster::NodeId self() const;

    /// INFO's section about replication.
    void write_replication_info(
        const std::function<void(std::string_view name, const std::string& value)>& line
    ) const;
    /// ROLE.
    void reply_role(wire::RespWriter& reply) const;
    /// WAIT: what has been answered is on every copy in sync; it waits for more of them.
    void do_wait(Call& call);
    void do_waitaof(Call& call);
    /// Copies in sync, besides this one.
    std::size_t replicas_in_sync() const;

    /// The state with the changes that are on their way.
    const node::KvState& slots() const;
    const cluster::State& members() const;

    /// A message for all nodes, and one for those of this node's group.
    void broadcast(ByteView channel, ByteView message);
    void broadcast_shard(ByteView channel, ByteView message);

    /// Keys of a slot, whoever owns it.
    std::size_t keys_in_slot(std::uint16_t slot) const;

    // KvEngine
    void apply(ByteView changes) override;
    void clear() override;
    bool is_empty() const override;
    node::SlotSet slots_in_use() const override;
    Status begin_snapshot(const std::string& path, std::function<void(Status)> done) override;
    Status load(const std::string& path) override;
    void on_committed(store::Seq seq) override;
    void on_copied() override;
    void on_role_lost() override;
    void on_change() override;
    void on_message(ByteView message) override;

    void begin_export(const node::SlotSet& slots) override { slot_moves_.begin_export(slots); }

    Export export_some(std::size_t bytes, std::string* out) override {
        return slot_moves_.export_some(bytes, out);
    }

    void end_export() override { slot_moves_.end_export(); }

    void apply_arriving(ByteView changes) override { slot_moves_.apply_arriving(changes); }

    void adopt(const node::SlotSet& slots) override { slot_moves_.adopt(slots); }

    void drop_arriving(const node::SlotSet& slots) override { slot_moves_.drop_arriving(slots); }

    void drop_slots(const node::SlotSet& slots) override { slot_moves_.drop_slots(slots); }

    // ChangeFeed
    void on_changes(std::span<const PropagatedCommand> commands) override;

private:
    struct Keys;

    bool find_keys(
        const Session& session,
        const kv::CommandSpec& spec,
        std::span<const ByteView> arguments,
        Keys* out,
        std::string* error
    ) const;
    Route route_keys(
        Session& session,
        const kv::CommandSpec& spec,
        const Keys& keys,
        std::uint32_t flags,
        std::string* error
    );
    Route route_own(
        const kv::CommandSpec& spec,
        const Keys& keys,
        std::uint32_t flags,
        std::string* error
    );
    bool is_down_for(bool sharded, std::uint32_t flags, std::string* error) const;
    Route route_imported(const kv::CommandSpec& spec, const Keys& keys, std::string* error) const;
    Route moved(std::uint16_t slot, std::string* error) const;
    std::size_t missing(const Keys& keys) const;
    void rebuild_table();
    void wake_parked();
    void drop_blocked();
    void redirect_blocked();
    void follow_slots();
    void end_reset();
    void serve_waiters();
    void replicate(const cluster::NodeId& master);
    void relieve_orphan();
    void bar_or_not();
    void write_nodes_file();
    void tick();

    Service& service_;
    SlotMoves slot_moves_;
    node::KvNode* node_ = nullptr;
    std::uint64_t released_ = 0;
    bool applying_ = false;
    int script_slot_ = -1;

    // Made anew from each state.
    std::array<std::uint16_t, node::kSlots> owner_{};  ///< Into owners_; 0: nobody.

    struct Owner {
        cluster::ShardId shard{};
        cluster::NodeId master;
        bool up = false;
    };

    std::vector<Owner> owners_;
    std::uint16_t own_ = 0;  ///< This node's group among owners_; 0: none.
    bool covered_ = false;
    bool up_ = false;
    bool master_ = false;
    const std::map<std::uint16_t, node::OpenSlot>* open_ = nullptr;  ///< This node's.

    void propose(SessionId session, const node::KvCommand& command);
    void on_changed(SessionId session, const Status& made);

    std::size_t replicas_with(std::uint64_t seq) const;
    void await_copies(
        Call& call,
        std::int64_t wanted,
        std::int64_t timeout_ms,
        const std::optional<std::int64_t>& local
    );
    static void reply_copies(
        wire::RespWriter& reply,
        std::size_t copies,
        const std::optional<std::int64_t>& local
    );

    struct Waiter {
        SessionId session = 0;
        std::size_t wanted = 0;
        std::uint64_t seq = 0;
        std::optional<std::int64_t> local;  ///< WAITAOF: what it answers first.
    };

    std::vector<Waiter> waiters_;

    struct Reset {
        cluster::NodeId as;
        Uuid from;  ///< The cluster.
        SessionId session = 0;
        std::vector<std::pair<SessionId, node::KvCommand>> then;
    };

    std::optional<Reset> reset_;
    std::size_t changing_ = 0;  ///< On their way.
    std::optional<std::pair<node::KvState, cluster::State>> expected_;
    std::string nodes_file_;  ///< As it was written last.
    Endpoint own_endpoint_;   ///< As it was known last.
    bool was_runner_ = false;
    node::SlotSet had_slots_;  ///< As master, before the present state.
    cluster::NodeId follows_;  ///< Who has got the last of them.
    std::int64_t looked_around_ms_ = 0;
    std::int64_t orphan_since_ms_ = 0;
    std::int64_t master_up_since_ms_ = 0;  ///< As it is known, and barred without reason.
};

}  // namespace kumo::api_redis
