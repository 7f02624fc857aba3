#pragma once

#include "api/redis/state/settings.h"
#include "base/result.h"

#include <optional>

namespace kumo::server {

/// `oom-score-adj`: how willingly Linux ends this process when memory is short. The first of
/// `oom-score-adj-values` is ours; the others are for replicas and for children, of which there are
/// none. Thread rule: loop-owned.
class OomScore {
public:
    /// Does what the settings say; turned off, the score is what it was.
    Status apply(const api_redis::Settings& settings);

private:
    std::optional<int> original_;  ///< Before it was changed.
};

}  // namespace kumo::server
