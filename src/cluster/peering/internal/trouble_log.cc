#include "cluster/peering/internal/trouble_log.h"

namespace kumo::cluster {

std::string TroubleLog::note(
    const std::string& who,
    std::uint8_t why,
    const std::string& line,
    MonotonicTime now
) {
    if (known_.size() >= kRememberedMax) {
        std::erase_if(known_, [&](const auto& each) {
            return now - each.second.logged_at >= interval_;
        });
    }
    const std::pair key(who, why);
    const auto found = known_.find(key);
    if (found == known_.end()) {
        if (known_.size() >= kRememberedMax) {
            return {};
        }
        known_.emplace(key, Known{now, 0});
        return line;
    }
    Known& known = found->second;
    if (now - known.logged_at < interval_) {
        ++known.left_out;
        return {};
    }
    known.logged_at = now;
    const std::uint64_t left_out = std::exchange(known.left_out, 0);
    return left_out == 0 ? line : line + " (and " + std::to_string(left_out) + " times since)";
}

}  // namespace kumo::cluster
