#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "store/wal.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kumo::store {

/// One position is remembered per stream and that many bytes of a segment.
inline constexpr std::uint64_t kWalIndexStepBytes = std::uint64_t{256} * 1024;

/// Where some records of a stream are.
struct WalIndexEntry {
    Seq seq = 0;
    std::uint64_t offset = 0;
};

/// What a segment holds of one stream. A value; the index inside is sparse: records with numbers
/// from an entry's up to the next entry's (or `end`) lie between these two offsets. A record there
/// with a higher number was cut.
struct WalExtent {
    Seq highest = 0;   ///< Of all its records, also those that were cut.
    Seq cut_from = 0;  ///< The lowest number that a cut in this segment names; 0 if there is none.
    Seq end = 0;       ///< The last record that can be read; 0 if there is none.
    bool cut_since_entry = false;
    std::vector<WalIndexEntry> entries;

    /// A record that can be read, or was found, at `offset`.
    void add(Seq seq, std::uint64_t offset);

    /// This segment holds a cut.
    void note_cut(Seq from);

    /// Records from `from` on are no more.
    void cut(Seq from);

    bool holds(Seq seq) const {
        return !entries.empty() && entries.front().seq <= seq && seq <= end;
    }
};

/// A segment that is there, as far as it is valid.
struct WalSegmentInfo {
    std::uint64_t number = 0;
    std::string path;
    std::uint64_t bytes = 0;
    std::map<StreamId, WalExtent> streams;
};

/// A part of a file to read: records [first, last] of a stream, from `offset` on, before `end`.
struct WalRun {
    std::string path;
    std::uint64_t offset = 0;
    std::uint64_t end = 0;
    Seq first = 0;
    Seq last = 0;
};

/// Parts of files that one read goes through at most.
inline constexpr std::size_t kWalRunsMax = 64;

/// Where the records [from, last] of a stream are, in order and without a gap, as far as
/// kWalRunsMax runs reach. Empty if `from` is not there.
std::vector<WalRun>
find_wal_runs(const std::vector<WalSegmentInfo>& segments, StreamId stream, Seq from, Seq last);

/// Reads records from `from` on: at least one, and no more than `bytes_max` bytes of payload
/// otherwise. Blocking, stateless, any thread. kNotFound if a file is gone, kCorruption (naming
/// file and offset) if it does not hold what it should. Requires: runs is not empty.
Result<std::vector<WalEntry>> read_wal_runs(
    io::Fs& fs,
    StreamId stream,
    Seq from,
    const std::vector<WalRun>& runs,
    std::size_t bytes_max
);

}  // namespace kumo::store
