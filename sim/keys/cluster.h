#pragma once

#include "base/random.h"
#include "keys/history.h"
#include "keys/machine.h"
#include "keys/plan.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kumo::node::sim {

/// What the command line sets for all runs.
struct Settings {
    std::set<FaultKind> without;
    bool verbose = false;  ///< Print every event.
};

Settings& settings();

/// What one run came to. `failure` is empty, or says what went wrong first.
struct Outcome {
    std::string failure;
    std::uint64_t trace = 0;
    std::uint64_t appends = 0;
    std::uint64_t reads = 0;
    std::uint64_t refused = 0;
    std::uint64_t unknown = 0;
    std::uint64_t faults = 0;
    std::uint64_t starts = 0;
    std::uint64_t failovers = 0;
    std::uint64_t moves = 0;
    std::uint64_t moved = 0;
    std::uint64_t settle_ms = 0;
};

/// Nodes of a cluster of keys on virtual networks, disks and clocks, from one seed: they meet, get
/// slots and replicas, and suffer; clients append to lists and read them, at any node.
///
/// Checked: the history of every key has an order that explains it (history.h), so that nothing
/// acknowledged is lost, nothing is undone that was seen, nothing is made twice or in parts; the
/// node never misuses its engine; every call is answered; and when everything is well again, all
/// slots are served, all copies are in sync, and the copies of a group are equal.
class Cluster {
public:
    explicit Cluster(std::uint64_t seed);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    Outcome run();

private:
    struct Computer {
        std::unique_ptr<KvMachine> machine;
        bool up = false;
        std::uint64_t boot = 0;   ///< Of how many.
        Time start_at = 0;        ///< While it is down.
        bool powered = true;      ///< Without power, it cuts its connections silently.
        int pauses[2] = {0, 0};   ///< Of the data loop, the control loop.
        std::size_t follows = 0;  ///< Whose slots it is to have a copy of.
        Time met_at = 0;          ///< When the operator last tried to.
        Time had_lease_at = 0;    ///< Or when the last fault was, if that is later.
        Time asked_at = 0;        ///< When it was last told whom to replicate.
    };

    /// Slots that one node begins with, and keys in them.
    struct Part {
        SlotSet slots;
        std::uint16_t slot = 0;  ///< Of all its keys.
        std::vector<std::string> keys;
        bool assigned = false;
    };

    /// A call that is not answered yet.
    struct Call {
        std::size_t node = 0;
        Operation operation;
        Time begin = 0;
    };

    /// Two keys that are used together.
    struct Pair {
        std::vector<std::uint64_t> made;                        ///< Appends to both.
        std::vector<std::pair<std::size_t, std::size_t>> seen;  ///< How long both were.
    };

    Time now() const;
    void note(const std::string& event);
    void fail(const std::string& what);

    bool failed() const { return !outcome_.failure.empty(); }

    std::uint64_t pick(std::uint64_t bound) { return random_.below(bound); }

    void at(Duration delay, std::function<void()> action);
    void pass();
    bool run_until(Duration most, const std::function<bool()>& done);

    // Nodes and faults: faults.cc.
    void start(std::size_t i);
    void stop(std::size_t i, io::CrashKind kind, Duration down);
    void start_due();
    void inject(const Fault& fault);
    void inject_network(const Fault& fault);
    void inject_by_hand(const Fault& fault);
    void cut(std::size_t from, std::size_t to);
    void mend(std::size_t from, std::size_t to);
    void cut_for(std::size_t from, std::size_t to, Duration lasts);
    void pause(std::size_t i, std::size_t loop, Duration lasts);
    void unpause(std::size_t i, std::size_t loop);
    void heal();

    // Whoever sets up the cluster, and keeps it whole: operator.cc.
    bool runs(std::size_t i) const;

    KvNode& node(std::size_t i) { return nodes_[i].machine->node(); }

    void operate();
    bool is_to_be_reset(std::size_t i, std::optional<std::size_t> reference);
    void assign(std::size_t i);
    void meet(std::size_t i);
    void place(std::size_t i);
    std::optional<std::size_t> somebody_in_cluster();
    void hand_over(std::size_t i);
    void move(std::size_t i, std::uint64_t detail);
    void take_out(std::size_t i);
    void move_slots(std::size_t i, std::uint64_t detail);
    std::optional<std::size_t> place_of(const cluster::NodeId& id);
    void trouble_move(std::size_t from, std::size_t to);
    void stop_moves(std::size_t i);

    // Clients: clients.cc.
    void use();
    bool is_hindered(std::size_t i) const;
    void send(std::size_t i, Operation operation);
    void on_end(std::uint64_t call, Engine::End end, const Answer& answer);
    void drop_calls(std::size_t i);
    void read_all(std::size_t i, const Part& part);
    void check_pairs();
    void check_end();

    // The end: cluster.cc.
    std::string unsettled();
    std::string unsettled(std::size_t i);
    std::string describe();

    const std::uint64_t seed_;
    SeededRandom random_;
    Outcome outcome_;
    Site site_;
    bool fsync_ = false;
    bool async_ = false;        ///< What is acknowledged may be lost.
    bool slots_first_ = false;  ///< Else nodes meet before they get slots.
    std::vector<Computer> nodes_;
    std::vector<Part> parts_;
    Uuid cluster_;                                        ///< That the operator wants everybody in.
    std::set<Uuid> moved_;                                ///< Moves that were seen to be done.
    std::multimap<Time, std::function<void()>> actions_;  ///< Run between events of the world.
    std::map<std::pair<std::size_t, std::size_t>, int> cuts_;
    bool calm_ = false;
    std::uint64_t use_chance_ = 0;
    std::size_t padding_max_ = 0;
    std::map<std::string, KeyHistory> histories_;
    std::map<std::pair<std::string, std::string>, Pair> pairs_;
    std::map<std::uint64_t, Call> calls_;
    std::uint64_t next_call_ = 1;
    std::uint64_t next_id_ = 1;
    std::deque<std::string> events_;
};

}  // namespace kumo::node::sim
