#include "store/internal/wal_recovery.h"

#include "base/log.h"
#include "store/internal/wal_segment.h"

#include <algorithm>
#include <memory>
#include <optional>

// A log is read front to back until the first place that cannot be right: a bad record, a segment
// that ends before the next one says it did, or a header that was never completed. Everything
// before that place is good. Whether the rest may be forgotten is decided by what is written
// *after* it: each batch starts with a mark that names a position below which everything had been
// synced before the batch was written, and each segment header can say the same of all segments
// before it. If any of them reaches beyond the damaged place, acknowledged data is gone, and the
// only right answer is to say so. If none does, nothing behind the place was ever acknowledged as
// durable, and cutting it off is what makes the log a log again.

namespace kumo::store {

namespace {

constexpr std::uint64_t kRewriteBytes = std::uint64_t{1} << 20;

struct Scan {
    WalRecovered log;
    std::vector<std::string> hollow;    ///< Files whose making was interrupted; they hold nothing.
    std::optional<WalPosition> damage;  ///< The first place that cannot be right.
    WalPosition durable;                ///< Below it, everything was durable once.
};

Error damaged(const std::string& path, std::uint64_t offset, const std::string& what) {
    return corruption(
        path + ": damaged at offset " + std::to_string(offset) + ": " + what
        + "; it is not a torn end, so nothing is cut off: restore the file or remove the copy"
    );
}

void note_damage(Scan& scan, const WalPosition& place) {
    if (!scan.damage.has_value() || place < *scan.damage) {
        scan.damage = place;
    }
}

/// The header's own claim about what came before it.
void check_previous(Scan& scan, const WalSegmentHeader& header) {
    if (header.previous_durable) {
        scan.durable = std::max(scan.durable, header.previous_end);
    }
    for (const WalSegmentInfo& before : scan.log.segments) {
        if (before.number == header.previous_end.segment
            && before.bytes != header.previous_end.offset) {
            note_damage(scan, {before.number, std::min(before.bytes, header.previous_end.offset)});
        }
    }
}

void note_record(Scan& scan, const WalRecord& record, std::uint64_t offset, WalSegmentInfo& info) {
    if (record.type == WalRecordType::kMark) {
        scan.durable = std::max(scan.durable, decode_wal_mark(record.payload));
        return;
    }
    WalExtent& extent = info.streams[record.stream];
    Seq& last = scan.log.last[record.stream];
    if (record.type == WalRecordType::kData) {
        extent.add(record.seq, offset);
        last = std::max(last, record.seq);
        return;
    }
    extent.note_cut(record.seq);
    extent.cut(record.seq);
    for (WalSegmentInfo& before : scan.log.segments) {
        const auto found = before.streams.find(record.stream);
        if (found != before.streams.end()) {
            found->second.cut(record.seq);
        }
    }
    last = std::min(last, record.seq - 1);
    add_wal_cut(scan.log.cuts[record.stream], {{info.number, offset}, record.seq});
}

Status scan_records(Scan& scan, WalSegmentReader& reader, WalSegmentInfo& info) {
    for (;;) {
        const std::uint64_t offset = reader.offset();
        WalRecord record;
        KUMO_TRY_ASSIGN(const WalReadOutcome outcome, reader.next(record));
        info.bytes = reader.offset();
        if (outcome == WalReadOutcome::kEnd) {
            return {};
        }
        if (outcome == WalReadOutcome::kBad) {
            note_damage(scan, {info.number, info.bytes});
            KUMO_TRY_ASSIGN(const WalPosition mark, reader.highest_mark_beyond());
            scan.durable = std::max(scan.durable, mark);
            return {};
        }
        note_record(scan, record, offset, info);
    }
}

Status scan_segment(Scan& scan, io::Fs& fs, std::uint64_t number, const std::string& path) {
    KUMO_TRY_ASSIGN(const auto reader, WalSegmentReader::open(fs, path));
    scan.log.highest_number = std::max(scan.log.highest_number, number);
    if (!reader->header().has_value()) {
        // Data follows a header only once that is durable.
        if (reader->bytes() > kWalSegmentHeaderBytes) {
            return damaged(path, 0, "the segment's header is not readable");
        }
        scan.hollow.push_back(path);
        return {};
    }
    if (reader->header()->number != number) {
        return damaged(path, 0, "the segment's header is that of another one");
    }
    check_previous(scan, *reader->header());
    WalSegmentInfo info;
    info.number = number;
    info.path = path;
    KUMO_TRY(scan_records(scan, *reader, info));
    scan.log.segments.push_back(std::move(info));
    return {};
}

Result<Scan> scan_directory(io::Fs& fs, const std::string& directory) {
    KUMO_TRY_ASSIGN(const auto entries, fs.list(directory));
    if (entries.size() > kWalSegmentsMax) {
        return Error{ErrorCode::kLimitExceeded, directory + ": too many files for a log"};
    }
    Scan scan;
    for (const io::DirEntry& entry : entries) {  // Sorted, and names sort as their numbers do.
        const auto number = parse_wal_segment_name(entry.name);
        if (number.has_value() && !entry.is_directory) {
            KUMO_TRY(scan_segment(scan, fs, *number, io::join_path(directory, entry.name)));
        }
    }
    return scan;
}

/// Nothing that is known to have been durable may be missing.
Status check_durable(const Scan& scan, const std::string& directory) {
    if (scan.damage.has_value() && *scan.damage < scan.durable) {
        return damaged(
            io::join_path(directory, wal_segment_name(scan.damage->segment)),
            scan.damage->offset,
            "later records were written when everything up to segment "
                + std::to_string(scan.durable.segment) + " offset "
                + std::to_string(scan.durable.offset) + " was on the disk"
        );
    }
    for (const WalSegmentInfo& segment : scan.log.segments) {
        if (segment.number == scan.durable.segment && segment.bytes < scan.durable.offset) {
            return damaged(segment.path, segment.bytes, "the rest of the segment is missing");
        }
    }
    return {};
}

/// Cuts the log off at `place`. Last files go first, so that a crash in between leaves a log that
/// is damaged at the same place and not one with a hole.
Status cut(io::Fs& fs, const std::string& directory, Scan& scan, const WalPosition& place) {
    std::vector<WalSegmentInfo>& segments = scan.log.segments;
    while (!segments.empty() && segments.back().number > place.segment) {
        log_warn("removing " + segments.back().path + ": it follows the end of the log");
        KUMO_TRY(fs.unlink(segments.back().path));
        segments.pop_back();
    }
    KUMO_TRY(fs.sync_dir(directory));
    if (segments.empty() || segments.back().number != place.segment) {
        return {};
    }
    log_warn(
        "cutting " + segments.back().path + " at offset " + std::to_string(place.offset)
        + ": what follows was not completely written"
    );
    KUMO_TRY_ASSIGN(const auto file, fs.open(segments.back().path, io::OpenMode::kReadWrite));
    KUMO_TRY(file->truncate(place.offset));
    return file->sync();
}

/// Writes what is in the file once more.
Status rewrite(io::File& file, std::uint64_t from, std::uint64_t to) {
    while (from < to) {
        const auto bytes = static_cast<std::size_t>(std::min(to - from, kRewriteBytes));
        KUMO_TRY_ASSIGN(const std::string same, file.read(from, bytes));
        if (same.size() != bytes) {
            return Error{ErrorCode::kIo, "a log's segment ends early"};
        }
        KUMO_TRY(file.write(from, same));
        from += bytes;
    }
    return {};
}

/// Makes durable whatever was found. After a sync that failed, the system shows what was written
/// and takes it for clean: another sync alone would not store it. So what is not known to have been
/// stored is written again.
Status sync_segments(io::Fs& fs, const std::string& directory, const Scan& scan) {
    for (const WalSegmentInfo& segment : scan.log.segments) {
        KUMO_TRY_ASSIGN(const auto file, fs.open(segment.path, io::OpenMode::kReadWrite));
        if (segment.number >= scan.durable.segment) {
            const bool partly = segment.number == scan.durable.segment;
            KUMO_TRY(rewrite(*file, partly ? scan.durable.offset : 0, segment.bytes));
        }
        KUMO_TRY(file->sync());
    }
    return fs.sync_dir(directory);
}

}  // namespace

void add_wal_cut(WalCuts& cuts, const WalCut& cut) {
    while (!cuts.empty() && cuts.back().from >= cut.from) {
        cuts.pop_back();
    }
    cuts.push_back(cut);
}

bool is_wal_cut(const WalCuts& cuts, const WalPosition& position, Seq seq) {
    const auto after = std::upper_bound(
        cuts.begin(),
        cuts.end(),
        position,
        [](const WalPosition& place, const WalCut& cut) { return place < cut.position; }
    );
    return after != cuts.end() && after->from <= seq;
}

Result<WalRecovered> recover_wal(io::Fs& fs, const std::string& directory, bool sync_all) {
    KUMO_TRY_ASSIGN(Scan scan, scan_directory(fs, directory));
    KUMO_TRY(check_durable(scan, directory));
    for (const std::string& path : scan.hollow) {
        KUMO_TRY(fs.unlink(path));
    }
    if (scan.damage.has_value()) {
        KUMO_TRY(cut(fs, directory, scan, *scan.damage));
        const WalPosition place = *scan.damage;
        const std::uint64_t highest_number = scan.log.highest_number;
        KUMO_TRY_ASSIGN(scan, scan_directory(fs, directory));
        scan.log.highest_number = highest_number;  // Numbers of what was removed stay used.
        if (scan.damage.has_value()) {
            return damaged(
                io::join_path(directory, wal_segment_name(place.segment)),
                place.offset,
                "it is still damaged after its end was cut off"
            );
        }
    }
    if (sync_all) {
        KUMO_TRY(sync_segments(fs, directory, scan));
    }
    return std::move(scan.log);
}

}  // namespace kumo::store
