#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "node/kv/slot_set.h"
#include "store/wal.h"

#include <functional>
#include <string>

namespace kumo::node {

/// A node's keys, as their replication sees them. The dialect has the commands: it runs them at the
/// primary, and hands what they did to the log as changes; here those changes are made at the other
/// copies, and again after a restart.
///
/// Thread rule: the data loop.
class KvEngine {
public:
    virtual ~KvEngine() = default;
    KvEngine(const KvEngine&) = delete;
    KvEngine& operator=(const KvEngine&) = delete;

    /// Makes changes that are committed. Bytes that are none, or fail, are logged and skipped: the
    /// same on every copy.
    virtual void apply(ByteView changes) = 0;

    /// Everything goes.
    virtual void clear() = 0;

    virtual bool is_empty() const = 0;

    /// Those that have keys.
    virtual SlotSet slots_in_use() const = 0;

    /// Writes what there is now to a file, in later turns, while commands run. `done` runs when it
    /// is whole and durable, or has failed. kConflict: one is being written.
    virtual Status begin_snapshot(const std::string& path, std::function<void(Status)> done) = 0;

    /// Takes in what begin_snapshot() wrote. Requires: it is empty. Blocks.
    virtual Status load(const std::string& path) = 0;

    /// Everything up to here is on all copies that have to have it: answers to what it did may
    /// leave.
    virtual void on_committed(store::Seq seq) = 0;

    /// What was run here and is not committed may be undone: whoever waits for answers to it is
    /// to be told nothing.
    virtual void on_role_lost() = 0;

    /// The node's role, the cluster's state or the lease is another one than before, as far as
    /// commands care.
    virtual void on_change() = 0;

    /// A message of another node's engine.
    virtual void on_message(ByteView message) = 0;

protected:
    KvEngine() = default;
};

}  // namespace kumo::node
