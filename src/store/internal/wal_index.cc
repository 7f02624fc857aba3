#include "store/internal/wal_index.h"

#include "base/assert.h"
#include "store/internal/wal_segment.h"

#include <algorithm>

namespace kumo::store {

namespace {

/// Small: a read that looks for one record should not fetch much more.
constexpr std::size_t kReadWindowBytes = std::size_t{128} * 1024;

Error unreadable(const std::string& path, std::uint64_t offset, StreamId stream, Seq seq) {
    return corruption(
        path + ": damaged at offset " + std::to_string(offset) + ": record " + std::to_string(seq)
        + " of stream " + std::to_string(static_cast<std::uint64_t>(stream))
        + " cannot be read any more"
    );
}

struct Reading {
    StreamId stream{};
    Seq next = 0;
    std::size_t bytes_max = 0;
    std::size_t bytes = 0;
    bool full = false;
    std::vector<WalEntry> entries;

    void take(const WalRecord& record) {
        if (!entries.empty() && bytes + record.payload.size() > bytes_max) {
            full = true;
            return;
        }
        bytes += record.payload.size();
        entries.push_back({record.seq, std::string(record.payload)});
        ++next;
    }
};

Status read_run(WalSegmentReader& reader, const WalRun& run, Reading& reading) {
    reader.seek(run.offset);
    while (!reading.full && reading.next <= run.last) {
        const std::uint64_t offset = reader.offset();
        WalRecord record;
        WalReadOutcome outcome = WalReadOutcome::kEnd;
        if (offset < run.end) {
            KUMO_TRY_ASSIGN(outcome, reader.next(record));
        }
        if (outcome != WalReadOutcome::kRecord) {
            return unreadable(run.path, offset, reading.stream, reading.next);
        }
        const bool wanted = record.type == WalRecordType::kData && record.stream == reading.stream
                            && record.seq == reading.next;
        if (wanted) {
            reading.take(record);
        }
    }
    return {};
}

/// Adds a segment's runs for [next, last]; moves `next` behind them.
void add_runs(
    const WalSegmentInfo& segment,
    const WalExtent& extent,
    Seq last,
    Seq& next,
    std::vector<WalRun>& runs
) {
    const auto& entries = extent.entries;
    auto entry = std::upper_bound(
        entries.begin(),
        entries.end(),
        next,
        [](Seq seq, const WalIndexEntry& candidate) { return seq < candidate.seq; }
    );
    KUMO_ASSERT(entry != entries.begin());
    for (--entry; entry != entries.end() && next <= last && runs.size() < kWalRunsMax; ++entry) {
        const auto after = std::next(entry);
        WalRun run;
        run.path = segment.path;
        run.offset = entry->offset;
        run.end = after == entries.end() ? segment.bytes : after->offset;
        run.first = next;
        run.last = std::min(after == entries.end() ? extent.end : after->seq - 1, last);
        if (run.last < run.first) {
            return;
        }
        next = run.last + 1;
        runs.push_back(std::move(run));
    }
}

}  // namespace

void WalExtent::add(Seq seq, std::uint64_t offset) {
    highest = std::max(highest, seq);
    if (!entries.empty() && seq <= end) {
        return;  // Only a log that replay() would refuse has such a record.
    }
    const bool far = entries.empty() || offset - entries.back().offset >= kWalIndexStepBytes;
    if (far || cut_since_entry || seq != end + 1) {
        entries.push_back({seq, offset});
        cut_since_entry = false;
    }
    end = seq;
}

void WalExtent::note_cut(Seq from) {
    cut_from = cut_from == 0 ? from : std::min(cut_from, from);
}

void WalExtent::cut(Seq from) {
    while (!entries.empty() && entries.back().seq >= from) {
        entries.pop_back();
    }
    end = entries.empty() ? 0 : std::min(end, from - 1);
    cut_since_entry = true;
}

std::vector<WalRun>
find_wal_runs(const std::vector<WalSegmentInfo>& segments, StreamId stream, Seq from, Seq last) {
    std::vector<WalRun> runs;
    Seq next = from;
    for (const WalSegmentInfo& segment : segments) {
        const auto found = segment.streams.find(stream);
        if (found != segment.streams.end() && next <= last && found->second.holds(next)) {
            add_runs(segment, found->second, last, next, runs);
        }
    }
    return runs;
}

Result<std::vector<WalEntry>> read_wal_runs(
    io::Fs& fs,
    StreamId stream,
    Seq from,
    const std::vector<WalRun>& runs,
    std::size_t bytes_max
) {
    KUMO_ASSERT(!runs.empty());
    Reading reading;
    reading.stream = stream;
    reading.next = from;
    reading.bytes_max = bytes_max;
    std::unique_ptr<WalSegmentReader> reader;
    const std::string* open_path = nullptr;
    for (const WalRun& run : runs) {
        if (reading.full) {
            break;
        }
        if (open_path == nullptr || *open_path != run.path) {
            auto opened = WalSegmentReader::open(fs, run.path, kReadWindowBytes);
            const bool gone = !opened.ok() && opened.error().code == ErrorCode::kNotFound;
            if (gone && !reading.entries.empty()) {
                break;
            }
            KUMO_TRY_ASSIGN(reader, std::move(opened));
            open_path = &run.path;
            if (!reader->header().has_value()) {
                return unreadable(run.path, 0, stream, reading.next);
            }
        }
        KUMO_TRY(read_run(*reader, run, reading));
    }
    return std::move(reading.entries);
}

}  // namespace kumo::store
