#include "store/internal/wal_impl.h"

#include "base/assert.h"
#include "base/log.h"

#include <algorithm>
#include <utility>

namespace kumo::store {

Wal::Impl::Impl(io::Loop& loop, io::Fs& fs, WalOptions options)
    : loop_(loop), fs_(fs), options_(std::move(options)), syncs_behind_(options_.syncs_behind) {}

Status Wal::Impl::open() {
    KUMO_TRY(io::make_directories(fs_, options_.directory));
    KUMO_TRY_ASSIGN(WalRecovered found, recover_wal(fs_, options_.directory, always()));
    segments_ = std::move(found.segments);
    next_number_ = found.highest_number + 1;
    cuts_ = std::move(found.cuts);
    for (const auto& [id, last] : found.last) {
        Stream& stream = streams_[id];
        stream.last = last;
        stream.acknowledged = last;
        stream.known = true;
    }
    if (always() && !segments_.empty()) {
        durable_ = {current().number, current().bytes};
    }
    return {};
}

std::vector<StreamId> Wal::Impl::streams() const {
    std::vector<StreamId> streams;
    for (const auto& [id, stream] : streams_) {
        if (stream.known && !stream.dropped) {
            streams.push_back(id);
        }
    }
    return streams;
}

Seq Wal::Impl::last_seq(StreamId stream) const {
    const auto found = streams_.find(stream);
    return found == streams_.end() ? 0 : found->second.last;
}

Status Wal::Impl::append(StreamId id, Seq seq, ByteView payload, AppendCallback done) {
    KUMO_ASSERT(loop_.in_loop_thread());
    start();
    Stream& stream = streams_[id];
    KUMO_TRY(may_queue(stream));
    if (payload.size() > kWalRecordBytesMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "an operation of " + std::to_string(payload.size())
                + " bytes is longer than a log record may be (" + std::to_string(kWalRecordBytesMax)
                + ")"};
    }
    if (stream.known && seq != stream.last + 1) {
        return Error{
            ErrorCode::kConflict,
            "log stream " + std::to_string(static_cast<std::uint64_t>(id)) + " goes on at "
                + std::to_string(stream.last + 1) + ", not at " + std::to_string(seq)};
    }
    Waiter waiter;
    waiter.stream = id;
    waiter.seq = seq;
    waiter.done = std::move(done);
    queue(stream, std::move(waiter), payload);
    return {};
}

Status Wal::Impl::cut(StreamId id, Seq from, AppendCallback done) {
    KUMO_ASSERT(loop_.in_loop_thread());
    start();
    Stream& stream = streams_[id];
    KUMO_TRY(may_queue(stream));
    if (!stream.known || from == 0 || from - 1 > stream.last || from <= stream.released) {
        return Error{
            ErrorCode::kConflict,
            "log stream " + std::to_string(static_cast<std::uint64_t>(id)) + " cannot be cut at "
                + std::to_string(from) + ": it ends at " + std::to_string(stream.last)
                + " and is released up to " + std::to_string(stream.released)};
    }
    Waiter waiter;
    waiter.type = WalRecordType::kCut;
    waiter.stream = id;
    waiter.seq = from;
    waiter.done = std::move(done);
    queue(stream, std::move(waiter), {});
    return {};
}

void Wal::Impl::start() {
    if (!started_) {
        started_ = true;
        cuts_.clear();
    }
}

Status Wal::Impl::may_queue(const Stream& stream) const {
    KUMO_TRY(health());
    KUMO_ASSERT(!stream.dropped);
    if (pending_bytes() >= options_.pending_bytes_max) {
        return Error{
            ErrorCode::kOverloaded,
            options_.directory + ": the disk is behind; retry later"};
    }
    return {};
}

void Wal::Impl::queue(Stream& stream, Waiter waiter, ByteView payload) {
    if (pending_.empty()) {
        pending_.resize(kWalMarkBytes, '\0');
    }
    waiter.last_before = stream.last;
    waiter.known_before = stream.known;
    waiter.offset = pending_.size();
    stream.known = true;
    if (waiter.type == WalRecordType::kCut) {
        append_wal_cut(pending_, waiter.stream, waiter.seq);
        stream.last = waiter.seq - 1;
        stream.waiting_cuts.push_back(waiter.seq);
    } else {
        append_wal_record(pending_, waiter.stream, waiter.seq, payload);
        stream.last = waiter.seq;
    }
    waiters_.push_back(std::move(waiter));
    schedule_flush();
}

