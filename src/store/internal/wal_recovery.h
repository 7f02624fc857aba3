#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "store/internal/wal_format.h"
#include "store/internal/wal_index.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kumo::store {

/// A cut that was found, or made.
struct WalCut {
    WalPosition position;
    Seq from = 0;
};

/// A stream's cuts that matter, oldest first: each has a higher `from` than the one before. The
/// records before the first one's position end below its `from`, and so on.
using WalCuts = std::vector<WalCut>;

/// Adds the latest cut. Those that it goes below are covered by it.
void add_wal_cut(WalCuts& cuts, const WalCut& cut);

/// Whether one of the cuts removes the record `seq` at `position`.
bool is_wal_cut(const WalCuts& cuts, const WalPosition& position, Seq seq);

struct WalRecovered {
    std::vector<WalSegmentInfo> segments;  ///< By number.
    std::map<StreamId, Seq> last;          ///< With cuts taken into account.
    std::map<StreamId, WalCuts> cuts;
    std::uint64_t highest_number = 0;  ///< Ever seen, with those that were deleted here.
};

/// Reads every segment in `directory`, decides whether what is damaged is a torn tail or lost
/// data, and cuts a torn tail off, durably. With `sync_all`, what is left is durable afterwards.
/// kCorruption, and nothing changed, if data is damaged that is known to have been durable.
/// Blocking, stateless.
Result<WalRecovered> recover_wal(io::Fs& fs, const std::string& directory, bool sync_all);

}  // namespace kumo::store
