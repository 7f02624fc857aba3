#pragma once

#include "base/result.h"
#include "base/uuid.h"
#include "consensus/types.h"
#include "io/fs.h"
#include "io/loop.h"
#include "node/background_jobs.h"
#include "node/state.h"
#include "store/wal.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node {

/// Who this node is. Made once for a data directory.
struct Identity {
    Uuid node;
    /// Of the machine and the directory where it was made: elsewhere, it is a copy or was moved.
    std::string place;
};

/// A state as of an entry of the control plane's log.
struct ControlSnapshot {
    consensus::SnapshotMeta meta;
    std::shared_ptr<const State> state;
};

/// What the control plane must not forget, in one directory (docs/formats/control.md):
///
///     identity            who this node is
///     hard_state          term and vote
///     snapshot            a state, and which stream of the log follows on it
///     wal/                the log
///
/// Thread rule: loop-owned; open() blocks. What it is given outlives it.
class ControlStorage {
public:
    struct Recovered {
        Identity identity;
        std::string place;  ///< Where it is opened.
        consensus::HardState hard_state;
        ControlSnapshot snapshot;
        std::vector<consensus::Entry> entries;
        bool is_new = false;  ///< Nothing was there.
    };

    struct Environment {
        io::Loop& loop;
        io::Fs& fs;
        BackgroundJobs& jobs;
        io::Task on_full;  ///< The disk is: make room, or nothing goes on. On the loop.
    };

    /// kCorruption names the file; then nothing is served, and the node has to join anew
    /// (lost_control.h).
    static Result<std::unique_ptr<ControlStorage>>
    open(const Environment& environment, const std::string& directory, Recovered& recovered);

    /// The snapshot alone; nothing if there is none. Blocks.
    static Result<std::optional<ControlSnapshot>>
    read_snapshot(io::Fs& fs, const std::string& directory);

    /// From now on this node is another one. Blocks.
    Status change_identity(const Uuid& node);

    using Done = std::function<void(Status)>;

    /// Makes what a Ready wants stored durable, in its order: snapshot, entries, hard state. One
    /// after the other; `done` runs in a later turn. An error is final.
    void persist(consensus::Ready ready, std::shared_ptr<const State> snapshot_state, Done done);

    /// Stores a snapshot of what has been applied, and lets the log before it go.
    void store_snapshot(ControlSnapshot snapshot, Done done);

private:
    struct Work {
        std::optional<ControlSnapshot> snapshot;
        bool replaces_log = false;
        std::vector<consensus::Entry> entries;
        std::optional<consensus::HardState> hard_state;
        Done done;
    };

    ControlStorage(const Environment& environment, std::string directory);

    Status load(Recovered& recovered);
    Status load_identity(Recovered& recovered, bool is_used);
    Error gone(std::string_view name) const;
    Result<bool> has_log_files() const;
    Status load_log(Recovered& recovered);
    void start_next();
    void write_snapshot();
    void store_front(std::uint64_t old_stream);
    void write_entries();
    void write_hard_state();
    void finish(Status status);
    bool waits_for_room(const Status& status, io::Task again);
    std::string path(std::string_view name) const;

    io::Loop& loop_;
    io::Fs& fs_;
    BackgroundJobs& jobs_;
    const io::Task on_full_;
    const std::string directory_;
    std::unique_ptr<store::Wal> wal_;
    std::uint64_t stream_ = 1;  ///< Of the log; another one after a snapshot has replaced it.
    std::deque<Work> queue_;
    bool busy_ = false;
    Status failed_;
};

}  // namespace kumo::node