void Wal::Impl::schedule_flush() {
    if (flush_scheduled_ || phase_ != Phase::kIdle) {
        return;
    }
    flush_scheduled_ = true;
    const auto self = shared_from_this();
    loop_.defer([self] {
        self->flush_scheduled_ = false;
        self->flush();
    });
}

void Wal::Impl::flush() {
    if (phase_ != Phase::kIdle || waiters_.empty() || detached_) {
        return;
    }
    if (file_ == nullptr || current().bytes >= options_.segment_bytes_max) {
        roll();
        return;
    }
    write_batch();
}

void Wal::Impl::write_batch() {
    batch_ = std::exchange(pending_, {});
    batch_waiters_ = std::exchange(waiters_, {});
    batch_start_ = current().bytes;
    put_wal_mark(batch_, 0, durable_);
    seal_wal_records(batch_, crc_seed_);
    unsynced_ = true;
    Status written = file_->write(batch_start_, batch_);
    if (!written.ok() && written.error().code == ErrorCode::kResourceExhausted) {
        cut_back(std::move(written).error());
        return;
    }
    if (!written.ok()) {
        fail(std::move(written).error());
        return;
    }
    marked_ = durable_;
    current().bytes += batch_.size();
    stats_.bytes_written += batch_.size();
    ++stats_.batches;
    note_written();
    phase_ = Phase::kWriting;
    if (always()) {
        sync_then(*file_, &Impl::on_batch_durable);
    } else {
        sync_soon();
        on_batch_durable();
    }
}

/// What one interval writes is synced together.
void Wal::Impl::sync_soon() {
    if (!syncs_behind_ || sync_scheduled_) {
        return;
    }
    sync_scheduled_ = true;
    const auto self = shared_from_this();
    (void)loop_.add_timer(kWalSyncInterval, [self] {
        self->sync_scheduled_ = false;
        self->sync_written();
    });
}

/// Whatever the log does meanwhile: it waits for nothing.
void Wal::Impl::sync_written() {
    if (detached_ || phase_ == Phase::kFailed || file_ == nullptr) {
        return;
    }
    ++stats_.syncs;
    const auto self = shared_from_this();
    file_->sync_async(loop_, [self](Status synced) {
        if (!synced.ok() && !self->detached_ && self->phase_ != Phase::kFailed) {
            self->fail(std::move(synced).error());
        }
    });
}

/// From now on the segment is needed for what the batch holds, acknowledged or not.
void Wal::Impl::note_written() {
    for (const Waiter& waiter : batch_waiters_) {
        WalExtent& extent = current().streams[waiter.stream];
        if (waiter.type == WalRecordType::kCut) {
            extent.note_cut(waiter.seq);
        } else {
            extent.highest = std::max(extent.highest, waiter.seq);
        }
    }
}

/// From now on what the batch holds can be read.
void Wal::Impl::note_durable() {
    for (const Waiter& waiter : batch_waiters_) {
        if (waiter.type == WalRecordType::kCut) {
            note_durable_cut(waiter);
            continue;
        }
        current().streams[waiter.stream].add(waiter.seq, batch_start_ + waiter.offset);
        streams_[waiter.stream].acknowledged = waiter.seq;
    }
}

void Wal::Impl::note_durable_cut(const Waiter& waiter) {
    for (WalSegmentInfo& segment : segments_) {
        const auto found = segment.streams.find(waiter.stream);
        if (found != segment.streams.end()) {
            found->second.cut(waiter.seq);
        }
    }
    Stream& stream = streams_[waiter.stream];
    stream.acknowledged = std::min(stream.acknowledged, waiter.seq - 1);
    stream.waiting_cuts.pop_front();
    ++stats_.cuts;
}

void Wal::Impl::on_batch_durable() {
    phase_ = Phase::kIdle;
    if (always()) {
        durable_ = {current().number, current().bytes};
    }
    note_durable();
    stats_.records += batch_waiters_.size();
    batch_ = std::string();  // Not clear(): a large batch's memory goes.
    tell(std::exchange(batch_waiters_, {}), nullptr);
    if (waiters_.empty()) {
        write_idle_mark();
    } else {
        schedule_flush();  // At the end of the turn: what this turn still appends joins.
    }
}

