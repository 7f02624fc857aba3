#pragma once

#include "base/bytes.h"
#include "kv/aof/key_export.h"
#include "kv/keyspace/change_observer.h"
#include "kv/keyspace/database.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace kumo::kv {

/// Some slots of a database as commands, given out in pieces while the keys go on being changed:
/// first each slot's keys as they were when its turn came, then what has been done to it since.
/// Whoever runs them in their order has what is here.
///
/// The walk goes from slot to slot, and within one by the order of hashes. A key of the present
/// slot that is about to change before the walk has come to it, or while it is being written, is
/// written at once, as it still is. What was done to a slot whose turn has not come is left out:
/// its keys will show it. So what has to be kept back is what is done to one slot during its walk.
///
/// Thread rule: loop-owned. It observes the database from its making to its end.
class SlotExport final : public ChangeObserver {
public:
    /// The database outlives it. `slots` ascend.
    SlotExport(Database& database, std::vector<std::uint16_t> slots);
    ~SlotExport() override;

    /// Appends what follows, about `bytes`. Not from within a command. False: that is all so far.
    bool step(std::size_t bytes, std::string* out);

    /// What a command has just done to one of the slots, as commands.
    void add_changes(int slot, ByteView commands);

    /// All slots have been walked.
    bool walked() const { return at_ == slots_.size(); }

    /// The keys went, or took the place of others, all at once: what was given out is no state
    /// there ever was.
    bool broken() const { return broken_; }

    /// Memory for what waits to be given out.
    std::size_t waiting_bytes() const { return ready_.bytes + later_.bytes; }

    void before_change(const Database& database, const Entry& entry) override;
    void before_insert(const Database& database, const Entry& entry) override;
    void before_clear(const Database& database) override;
    void before_exchange(const Database& database, int slot) override;

private:
    /// Each of whole commands, and not long unless one of them is.
    struct Pieces {
        std::deque<std::string> pieces;
        std::size_t bytes = 0;

        void add(std::string piece);
    };

    void write_rest(KeyExport& key);
    bool is_in_walk(ByteView key) const;
    bool take_key(std::size_t end, std::string* out);
    void end_slot();

    Database& database_;
    const std::vector<std::uint16_t> slots_;
    std::size_t at_ = 0;  ///< The present slot's place among them.
    std::uint64_t position_ = 0;
    bool scanned_ = false;              ///< To the present slot's end.
    std::deque<std::string> to_write_;  ///< Keys that the scan has met.
    std::optional<std::string> writing_;
    std::optional<KeyExport> key_;
    std::unordered_set<std::string> early_;  ///< Of the present slot: written, or new.
    Pieces ready_;                           ///< Comes next.
    Pieces later_;                           ///< Comes when the present slot has been walked.
    bool broken_ = false;
};

}  // namespace kumo::kv
