#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "io/loop.h"
#include "node/background_jobs.h"
#include "node/state.h"
#include "store/wal.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace kumo::node {

/// The order in which the state changes: commands are logged one at a time, applied when they are
/// durable, and a checkpoint of the state follows each. This is the seam for consensus: whoever
/// replaces it decides on the order and on what "durable" means, and nobody else notices.
///
/// Thread rule: loop-owned; load(), replay() and finish_recovery() before the loop runs. What it
/// is given outlives it.
class ControlLog {
public:
    /// Called after each command that changed something, before its proposer is told.
    using Observer = std::function<void(const Change&)>;
    using Done = std::function<void(Result<Change>)>;

    ControlLog(io::Loop& loop, io::Fs& fs, BackgroundJobs& jobs, std::string path);

    // ---- recovery, in this order

    /// Reads the checkpoint; the empty state if there is none. kCorruption names the file.
    Status load();

    /// Applies a command from the log. What it did is an error only for commands that the log
    /// should not hold.
    Result<Change> replay(store::Seq seq, ByteView command);

    /// Tries to store what the replay changed. From now on commands are taken.
    void finish_recovery(store::Wal& wal, Observer observer);

    // ---- service

    const State& state() const { return state_; }

    /// `done` runs on the loop, also at once. kOverloaded above kCommandsWaitingMax; otherwise what
    /// apply() says, or why the command could not be logged.
    void propose(Command command, Done done);

    /// Runs `task` when a checkpoint holds everything applied so far; at once if one does.
    void when_stored(io::Task task);

    /// Runs `done` when everything applied is stored, or storing it has failed.
    void flush(io::Task done);

    bool is_stored() const { return stored_ == state_.applied; }

    static constexpr std::size_t kCommandsWaitingMax = 1024;

private:
    struct Proposal {
        Command command;
        Done done;
    };

    void log_next();
    void on_logged(Applied next, Status logged);
    void answer_front(Result<Change> result);
    void store_later();
    void run_waiting();
    void retry_later(const Error& error);
    void on_stored(store::Seq seq, const Status& stored);

    io::Loop& loop_;
    io::Fs& fs_;
    BackgroundJobs& jobs_;
    const std::string path_;
    store::Wal* wal_ = nullptr;
    Observer observer_;
    State state_;
    store::Seq stored_ = 0;  ///< What the checkpoint on disk holds.
    std::deque<Proposal> proposals_;
    std::multimap<store::Seq, io::Task> waiting_for_store_;
    std::vector<io::Task> when_flushed_;
    bool logging_ = false;
    bool storing_ = false;
    io::TimerId retry_timer_;
    Duration retry_delay_;
};

}  // namespace kumo::node
