#pragma once

#include "io/fs.h"
#include "io/loop.h"
#include "node/kv/kv_engine.h"
#include "node/kv/kv_node.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node::sim {

/// What a client asks of a node: to read keys of one slot, or to append an id to each of them.
struct Operation {
    std::uint16_t slot = 0;
    std::vector<std::string> keys;
    std::uint64_t id = 0;     ///< 0: it reads.
    std::size_t padding = 0;  ///< Bytes that its change is longer by.
};

/// A key's count of increments, and who made them.
struct Value {
    std::uint64_t count = 0;
    std::vector<std::uint64_t> ids;

    bool operator==(const Value&) const = default;
};

/// Of the operation's keys, after it.
using Answer = std::vector<Value>;

/// Keys for KvNode as the dialect of Redis has them: what runs here is run before it is committed,
/// and answered when everything is that was logged by then (api/redis/cluster).
///
/// Thread rule: the data loop's.
class Engine final : public KvEngine {
public:
    enum class End : std::uint8_t {
        kAnswered,
        kRefused,  ///< It has not been run.
        kDropped,  ///< Nobody knows what becomes of it.
    };

    using Done = std::function<void(End, const Answer&)>;
    using Data = std::map<std::uint16_t, std::map<std::string, Value>>;

    /// `on_misuse` hears of what KvNode must never do.
    Engine(io::Fs& fs, io::Loop& loop, std::function<void(const std::string&)> on_misuse);

    void attach(KvNode& node) { node_ = &node; }

    void run(const Operation& operation, Done done);

    const Data& data() const { return data_; }

    const Data& arriving() const { return arriving_; }

    void apply(ByteView changes) override;
    void clear() override;
    bool is_empty() const override;
    SlotSet slots_in_use() const override;
    Status begin_snapshot(const std::string& path, std::function<void(Status)> done) override;
    Status load(const std::string& path) override;
    void on_committed(store::Seq seq) override;
    void on_role_lost() override;

    void on_change() override {}

    void on_message(ByteView /*message*/) override {}

    void begin_export(const SlotSet& slots) override;
    Export export_some(std::size_t bytes, std::string* out) override;

    void end_export() override { giving_.reset(); }

    void apply_arriving(ByteView changes) override;
    void adopt(const SlotSet& slots) override;
    void drop_arriving(const SlotSet& slots) override;
    void drop_slots(const SlotSet& slots) override;

private:
    struct Held {
        store::Seq mark = 0;
        Answer answer;
        Done done;
    };

    struct Snapshot {
        std::string path;
        std::string bytes;
        std::function<void(Status)> done;
        bool broken = false;
    };

    /// Slots that are given out: those that have been walked, and what is to be sent of them.
    struct Giving {
        std::deque<std::uint16_t> slots;  ///< Not walked yet.
        SlotSet walked;
        std::deque<std::string> records;
        bool broken = false;
    };

    bool leads(std::uint16_t slot) const;
    void end_snapshot();
    void give_out(const Operation& operation);

    io::Fs& fs_;
    io::Loop& loop_;
    const std::function<void(const std::string&)> on_misuse_;
    KvNode* node_ = nullptr;
    Data data_;
    Data arriving_;
    std::optional<Giving> giving_;
    store::Seq released_ = 0;
    std::deque<Held> held_;
    std::optional<Snapshot> snapshot_;
};

}  // namespace kumo::node::sim
