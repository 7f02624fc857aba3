#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "io/address.h"
#include "io/fs.h"
#include "node/node.h"
#include "settings.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kumo::server {

/// The settings, typed and checked. A value.
struct Config {
    std::string data_dir;
    std::string api_key;
    io::Address api_address;
    std::string certificate;
    std::string certificate_key;
    Duration certificate_refresh{};
    bool enable_cors = true;
    std::vector<std::string> cors_domains;
    std::string log_dir;
    unsigned pool_threads = 4;
    unsigned network_threads = 1;
    std::uint32_t disk_used_max_percentage = 100;
    std::uint32_t memory_used_max_percentage = 100;
    std::string health_rusage_api_key;
    bool enable_search_analytics = false;
    std::string analytics_dir;  ///< Never empty.
    Duration analytics_flush{};
    std::uint32_t analytics_minute_rate_limit = 5;
    std::int64_t analytics_ttl_seconds = 0;
    bool enable_access_logging = false;
    bool enable_search_logging = false;
    std::int64_t log_slow_requests_ms = -1;
    std::int64_t log_slow_searches_ms = 30'000;
    std::int64_t cache_entries_max = 1000;
    std::uint32_t filter_by_max_ops = 100;
    std::uint32_t max_per_page = 250;
    std::uint32_t max_group_limit = 99;
    bool skip_writes = false;
    bool fsync = true;
    std::string compat_version;
    node::ClusterOptions cluster;

    /// The Elasticsearch dialect. Without a port there is none.
    struct Elastic {
        io::Address address;  ///< With the first port.
        std::uint16_t last_port = 0;
        bool enabled = false;
        bool es7 = false;
        std::string cluster_name;
        std::string repositories;  ///< Where snapshots may be. Empty: nowhere.
        std::map<std::string, std::string> attributes;
    };

    Elastic elastic;
    bool supervise = false;
    std::vector<std::string> without_effect;  ///< Settings that were given and change nothing.
};

/// Puts the sources together (command line, then the file it or the environment names, then the
/// environment) and checks what can be checked before anything is started: values, the data
/// directory, that a key is there unless the address is loopback. Errors are for the user.
Result<Config>
make_config(SettingValues command_line, const SettingValues& environment, io::Fs& fs);

}  // namespace kumo::server