/// Says that the last batch is durable, when no next one is there to say it: from then on damage
/// to it is not taken for a torn end. Not synced; its own loss costs nothing.
void Wal::Impl::write_idle_mark() {
    if (detached_ || phase_ != Phase::kIdle || !(marked_ < durable_)) {
        return;
    }
    std::string mark(kWalMarkBytes, '\0');
    put_wal_mark(mark, 0, durable_);
    seal_wal_records(mark, crc_seed_);
    unsynced_ = true;
    Status written = file_->write(current().bytes, mark);
    if (written.ok()) {
        marked_ = durable_;
        current().bytes += mark.size();
        return;
    }
    if (written.error().code != ErrorCode::kResourceExhausted) {
        fail(std::move(written).error());
        return;
    }
    Status cut = file_->truncate(current().bytes);
    if (!cut.ok()) {
        fail(std::move(cut).error());
    }
}

/// The disk is full: takes back what the failed write left. Only when that is durable are the
/// waiters told, for a refused record must not come back after a crash.
void Wal::Impl::cut_back(Error why) {
    refusal_ = std::move(why);
    Status cut = file_->truncate(batch_start_);
    if (!cut.ok()) {
        fail(std::move(cut).error());
        return;
    }
    phase_ = Phase::kCutting;
    sync_then(*file_, &Impl::refuse_all);
}

/// Everybody who waits is refused, also those behind the batch: their numbers would leave a hole.
void Wal::Impl::refuse_all() {
    phase_ = Phase::kIdle;
    if (always() && file_ != nullptr) {
        durable_ = {current().number, current().bytes};
    }
    batch_.clear();
    pending_.clear();
    std::vector<Waiter> refused = std::exchange(batch_waiters_, {});
    std::vector<Waiter> behind = std::exchange(waiters_, {});
    std::move(behind.begin(), behind.end(), std::back_inserter(refused));
    for (auto waiter = refused.rbegin(); waiter != refused.rend(); ++waiter) {
        Stream& stream = streams_[waiter->stream];
        stream.last = waiter->last_before;
        stream.known = waiter->known_before;
        if (waiter->type == WalRecordType::kCut) {
            stream.waiting_cuts.pop_back();
        }
    }
    stats_.refused_for_space += refused.size();
    const Error why = refusal_.error();
    tell(refused, &why);
}

/// The old segment's end (its last mark, or that a torn one was cut off) may not be synced yet; a
/// header may only follow what is.
void Wal::Impl::roll() {
    phase_ = Phase::kRolling;
    if (always() && unsynced_) {
        sync_then(*file_, &Impl::begin_segment);
    } else {
        begin_segment();
    }
}

void Wal::Impl::begin_segment() {
    if (always() && !segments_.empty()) {
        durable_ = {current().number, current().bytes};
    }
    if (sync_scheduled_) {
        sync_written();  // The timer will find the next segment.
    }
    Status created = create_segment();
    if (created.ok()) {
        sync_then(*new_file_, &Impl::sync_new_name);
        return;
    }
    // Nothing of it counts yet. It is removed for the space it may hold; failing that, an empty
    // segment stays.
    if (new_file_ != nullptr) {
        new_file_.reset();
        (void)fs_.unlink(new_segment_.path);
    }
    if (created.error().code == ErrorCode::kResourceExhausted) {
        refusal_ = std::move(created);
        refuse_all();
    } else {
        fail(std::move(created).error());
    }
}

Status Wal::Impl::create_segment() {
    WalSegmentHeader header;
    header.number = next_number_++;
    header.nonce = loop_.random().next();
    if (!segments_.empty()) {
        header.previous_end = {current().number, current().bytes};
        header.previous_durable = always();
    }
    new_crc_seed_ = wal_crc_seed(header.nonce);
    new_segment_ = {};
    new_segment_.number = header.number;
    new_segment_.path = io::join_path(options_.directory, wal_segment_name(header.number));
    new_segment_.bytes = kWalSegmentHeaderBytes;
    KUMO_TRY_ASSIGN(new_file_, fs_.open(new_segment_.path, io::OpenMode::kCreate));
    return new_file_->write(0, encode_wal_header(header));
}

void Wal::Impl::sync_new_name() {
    removals_syncing_ = removed_.size();
    fs_.sync_dir_async(options_.directory, loop_, continue_with(&Impl::on_segment_ready));
}

void Wal::Impl::on_segment_ready() {
    file_ = std::move(new_file_);
    crc_seed_ = new_crc_seed_;
    segments_.push_back(std::move(new_segment_));
    const auto synced = static_cast<std::ptrdiff_t>(std::exchange(removals_syncing_, 0));
    removed_.erase(removed_.begin(), removed_.begin() + synced);
    if (always()) {
        durable_ = {current().number, current().bytes};
        marked_ = durable_;
    }
    phase_ = Phase::kIdle;
    remove_released();
    flush();
}

