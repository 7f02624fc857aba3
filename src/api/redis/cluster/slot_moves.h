#pragma once

#include "base/bytes.h"
#include "io/thread.h"
#include "kv/aof/slot_export.h"
#include "kv/keyspace/keyspace.h"
#include "node/kv/kv_engine.h"
#include "node/kv/slot_set.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kumo::api_redis {

class Service;
struct PropagatedCommand;

/// The keys' part in moves of slots (node/kv/kv_moves.h): giving slots out as commands, keeping
/// what arrives where no command sees it, and exchanging one for the other. Keys that go are freed
/// by a thread of their own: a value may be large.
///
/// Thread rule: loop-owned.
class SlotMoves {
public:
    explicit SlotMoves(Service& service);
    ~SlotMoves();

    // As node::KvEngine's.
    void begin_export(const node::SlotSet& slots);
    node::KvEngine::Export export_some(std::size_t bytes, std::string* out);
    void end_export();
    void apply_arriving(ByteView changes);
    void adopt(const node::SlotSet& slots);
    void drop_arriving(const node::SlotSet& slots);
    void drop_slots(const node::SlotSet& slots);

    /// What commands have done, for whom slots are given out to.
    void on_changes(std::span<const PropagatedCommand> commands);

    bool exporting() const { return export_ != nullptr; }

    /// Where keys arrive; nullptr: none ever has.
    kv::Database* arriving() { return arriving_ == nullptr ? nullptr : &arriving_->database(0); }

    /// A file had what is arriving in database 1 (Snapshot): takes it from there.
    void take_loaded();

private:
    kv::Database& present() const;
    kv::Database& make_arriving();
    void throw_away(const node::SlotSet& slots, kv::Database& from);

    Service& service_;
    std::unique_ptr<kv::Keyspace> arriving_;
    std::unique_ptr<kv::SlotExport> export_;

    /// Keys that nobody can reach, on their way out.
    struct Freeing {
        std::shared_ptr<std::atomic<bool>> done;
        std::unique_ptr<io::Thread> thread;
    };

    std::vector<Freeing> freeing_;
};

}  // namespace kumo::api_redis
