#include "api/redis/state/slow_log.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

void SlowLog::add(SlowEntry entry, std::size_t entries_max) {
    entry.id = next_id_++;
    entries_.push_front(std::move(entry));
    trim(entries_max);
}

void SlowLog::trim(std::size_t entries_max) {
    while (entries_.size() > entries_max) {
        entries_.pop_back();
    }
}

std::vector<std::string> SlowLog::shorten(std::span<const ByteView> arguments) {
    std::vector<std::string> out;
    const std::size_t shown = std::min(arguments.size(), kSlowArgumentsMax);
    for (std::size_t i = 0; i < shown; ++i) {
        if (i + 1 == shown && arguments.size() > shown) {
            out.push_back(
                "... (" + std::to_string(arguments.size() - shown + 1) + " more arguments)"
            );
        } else if (arguments[i].size() > kSlowArgumentBytesMax) {
            out.push_back(
                std::string(arguments[i].substr(0, kSlowArgumentBytesMax)) + "... ("
                + std::to_string(arguments[i].size() - kSlowArgumentBytesMax) + " more bytes)"
            );
        } else {
            out.emplace_back(arguments[i]);
        }
    }
    return out;
}

}  // namespace kumo::api_redis