void Wal::Impl::sync_then(io::File& file, Step step) {
    ++stats_.syncs;
    file.sync_async(loop_, continue_with(step));
}

io::SyncCallback Wal::Impl::continue_with(Step step) {
    const auto self = shared_from_this();
    return [self, step](Status synced) {
        if (self->detached_ || self->phase_ == Phase::kFailed) {
            return;
        }
        self->unsynced_ = false;  // Nothing is written while a sync is in flight.
        if (!synced.ok()) {
            self->fail(std::move(synced).error());
            return;
        }
        (*self.*step)();
    };
}

void Wal::Impl::fail(Error why) {
    phase_ = Phase::kFailed;
    why.message = "the write-ahead log has failed, restart after checking the disk: " + why.message;
    why.code = ErrorCode::kIo;
    log_error(why.message);
    failure_ = why;
    pending_.clear();
    batch_.clear();
    tell(std::exchange(batch_waiters_, {}), &why);
    tell(std::exchange(waiters_, {}), &why);
}

void Wal::Impl::tell(const std::vector<Waiter>& waiters, const Error* error) const {
    for (const Waiter& waiter : waiters) {
        if (detached_) {
            return;
        }
        if (error == nullptr) {
            waiter.done({});
        } else {
            waiter.done(*error);
        }
    }
}

void Wal::Impl::release(StreamId id, Seq seq) {
    Stream& stream = streams_[id];
    for (const Seq cut : stream.waiting_cuts) {
        KUMO_ASSERT(seq < cut);
    }
    stream.released = std::max(stream.released, seq);
    remove_released();
}

void Wal::Impl::drop(StreamId id) {
    streams_[id].dropped = true;
    remove_released();
}

bool Wal::Impl::is_released(const WalSegmentInfo& segment) const {
    return std::all_of(segment.streams.begin(), segment.streams.end(), [this](const auto& entry) {
        const auto found = streams_.find(entry.first);
        return found != streams_.end()
               && (found->second.dropped || found->second.released >= entry.second.highest);
    });
}

/// Whether records that a cut of `segment` removed are in an earlier segment that is kept, or that
/// a crash may bring back: without the cut they would be alive again.
bool Wal::Impl::is_cut_needed(
    const WalSegmentInfo& segment,
    const std::vector<WalSegmentInfo>& kept
) const {
    return std::any_of(segment.streams.begin(), segment.streams.end(), [&](const auto& entry) {
        const auto stream = streams_.find(entry.first);
        const Seq from = entry.second.cut_from;
        if (from == 0 || (stream != streams_.end() && stream->second.dropped)) {
            return false;
        }
        const auto revived = [&](const WalSegmentInfo& before) {
            const auto found = before.streams.find(entry.first);
            return found != before.streams.end() && found->second.highest >= from;
        };
        return std::any_of(kept.begin(), kept.end(), revived)
               || std::any_of(removed_.begin(), removed_.end(), revived);
    });
}

/// Not synced: a file that comes back after a crash holds nothing that anybody asks for, except
/// where a cut says so, and that stays for as long.
void Wal::Impl::remove_released() {
    const WalSegmentInfo* const in_use = file_ != nullptr ? &segments_.back() : nullptr;
    std::vector<WalSegmentInfo> kept;
    for (WalSegmentInfo& segment : segments_) {
        if (&segment == in_use || !is_released(segment) || is_cut_needed(segment, kept)) {
            kept.push_back(std::move(segment));
            continue;
        }
        Status removed = fs_.unlink(segment.path);
        if (!removed.ok() && removed.error().code != ErrorCode::kNotFound) {
            log_warn(removed.error().message);
            kept.push_back(std::move(segment));
        } else {
            removed_.push_back(std::move(segment));
        }
    }
    segments_ = std::move(kept);
}

Status Wal::Impl::health() const {
    if (!failure_.ok()) {
        return failure_.error();
    }
    return {};
}

WalStats Wal::Impl::stats() const {
    WalStats stats = stats_;
    stats.segments = segments_.size();
    for (const WalSegmentInfo& segment : segments_) {
        stats.segment_bytes += segment.bytes;
    }
    return stats;
}

void Wal::Impl::detach() {
    detached_ = true;
    const auto waiters = std::exchange(waiters_, {});
    const auto batch_waiters = std::exchange(batch_waiters_, {});
}

}  // namespace kumo::store
