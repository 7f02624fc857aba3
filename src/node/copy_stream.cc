#include "node/copy_stream.h"

#include <algorithm>

namespace kumo::node {

CopyStream::CopyStream(io::Loop& loop, store::Wal& wal, store::StreamId stream, Events events)
    : loop_(loop),
      wal_(wal),
      stream_(stream),
      events_(std::move(events)),
      self_(std::make_shared<CopyStream*>(this)) {}

CopyStream::~CopyStream() {
    *self_ = nullptr;
    loop_.cancel_timer(retry_timer_);
}

void CopyStream::write(
    std::optional<store::Seq> cut,
    const std::vector<cluster::EntryPtr>& entries
) {
    if (failed_) {
        return;
    }
    if (cut) {
        this->cut(*cut);
    }
    waiting_.insert(waiting_.end(), entries.begin(), entries.end());
    push();
}

void CopyStream::cut(store::Seq from) {
    while (!waiting_.empty() && waiting_.back()->seq >= from) {
        waiting_.pop_back();
    }
    refused_ = std::min(refused_, waiting_.size());
    while (!in_flight_.empty() && in_flight_.back().entry->seq >= from) {
        in_flight_.pop_back();
    }
    waiting_cut_ = std::min(waiting_cut_.value_or(from), from);
}

void CopyStream::push() {
    if (blocked_ || failed_ || !push_cut()) {
        return;
    }
    while (!waiting_.empty() && !blocked_) {
        const cluster::EntryPtr entry = waiting_.front();
        const std::uint64_t id = next_id_++;
        const Status queued = wal_.append(
            stream_,
            entry->seq,
            cluster::encode_entry(*entry),
            [self = self_, id](const Status& appended) {
                if (*self != nullptr) {
                    (*self)->on_appended(id, appended);
                }
            }
        );
        if (!queued.ok()) {
            on_refused(queued.error());
            return;
        }
        waiting_.pop_front();
        in_flight_.push_back({id, entry});
    }
}

/// False: what follows has to wait for it.
bool CopyStream::push_cut() {
    if (!waiting_cut_) {
        return true;
    }
    const store::Seq from = *waiting_cut_;
    if (wal_.last_seq(stream_) < from) {
        waiting_cut_.reset();  // Nothing of it ever reached the log.
        return true;
    }
    const Status queued = wal_.cut(stream_, from, [self = self_, from](const Status& done) {
        if (*self != nullptr && !done.ok()) {
            CopyStream& stream = **self;
            stream.waiting_cut_ = std::min(stream.waiting_cut_.value_or(from), from);
            stream.on_refused(done.error());
        }
    });
    if (!queued.ok()) {
        on_refused(queued.error());
        return false;
    }
    waiting_cut_.reset();
    return true;
}

void CopyStream::on_appended(std::uint64_t id, const Status& appended) {
    if (in_flight_.empty() || in_flight_.front().id != id) {
        return;  // Cut since.
    }
    cluster::EntryPtr entry = std::move(in_flight_.front().entry);
    in_flight_.pop_front();
    if (appended.ok()) {
        events_.on_persisted(entry->seq);
        return;
    }
    // Refusals of one batch come one after the other, in order.
    waiting_.insert(waiting_.begin() + static_cast<std::ptrdiff_t>(refused_), std::move(entry));
    ++refused_;
    on_refused(appended.error());
}

void CopyStream::on_refused(const Error& error) {
    const bool may_pass =
        error.code == ErrorCode::kResourceExhausted || error.code == ErrorCode::kOverloaded;
    if (!may_pass) {
        fail(error);
        return;
    }
    refusal_ = error;
    if (!blocked_) {
        blocked_ = true;
        loop_.defer([self = self_] {
            if (*self != nullptr) {
                (*self)->decide();
            }
        });
    }
}

void CopyStream::decide() {
    refused_ = 0;
    const bool taken_back =
        !waiting_.empty() && !waiting_cut_ && events_.on_refused(waiting_.front()->seq, *refusal_);
    if (!taken_back) {
        retry_later();
        return;
    }
    waiting_.clear();
    blocked_ = false;
}

void CopyStream::retry_later() {
    retry_timer_ = loop_.add_timer(kRetryDelay, [self = self_] {
        if (*self != nullptr) {
            (*self)->blocked_ = false;
            (*self)->push();
        }
    });
}

void CopyStream::fail(const Error& error) {
    if (!failed_) {
        failed_ = true;
        waiting_.clear();
        in_flight_.clear();
        events_.on_failed(error);
    }
}

}  // namespace kumo::node
