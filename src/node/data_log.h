#pragma once

#include "base/random.h"
#include "base/result.h"
#include "io/fs.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace kumo::node {

/// A log that is no more: copies that wrote to it may lack what they had acknowledged.
struct LostLog {
    std::string why;  ///< Which file, what was wrong with it, and where it is now.
    /// Copies with lower numbers wrote to it. 0: not known yet, that is, all that this node has.
    std::uint64_t first_whole = 0;

    bool operator==(const LostLog&) const = default;
};

/// Logs that are kept after they were set aside; the oldest goes when there is one more.
inline constexpr std::size_t kDamagedLogsMax = 3;

/// Which log belongs to a data directory, and what becomes of it when it cannot be used:
///
///     wal/id          a random number,
///     wal_id          and the same beside it: a log that was removed or swapped is noticed
///     wal_lost        a log was lost, and not all copies have been replaced since
///     wal.damaged-N   logs that were set aside, the latest with the highest number
///
/// Every call blocks. Stateless; one caller at a time. The file system outlives it.
class DataLog {
public:
    DataLog(io::Fs& fs, std::string data_dir);

    std::string directory() const;

    /// Whether this is the log that was here before; a new one, or one of a version that knew no
    /// ids, gets its id. kCorruption if it is another one, or gone.
    Status check(Random& random) const;

    /// Puts the log aside and remembers `why`: the next one is empty. Nothing is deleted but the
    /// oldest of those put aside before; kCorruption if that one may still be needed.
    Status set_aside(const Error& why) const;

    /// What is remembered.
    Result<std::optional<LostLog>> lost() const;

    Status remember(const LostLog& lost) const;

    /// All copies have been replaced.
    Status forget() const;

private:
    std::string path(const char* name) const;
    Result<std::string> place_aside() const;

    io::Fs& fs_;
    const std::string data_dir_;
};

}  // namespace kumo::node
