#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

/// Numbers about the machine and the process, by the names of /metrics.json, as text.
using Metrics = std::vector<std::pair<std::string, std::string>>;

/// What the dialect is told at start. A value.
struct DialectOptions {
    std::string api_key{};  ///< The bootstrap key. Empty: no authentication (loopback only).
    bool enable_cors = true;
    std::vector<std::string> cors_domains{};  ///< Origins to allow; empty: all.
    std::uint32_t filter_by_max_ops = 100;
    std::uint32_t max_per_page = 250;
    std::uint32_t max_group_limit = 99;
    std::string compat_version = "30.2";  ///< The version of the API we answer as.
    std::string version{};                ///< Our own.
    bool skip_writes = false;
    /// Reads the machine's numbers; called on any loop's thread. May be empty.
    std::function<Metrics()> metrics{};
};

}  // namespace kumo::api_kumosearch
