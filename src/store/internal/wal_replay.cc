#include "base/assert.h"
#include "store/internal/wal_impl.h"
#include "store/internal/wal_segment.h"

#include <algorithm>

namespace kumo::store {

namespace {

/// Whether a segment holds anything of `next`'s streams at or above the number they wait for.
bool is_needed(const WalSegmentInfo& segment, const std::map<StreamId, Seq>& next) {
    return std::any_of(segment.streams.begin(), segment.streams.end(), [&](const auto& entry) {
        const auto wanted = next.find(entry.first);
        return wanted != next.end()
               && (wanted->second == kFromFirst || entry.second.highest >= wanted->second);
    });
}

}  // namespace

Status Wal::Impl::replay(const std::map<StreamId, Seq>& from, const ReplayCallback& callback) {
    KUMO_ASSERT(!started_);
    std::map<StreamId, Seq> next;
    for (const auto& [id, seq] : from) {
        next[id] = seq == kFromFirst ? kFromFirst : seq + 1;
        if (seq == kFromFirst) {
            continue;
        }
        Stream& stream = streams_[id];
        stream.released = seq;
        stream.last = std::max(stream.last, seq);
        stream.known = stream.known || seq > 0;
        stream.acknowledged = stream.last;
    }
    for (const WalSegmentInfo& segment : segments_) {
        if (is_needed(segment, next)) {
            KUMO_TRY(replay_segment(segment, next, callback));
        }
    }
    for (auto& [id, stream] : streams_) {
        stream.dropped = !from.contains(id);
    }
    remove_released();
    return {};
}

Status Wal::Impl::replay_segment(
    const WalSegmentInfo& segment,
    std::map<StreamId, Seq>& next,
    const ReplayCallback& callback
) {
    KUMO_TRY_ASSIGN(const auto reader, WalSegmentReader::open(fs_, segment.path));
    while (reader->header().has_value()) {
        const std::uint64_t offset = reader->offset();
        WalRecord record;
        KUMO_TRY_ASSIGN(const WalReadOutcome outcome, reader->next(record));
        if (outcome == WalReadOutcome::kEnd) {
            return {};
        }
        if (outcome == WalReadOutcome::kBad) {
            break;  // It was good when the log was opened.
        }
        const auto wanted = next.find(record.stream);
        if (record.type != WalRecordType::kData || wanted == next.end()
            || (record.seq < wanted->second && wanted->second != kFromFirst)) {
            continue;
        }
        const auto cuts = cuts_.find(record.stream);
        if (cuts != cuts_.end() && is_wal_cut(cuts->second, {segment.number, offset}, record.seq)) {
            continue;
        }
        if (wanted->second == kFromFirst) {
            wanted->second = record.seq;
        }
        if (record.seq != wanted->second) {
            return corruption(
                segment.path + ": stream "
                + std::to_string(static_cast<std::uint64_t>(record.stream)) + " has "
                + std::to_string(record.seq) + " at offset " + std::to_string(offset) + " where "
                + std::to_string(wanted->second) + " should follow: operations are missing"
            );
        }
        KUMO_TRY(callback(record.stream, record.seq, record.payload));
        ++wanted->second;
    }
    return corruption(
        segment.path + ": damaged at offset " + std::to_string(reader->offset())
        + " since the log was opened"
    );
}

}  // namespace kumo::store
