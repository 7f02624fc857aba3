#pragma once

#include "kv/keyspace/change_observer.h"
#include "kv/keyspace/keyspace.h"
#include "kv/rdb/rdb_writer.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

namespace kumo::kv {

/// Writes the keyspace as it is now, piece by piece while it goes on being changed: no fork, no
/// copy, and no call that takes longer than its budget and one value.
///
/// The walk goes by the order of hashes (KeyTable::scan). A key that is about to change before the
/// walk has come to it is written first, as it still is, and remembered; so is one that is new, to
/// be left out. What the walk has passed changes freely. Memory: the names of keys that changed
/// before their turn.
///
/// Thread rule: loop-owned. It observes all databases from its making to its end.
class Snapshot final : public ChangeObserver {
public:
    /// All outlive it. The writer's head (aux fields, functions) has been written. `extra`, if it
    /// is given, stands for database 1.
    Snapshot(Keyspace& keyspace, RdbWriter& writer, std::int64_t now_ms, Database* extra = nullptr);
    ~Snapshot() override;

    /// Writes some keys, about `budget_bytes`; false: all have been written (finish() is the
    /// caller's).
    bool step(std::size_t budget_bytes);

    /// A database, or a slot, was emptied or swapped meanwhile: what was written is no state there
    /// ever was. Begin anew.
    bool broken() const { return broken_; }

    std::uint64_t keys() const { return keys_; }

    void before_change(const Database& database, const Entry& entry) override;
    void before_insert(const Database& database, const Entry& entry) override;
    void before_clear(const Database& database) override;
    void before_exchange(const Database& database, int slot) override;

private:
    int index_of(const Database& database) const;
    bool passed(int db, ByteView key) const;
    void select(int db);
    void write(int db, const Entry& entry);

    Keyspace& keyspace_;
    RdbWriter& writer_;
    std::int64_t now_ms_;
    std::vector<Database*> databases_;
    int db_ = 0;  ///< Where the walk is.
    ScanCursor cursor_ = 0;
    bool begun_ = false;  ///< Of this database.
    int selected_ = -1;
    bool broken_ = false;
    std::uint64_t keys_ = 0;
    std::vector<std::unordered_set<std::string>>
        early_;  ///< By database: written before their turn, or new.
};

}  // namespace kumo::kv
