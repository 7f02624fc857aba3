#pragma once

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace kumo::cluster {

/// What is wrong with connections, once in `interval` for each who and why, with how often it was
/// left out meanwhile. Strangers cannot fill the log: when so many are remembered, further ones are
/// only counted by the caller. Loop-owned.
class TroubleLog {
public:
    static constexpr std::size_t kRememberedMax = 1024;

    explicit TroubleLog(Duration interval) : interval_(interval) {}

    /// The line to log, or nothing.
    std::string
    note(const std::string& who, std::uint8_t why, const std::string& line, MonotonicTime now);

private:
    struct Known {
        MonotonicTime logged_at;
        std::uint64_t left_out = 0;
    };

    const Duration interval_;
    std::map<std::pair<std::string, std::uint8_t>, Known> known_;
};

}  // namespace kumo::cluster
