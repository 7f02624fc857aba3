#include "base/assert.h"
#include "store/internal/wal_impl.h"
#include "store/internal/wal_index.h"

#include <algorithm>

namespace kumo::store {

namespace {

using ReadResult = Result<std::vector<WalEntry>>;

/// What a read takes to the pool and back.
struct ReadJob {
    StreamId stream{};
    Seq from = 0;
    std::size_t bytes_max = 0;
    std::vector<WalRun> runs;
    ReadResult result = std::vector<WalEntry>();
    ReadCallback done;
};

}  // namespace

Status Wal::Impl::read(StreamId id, Seq from, std::size_t bytes_max, ReadCallback done) {
    KUMO_ASSERT(loop_.in_loop_thread());
    if (options_.readers == nullptr) {
        return Error{
            ErrorCode::kUnavailable,
            options_.directory + ": the log was opened without readers"};
    }
    if (reads_ >= kWalReadsMax) {
        return Error{ErrorCode::kOverloaded, options_.directory + ": too many reads wait"};
    }
    const auto job = std::make_shared<ReadJob>();
    job->stream = id;
    job->from = from;
    job->bytes_max = bytes_max;
    job->done = std::move(done);
    Seq last = 0;
    if (const auto stream = streams_.find(id); stream != streams_.end()) {
        last = stream->second.acknowledged;
        for (const Seq cut : stream->second.waiting_cuts) {
            last = std::min(last, cut - 1);
        }
    }
    job->runs = find_wal_runs(segments_, id, from, last);
    if (job->runs.empty() && from <= last) {
        job->result = not_found(
            options_.directory + ": record " + std::to_string(from) + " of stream "
            + std::to_string(static_cast<std::uint64_t>(id)) + " was released"
        );
    }
    const std::weak_ptr<Impl> weak = weak_from_this();
    const auto answer = [weak, job] {
        const ReadCallback done_here = std::move(job->done);  // What it owns ends on the loop.
        const auto self = weak.lock();
        if (self == nullptr || self->detached_) {
            return;
        }
        --self->reads_;
        done_here(std::move(job->result));
    };
    if (job->runs.empty()) {
        loop_.post(answer);
    } else {
        KUMO_TRY(options_.readers->submit([job, answer, &fs = fs_, &loop = loop_] {
            job->result = read_wal_runs(fs, job->stream, job->from, job->runs, job->bytes_max);
            loop.post(answer);
        }));
    }
    ++reads_;
    return {};
}

}  // namespace kumo::store
