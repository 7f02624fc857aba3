#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "store/internal/wal_format.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kumo::store {

/// A segment that is there, as far as it is valid.
struct WalSegmentInfo {
    std::uint64_t number = 0;
    std::string path;
    std::uint64_t bytes = 0;
    std::map<StreamId, Seq> last;  ///< The highest sequence number it holds of each stream.
};

struct WalRecovered {
    std::vector<WalSegmentInfo> segments;  ///< By number.
    std::uint64_t highest_number = 0;      ///< Ever seen, with those that were deleted here.
};

/// Reads every segment in `directory`, decides whether what is damaged is a torn tail or lost
/// data, and cuts a torn tail off, durably. With `sync_all`, what is left is durable afterwards.
/// kCorruption, and nothing changed, if data is damaged that is known to have been durable.
/// Blocking, stateless.
Result<WalRecovered> recover_wal(io::Fs& fs, const std::string& directory, bool sync_all);

}  // namespace kumo::store
