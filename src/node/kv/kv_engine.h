#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "node/kv/slot_set.h"
#include "store/wal.h"

#include <cstddef>
#include <cstdint>
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

    /// Everything goes, and what is arriving.
    virtual void clear() = 0;

    /// What is arriving does not count, here and in slots_in_use().
    virtual bool is_empty() const = 0;

    /// Those that have keys.
    virtual SlotSet slots_in_use() const = 0;

    /// Writes what there is now, and what is arriving, to a file, in later turns, while commands
    /// run. `done` runs when it is whole and durable, or has failed. kConflict: one is being
    /// written.
    virtual Status begin_snapshot(const std::string& path, std::function<void(Status)> done) = 0;

    /// Takes in what begin_snapshot() wrote. Requires: it is empty. Blocks.
    virtual Status load(const std::string& path) = 0;

    /// Everything up to here is on all copies that have to have it: answers to what it did may
    /// leave.
    virtual void on_committed(store::Seq seq) = 0;

    /// Where answers do not wait for the other copies: one of them may have more than before.
    virtual void on_copied() {}

    /// What was run here and is not committed may be undone: whoever waits for answers to it is
    /// to be told nothing.
    virtual void on_role_lost() = 0;

    /// The node's role, the cluster's state or the lease is another one than before, as far as
    /// commands care.
    virtual void on_change() = 0;

    // ---- slots that move (kv_moves.h)

    /// How far the giving out of slots is.
    enum class Export : std::uint8_t {
        kMore,    ///< There is more to come at once.
        kDry,     ///< That was all so far.
        kBroken,  ///< The keys went in another way: it comes to nothing.
    };

    /// What the slots have is to be given out as changes, and what is done to them from now on.
    /// One such at a time, until end_export().
    virtual void begin_export(const SlotSet& slots) = 0;

    /// Appends what follows, about so many bytes, but one key's change more if that is long.
    virtual Export export_some(std::size_t bytes, std::string* out) = 0;
    virtual void end_export() = 0;

    /// Makes changes of slots that are on their way here: nobody sees them yet.
    virtual void apply_arriving(ByteView changes) = 0;

    /// What has arrived of the slots takes the place of what is there.
    virtual void adopt(const SlotSet& slots) = 0;

    /// What has arrived of them goes.
    virtual void drop_arriving(const SlotSet& slots) = 0;

    /// The slots' keys go: another node has them now.
    virtual void drop_slots(const SlotSet& slots) = 0;

    /// A message of another node's engine.
    virtual void on_message(ByteView message) = 0;

protected:
    KvEngine() = default;
};

}  // namespace kumo::node
