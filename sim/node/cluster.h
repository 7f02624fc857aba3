#pragma once

#include "base/random.h"
#include "node/faults.h"
#include "node/history.h"
#include "node/internal/machine_test.h"

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
    bool shrink = true;    ///< On a failure, find faults that it does not need.
    bool verbose = false;  ///< Print every event.
};

Settings& settings();

/// What one run came to. `failure` is empty, or says what went wrong first.
struct Outcome {
    std::string failure;
    std::uint64_t trace = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t refused = 0;
    std::uint64_t unknown = 0;
    std::uint64_t reads = 0;
    std::uint64_t scans = 0;
    std::uint64_t faults = 0;
    std::uint64_t starts = 0;
    std::uint64_t replaced = 0;
    std::uint64_t controls_lost = 0;
    std::uint64_t collections = 0;
    std::uint64_t documents = 0;
    std::uint64_t settle_ms = 0;
};

/// Whole nodes (control plane, replication, store, search) on virtual networks, disks and clocks,
/// under every fault at once, from one seed; clients that write and read through all of them.
///
/// Checked: the history of every document has an order that explains it (history.h), so that no
/// acknowledged write is lost, nothing is invented or carried out twice, and numbers never go back;
/// no node is ever broken; every call is answered; and when everything is well again, all nodes
/// serve, all copies are in sync, and all have the same documents.
class Cluster {
public:
    explicit Cluster(std::uint64_t seed);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    Outcome run();

private:
    struct Computer {
        std::unique_ptr<Machine> machine;
        bool up = false;
        std::uint64_t boot = 0;  ///< Of how many.
        Time start_at = 0;       ///< While it is down.
        bool powered = true;     ///< Without power, it cuts its connections silently.
        Time down_since = 0;
        std::optional<std::uint64_t> loses_log;  ///< When it starts again; how.
        std::optional<std::uint64_t> loses_control;
        bool is_replaced = false;
        bool needs_restart = false;     ///< A sync has failed, or will.
        int pauses[2] = {0, 0};         ///< Of the data loop, the control loop.
        std::optional<Time> suspended;  ///< Since then; nobody gets to it.
        std::int64_t clock_rate = 1'000'000;
    };

    struct Document {
        std::string id;
        std::string text;
        History history;
        bool created = false;   ///< For sure.
        bool removing = false;  ///< No other removal may begin.
        int creates = 1;        ///< Clients that create it; one at most may be told that it did.
        int created_by = 0;
    };

    /// A collection from its creation until it is dropped.
    struct Collection {
        std::string name;
        std::string prefix;  ///< Of its documents' ids.
        std::uint32_t shards = 1;
        cluster::AckMode mode = cluster::AckMode::kSync;
        std::uint32_t min_in_sync = 1;
        bool creating = false;
        bool live = false;
        bool ended = false;  ///< Its removal has begun: what happens now is not looked at.
        std::vector<std::shared_ptr<Document>> documents;
        std::map<std::string, std::shared_ptr<Document>> by_id;
        History::Value next_value = 1;
    };

    /// What was acknowledged may be lost, and what is read may be.
    static bool may_forget(const Collection& collection) {
        return collection.mode == cluster::AckMode::kAsync;
    }

    using CollectionPtr = std::shared_ptr<Collection>;
    using DocumentPtr = std::shared_ptr<Document>;

    /// A call that is not answered yet.
    struct Call {
        std::size_t node = 0;
        std::string what;
        Time begin = 0;
    };

    // One write of one document, on its way.
    struct Write {
        DocumentPtr document;
        std::size_t entry = 0;
        search::WriteAction action{};
    };

    Time now() const;
    void note(const std::string& event);
    void fail(const std::string& what);

    bool failed() const { return !outcome_.failure.empty(); }

    std::uint64_t pick(std::uint64_t bound) { return random_.below(bound); }

    void at(Duration delay, std::function<void()> action);
    void pass(Duration most);
    bool run_until(Duration most, const std::function<bool()>& done);

    // Nodes and faults: nodes.cc.
    void start(std::size_t i);
    void stop(std::size_t i, io::CrashKind kind, Duration down);
    void start_due();
    void inject(const Fault& fault);
    void inject_network(const Fault& fault);
    void inject_process(const Fault& fault);
    void cut(std::size_t from, std::size_t to);
    void mend(std::size_t from, std::size_t to);
    void cut_for(std::size_t from, std::size_t to, Duration lasts);
    void pause(std::size_t i, std::size_t loop, Duration lasts);
    void unpause(std::size_t i, std::size_t loop);
    void suspend(std::size_t i, Duration lasts);
    void wake(std::size_t i);
    void set_clock_rate(std::size_t i, std::int64_t rate);
    void roll(std::size_t i);
    void wait_and_roll(std::size_t i, Time deadline);
    void lose_log(std::size_t i);
    void lose_control(std::size_t i);
    void replace(std::size_t i);
    bool may_leave(std::size_t i);
    bool may_lose(std::size_t i);
    bool all_in_sync();
    bool nobody_is_hindered();
    bool is_fragile();
    void heal();
    bool serves(std::size_t i);
    std::optional<std::size_t> some_node();

    // Clients: clients.cc.
    std::function<void()> call(std::size_t node, const std::string& what);
    void use();
    void create_collection(const CollectionPtr& collection);
    void drop_collection(std::size_t slot);
    void begin_collection(std::size_t slot, const std::string& name);
    DocumentPtr new_document(Collection& collection);
    DocumentPtr some_document(Collection& collection);
    void write(const CollectionPtr& collection);
    void create_twice(const CollectionPtr& collection);
    void send_writes(
        const CollectionPtr& collection,
        std::size_t node,
        search::WriteAction action,
        const std::vector<DocumentPtr>& documents
    );
    void on_written(
        const CollectionPtr& collection,
        const Write& write,
        Time begin,
        const Result<search::Written>& written
    );
    void erase(const CollectionPtr& collection);
    void write_matching(const CollectionPtr& collection, bool removes);
    void get(const CollectionPtr& collection, const DocumentPtr& document, std::size_t node);
    void scan(const CollectionPtr& collection);
    void search(const CollectionPtr& collection);
    History::Value value_in(const Document& expected, const std::string& json);
    bool is_definite(const Error& error) const;
    void count(bool ok, const Error* error);

    // The end: cluster.cc.
    void check_nodes();
    void await_well(std::optional<std::size_t> missing, const std::string& after);
    void outlast_outage();
    std::string unsettled(std::optional<std::size_t> missing);
    void check_end();
    void check_histories();
    std::string describe();

    const std::uint64_t seed_;
    SeededRandom random_;
    const std::size_t nodes_count_;
    bool fsync_ = true;     ///< Of documents, at all nodes.
    bool fragile_ = false;  ///< Not so, and a machine has lost power: see is_fragile().
    Outcome outcome_;
    Site site_;
    std::vector<Computer> nodes_;
    std::multimap<Time, std::function<void()>> actions_;  ///< Run between events of the world.
    std::map<std::pair<std::size_t, std::size_t>, int> cuts_;
    bool calm_ = false;
    bool rolling_ = false;
    std::uint64_t write_chance_ = 0;
    std::vector<CollectionPtr> slots_;
    std::vector<CollectionPtr> collections_;
    std::map<std::uint64_t, Call> calls_;
    std::uint64_t next_call_ = 1;
    std::uint64_t next_collection_ = 1;
    std::deque<std::string> events_;
};

}  // namespace kumo::node::sim
