#include "cluster/state/ack_mode.h"

#include <array>
#include <utility>

namespace kumo::cluster {

namespace {

constexpr std::array<std::pair<AckMode, std::string_view>, 3> kNames{{
    {AckMode::kSync, "sync"},
    {AckMode::kMajority, "majority"},
    {AckMode::kAsync, "async"},
}};

}  // namespace

std::size_t quorum(AckMode mode, std::size_t members) {
    switch (mode) {
        case AckMode::kSync: return members;
        case AckMode::kMajority: return (members / 2) + 1;
        case AckMode::kAsync: return 1;
    }
    return members;
}

std::string_view name_of(AckMode mode) {
    return kNames.at(static_cast<std::size_t>(mode)).second;
}

std::optional<AckMode> ack_mode_of(std::string_view name) {
    for (const auto& [mode, known] : kNames) {
        if (known == name) {
            return mode;
        }
    }
    return std::nullopt;
}

}  // namespace kumo::cluster
