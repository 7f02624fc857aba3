#include "base/log.h"
#include "node/internal/kv_mutant.h"
#include "node/kv/kv_node.h"

#include <algorithm>
#include <set>
#include <utility>

// A node's checkpoints: for its next start, and for copies that are too far behind for the log.

namespace kumo::node {

void KvNode::checkpoint(std::function<void(Status)> done) {
    const store::Seq least = copy_ == nullptr ? 0 : copy_->appended();
    take_checkpoint(least, [done = std::move(done)](const auto& source) {
        done(source.ok() ? Status() : Status(source.error()));
    });
}

/// One as of `least` or later: the present one, one under way, or the next.
void KvNode::take_checkpoint(store::Seq least, Taken done) {
    if (copy_ == nullptr) {
        done(Error{ErrorCode::kUnavailable, "this node has no copy"});
        return;
    }
    if (checkpoint_ && checkpoint_->seq >= least) {
        done(source());
        return;
    }
    wait_for_checkpoint_.emplace_back(least, std::move(done));
    if (!checkpointing_) {
        begin_checkpoint();
    }
}

void KvNode::begin_checkpoint() {
    if (!copy_->may_checkpoint()) {
        return;  // tick() comes again.
    }
    Checkpointing next;
    next.copy = copy_->copy();
    next.checkpoint.seq = copy_->appended();
    next.checkpoint.mark = copy_->mark();
    next.checkpoint.moves = copy_->moves();
    const std::string path = files_.path_of(life_.life, next.copy, next.checkpoint.seq);
    Status begun = io::make_directories(fs_, files_.directory_of(life_.life, next.copy));
    if (begun.ok()) {
        checkpointing_ = next;
        begun =
            engine_.begin_snapshot(path, [this](const Status& written) { on_written(written); });
    }
    if (!begun.ok()) {
        end_checkpoint(begun);
    }
}

void KvNode::on_written(const Status& written) {
    if (!checkpointing_) {
        return;
    }
    const bool same = copy_ != nullptr && copy_->copy() == checkpointing_->copy;
    if (!written.ok() || !same) {
        end_checkpoint(same ? written.error() : Error{ErrorCode::kUnavailable, "the copy is gone"});
        return;
    }
    const auto size = fs_.file_size(
        files_.path_of(life_.life, checkpointing_->copy, checkpointing_->checkpoint.seq)
    );
    if (!size.ok()) {
        end_checkpoint(size.error());
        return;
    }
    checkpointing_->checkpoint.bytes = size.value();
    checkpointing_->written = true;
    store_checkpoint();
}

/// A primary's has what is not committed yet: it does not count before that is.
void KvNode::store_checkpoint() {
    if (copy_ == nullptr || copy_->copy() != checkpointing_->copy || copy_->is_useless()) {
        end_checkpoint(Error{ErrorCode::kUnavailable, "the copy is gone"});
        return;
    }
    if (copy_->committed() < checkpointing_->checkpoint.seq
        && !planted(KvMutant::kCheckpointUncommitted)) {
        return;
    }
    const Checkpointing stored = *checkpointing_;
    checkpointing_->written = false;
    jobs_.submit(
        BackgroundJobs::Lane::kStore,
        [this, files = files_, life = life_.life, stored]() -> io::Task {
            const auto marked =
                std::make_shared<Status>(files.write_mark(life, stored.copy, stored.checkpoint));
            return [this, stored, marked] {
                if (marked->ok() && copy_ != nullptr && copy_->copy() == stored.copy) {
                    copy_->release(stored.checkpoint.seq);
                    checkpoint_ = stored.checkpoint;
                }
                end_checkpoint(*marked);
            };
        }
    );
}

void KvNode::end_checkpoint(const Status& status) {
    checkpointing_.reset();
    if (!status.ok()) {
        log_warn("no checkpoint of the keys: " + status.error().message);
    }
    auto waiting = std::exchange(wait_for_checkpoint_, {});
    for (auto& [least, done] : waiting) {
        if (!status.ok()) {
            done(status.error());
        } else if (checkpoint_ && checkpoint_->seq >= least) {
            done(source());
        } else {
            wait_for_checkpoint_.emplace_back(least, std::move(done));
        }
    }
    if (!wait_for_checkpoint_.empty() && copy_ != nullptr && !checkpointing_) {
        begin_checkpoint();
    }
}

Result<KvInstallSender::Source> KvNode::source() const {
    KvInstallSender::Source out;
    out.checkpoint = *checkpoint_;
    KUMO_TRY_ASSIGN(
        auto file,
        fs_.open(files_.path_of(life_.life, copy_->copy(), checkpoint_->seq), io::OpenMode::kRead)
    );
    out.file = std::move(file);
    return out;
}

/// Copies that are no more, and those of lives before. The mark goes first: a start must not look
/// for what follows on it in a log that is dropped.
void KvNode::remove_strangers() {
    const auto places = files_.copies();
    if (!places.ok()) {
        log_warn(places.error().message);
        return;
    }
    const KvFiles::Place present{life_.life, copy_->copy()};
    std::set<store::StreamId> kept = {kv_stream_of(present.life, present.copy)};
    for (const KvFiles::Place& place : places.value()) {
        if (place == present) {
            continue;
        }
        const store::StreamId stream = kv_stream_of(place.life, place.copy);
        kept.insert(stream);
        jobs_.submit(
            BackgroundJobs::Lane::kStore,
            [this, files = files_, place, stream]() -> io::Task {
                const bool removed = files.remove(place.life, place.copy).ok();
                return [this, stream, removed] {
                    if (removed) {
                        wal_->drop(stream);
                    }
                };
            }
        );
    }
    for (const store::StreamId stream : wal_->streams()) {
        if (!kept.contains(stream)) {
            wal_->drop(stream);
        }
    }
    tails_.clear();
}

void KvNode::write_life() {
    const Status written = files_.write_life(life_);
    if (!written.ok()) {
        log_error("what cluster this node is in cannot be stored: " + written.error().message);
    }
}

}  // namespace kumo::node
