#include "config.h"

#include "cluster/discovery/host_port.h"
#include "io/thread.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace kumo::server {

namespace {

constexpr std::uint64_t kConfigFileBytesMax = std::uint64_t{1} << 20;
constexpr std::uint64_t kThreadsMax = 1024;

/// The values that count, with the initial ones of those not given.
class Reader {
public:
    explicit Reader(const SettingValues& values) : values_(values) {}

    std::string text(std::string_view name) const {
        const auto found = values_.find(name);
        return found != values_.end() ? found->second : std::string(find_setting(name)->initial);
    }

    Result<bool> flag(std::string_view name) const {
        const std::string value = text(name);
        for (const std::string_view yes : {"true", "TRUE", "True", "1"}) {
            if (value == yes) {
                return true;
            }
        }
        for (const std::string_view no : {"false", "FALSE", "False", "0", ""}) {
            if (value == no) {
                return false;
            }
        }
        return invalid_argument(
            "`" + std::string(name) + "` is true or false, not `" + value + "`."
        );
    }

    /// In the range of 32 bits.
    Result<std::int64_t> signed_number(std::string_view name) const {
        const std::string value = text(name);
        std::int32_t out = 0;
        const char* end = value.data() + value.size();
        const auto [at, error] = std::from_chars(value.data(), end, out);
        if (error != std::errc() || at != end) {
            return invalid_argument(
                "`" + std::string(name) + "` is a number, not `" + value + "`."
            );
        }
        return out;
    }

    Result<std::uint64_t> number(std::string_view name, std::uint64_t max) const {
        const std::string value = text(name);
        std::uint64_t out = 0;
        const char* end = value.data() + value.size();
        const auto [at, error] = std::from_chars(value.data(), end, out);
        if (error != std::errc() || at != end || out > max) {
            return invalid_argument(
                "`" + std::string(name) + "` is a number from 0 to " + std::to_string(max)
                + ", not `" + value + "`."
            );
        }
        return out;
    }

private:
    const SettingValues& values_;
};

Result<SettingValues>
merge(SettingValues command_line, const SettingValues& environment, io::Fs& fs) {
    SettingValues all = std::move(command_line);
    std::string path = Reader(all).text("config");
    if (const auto named = environment.find("config"); path.empty() && named != environment.end()) {
        path = named->second;
    }
    if (!path.empty()) {
        KUMO_TRY_ASSIGN(const std::string text, io::read_file(fs, path, kConfigFileBytesMax));
        KUMO_TRY_ASSIGN(const SettingValues file, parse_config_file(path, text));
        all.insert(file.begin(), file.end());
    }
    all.insert(environment.begin(), environment.end());
    return all;
}

std::vector<std::string> split_domains(const std::string& text) {
    std::vector<std::string> out;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        if (end > begin) {
            out.push_back(text.substr(begin, end - begin));
        }
        begin = end + 1;
    }
    return out;
}

Status read_address(const Reader& reader, Config& config) {
    KUMO_TRY_ASSIGN(
        const std::uint64_t port,
        reader.number("api-port", std::numeric_limits<std::uint16_t>::max())
    );
    std::string host = reader.text("api-address");
    if (host == "localhost") {
        host = "127.0.0.1";
    }
    auto address = io::Address::parse(host, static_cast<std::uint16_t>(port));
    if (!address.ok()) {
        return invalid_argument("`api-address`: " + address.error().message);
    }
    config.api_address = address.value();
    config.api_key = reader.text("api-key");
    if (config.api_key.empty() && !config.api_address.is_loopback()) {
        return invalid_argument(
            "There is no API key, and " + config.api_address.host_string()
            + " can be reached from other machines: anybody could read and change all data.\n"
              "Give a key (KUMOSEARCH_API_KEY, `api-key` in the file of --config, or --api-key), or "
              "listen on this machine only (--api-address 127.0.0.1)."
        );
    }
    return {};
}

Result<std::uint16_t> port_of(const std::string& text) {
    std::uint16_t out = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, out);
    if (error != std::errc() || at != end) {
        return invalid_argument("`elastic-port` is a port or a range of them, not `" + text + "`.");
    }
    return out;
}

Status read_elastic(const Reader& reader, Config& config) {
    const std::string ports = reader.text("elastic-port");
    if (ports.empty()) {
        return {};
    }
    Config::Elastic& elastic = config.elastic;
    const std::size_t dash = ports.find('-');
    KUMO_TRY_ASSIGN(const std::uint16_t first, port_of(ports.substr(0, dash)));
    elastic.last_port = first;
    if (dash != std::string::npos) {
        KUMO_TRY_ASSIGN(elastic.last_port, port_of(ports.substr(dash + 1)));
    }
    if (elastic.last_port < first) {
        return invalid_argument("`elastic-port`: the range is empty.");
    }
    auto address = io::Address::parse(reader.text("elastic-address"), first);
    if (!address.ok()) {
        return invalid_argument("`elastic-address`: " + address.error().message);
    }
    elastic.address = address.value();
    elastic.enabled = true;
    const std::string compat = reader.text("elastic-compat");
    if (compat != "opensearch" && compat != "es7") {
        return invalid_argument("`elastic-compat` is opensearch or es7, not `" + compat + "`.");
    }
    elastic.es7 = compat == "es7";
    elastic.cluster_name = reader.text("elastic-cluster-name");
    elastic.repositories = reader.text("elastic-path-repo");
    while (elastic.repositories.size() > 1 && elastic.repositories.ends_with('/')) {
        elastic.repositories.pop_back();
    }
    for (const std::string& one : split_domains(reader.text("elastic-node-attributes"))) {
        const std::size_t equals = one.find('=');
        if (equals == std::string::npos || equals == 0) {
            return invalid_argument("`elastic-node-attributes` are name=value, not `" + one + "`.");
        }
        elastic.attributes[one.substr(0, equals)] = one.substr(equals + 1);
    }
    return {};
}

Status read_tls(const Reader& reader, Config& config) {
    config.certificate = reader.text("ssl-certificate");
    config.certificate_key = reader.text("ssl-certificate-key");
    if (config.certificate.empty() != config.certificate_key.empty()) {
        return invalid_argument(
            "`ssl-certificate` and `ssl-certificate-key` belong together: one is missing."
        );
    }
    constexpr std::uint64_t kYearSeconds = std::uint64_t{365} * 24 * 3600;
    KUMO_TRY_ASSIGN(
        const std::uint64_t seconds,
        reader.number("ssl-refresh-interval-seconds", kYearSeconds)
    );
    config.certificate_refresh = std::chrono::seconds(std::max<std::uint64_t>(seconds, 1));
    return {};
}

Status read_threads(const Reader& reader, Config& config) {
    const unsigned cores = io::available_cores();
    KUMO_TRY_ASSIGN(const std::uint64_t pool, reader.number("thread-pool-size", kThreadsMax));
    KUMO_TRY_ASSIGN(const std::uint64_t network, reader.number("network-threads", kThreadsMax));
    config.pool_threads = pool == 0 ? std::max(4U, cores * 2) : static_cast<unsigned>(pool);
    config.network_threads =
        network == 0 ? std::max(1U, cores / 2) : static_cast<unsigned>(network);
    return {};
}

Status read_limits(const Reader& reader, Config& config) {
    constexpr std::uint64_t kOperatorsMax = 5000;  // Filters are trees that recursion walks.
    constexpr std::uint64_t kHitsMax = 10'000;
    KUMO_TRY_ASSIGN(const auto disk, reader.number("disk-used-max-percentage", 100));
    KUMO_TRY_ASSIGN(const auto operators, reader.number("filter-by-max-ops", kOperatorsMax));
    KUMO_TRY_ASSIGN(const auto hits, reader.number("max-per-page", kHitsMax));
    KUMO_TRY_ASSIGN(const auto group, reader.number("max-group-limit", kHitsMax));
    KUMO_TRY_ASSIGN(const auto memory, reader.number("memory-used-max-percentage", 100));
    config.disk_used_max_percentage = static_cast<std::uint32_t>(disk);
    config.memory_used_max_percentage = static_cast<std::uint32_t>(memory);
    config.filter_by_max_ops = static_cast<std::uint32_t>(operators);
    config.max_per_page = static_cast<std::uint32_t>(hits);
    config.max_group_limit = static_cast<std::uint32_t>(group);
    KUMO_TRY_ASSIGN(config.enable_cors, reader.flag("enable-cors"));
    KUMO_TRY_ASSIGN(config.skip_writes, reader.flag("skip-writes"));
    KUMO_TRY_ASSIGN(config.fsync, reader.flag("fsync"));
    return {};
}

Status read_logging(const Reader& reader, Config& config) {
    constexpr std::uint64_t kEntriesMax = 1'000'000;
    config.log_dir = reader.text("log-dir");
    KUMO_TRY_ASSIGN(config.enable_access_logging, reader.flag("enable-access-logging"));
    KUMO_TRY_ASSIGN(config.enable_search_logging, reader.flag("enable-search-logging"));
    KUMO_TRY_ASSIGN(config.log_slow_requests_ms, reader.signed_number("log-slow-requests-time-ms"));
    KUMO_TRY_ASSIGN(config.log_slow_searches_ms, reader.signed_number("log-slow-searches-time-ms"));
    KUMO_TRY_ASSIGN(const auto entries, reader.number("cache-num-entries", kEntriesMax));
    config.cache_entries_max = static_cast<std::int64_t>(entries);
    return {};
}

Status read_analytics(const Reader& reader, Config& config) {
    constexpr std::uint64_t kYearsSeconds = std::uint64_t{10} * 365 * 24 * 3600;
    KUMO_TRY_ASSIGN(config.enable_search_analytics, reader.flag("enable-search-analytics"));
    KUMO_TRY_ASSIGN(const auto flush, reader.number("analytics-flush-interval", kYearsSeconds));
    KUMO_TRY_ASSIGN(const auto events, reader.number("analytics-minute-rate-limit", UINT32_MAX));
    KUMO_TRY_ASSIGN(const auto ttl, reader.number("analytics-db-ttl", kYearsSeconds));
    config.analytics_dir = reader.text("analytics-dir");
    if (config.analytics_dir.empty()) {
        config.analytics_dir = config.data_dir;
    }
    config.analytics_flush = std::chrono::seconds(std::max<std::uint64_t>(flush, 1));
    config.analytics_minute_rate_limit = static_cast<std::uint32_t>(events);
    config.analytics_ttl_seconds = static_cast<std::int64_t>(ttl);
    return {};
}

Status check_data_dir(const std::string& path, io::Fs& fs) {
    if (path.empty()) {
        return invalid_argument("`data-dir` is missing: where is the data to be kept?");
    }
    const auto listed = fs.list(path);
    if (!listed.ok()) {
        return invalid_argument(
            "The data directory `" + path
            + "` does not exist or cannot be read: " + listed.error().message
        );
    }
    return {};
}

/// Where this node is for the others. A name is for them to resolve; then every address is listened
/// on.
Status read_peering(const Reader& reader, Config& config) {
    node::ClusterOptions& cluster = config.cluster;
    KUMO_TRY_ASSIGN(
        const std::uint64_t port,
        reader.number("peering-port", std::numeric_limits<std::uint16_t>::max())
    );
    const std::string text = reader.text("peering-address");
    if (text.empty()) {
        return invalid_argument(
            "`peering-address` is missing: which of the nodes in `" + cluster.nodes_file
            + "` is this one?"
        );
    }
    const auto host = cluster::parse_host(text);
    if (!host.ok() || port == 0) {
        return invalid_argument(
            host.ok() ? "`peering-port` is missing." : "`peering-address`: " + host.error().message
        );
    }
    const auto number = static_cast<std::uint16_t>(port);
    cluster.peering_address = cluster::HostPort{host.value(), number}.to_string();
    cluster.api_address = cluster::HostPort{host.value(), config.api_address.port}.to_string();
    const auto numeric = io::Address::parse(host.value(), number);
    cluster.listen = numeric.ok() ? numeric.value() : io::Address::parse("0.0.0.0", number).value();
    return {};
}

Status read_cluster(const Reader& reader, Config& config, io::Fs& fs) {
    node::ClusterOptions& cluster = config.cluster;
    cluster.nodes_file = reader.text("nodes");
    cluster.zone = reader.text("zone");
    if (!cluster.nodes_file.empty()) {
        const auto text = io::read_file(fs, cluster.nodes_file, kConfigFileBytesMax);
        if (!text.ok()) {
            return invalid_argument("`nodes`: " + text.error().message);
        }
        KUMO_TRY(read_peering(reader, config));
    }
    cluster.name = reader.text("node-name");
    if (cluster.name.empty()) {
        cluster.name = cluster.peering_address;
    }
    cluster.tls.certificate = reader.text("peering-ssl-certificate");
    cluster.tls.private_key = reader.text("peering-ssl-certificate-key");
    cluster.tls.ca = reader.text("peering-ssl-ca");
    return {};
}

}  // namespace

Result<Config>
make_config(SettingValues command_line, const SettingValues& environment, io::Fs& fs) {
    KUMO_TRY_ASSIGN(const SettingValues all, merge(std::move(command_line), environment, fs));
    const Reader reader(all);
    Config config;
    config.data_dir = reader.text("data-dir");
    KUMO_TRY(check_data_dir(config.data_dir, fs));
    KUMO_TRY(read_address(reader, config));
    KUMO_TRY(read_tls(reader, config));
    KUMO_TRY(read_elastic(reader, config));
    KUMO_TRY(read_threads(reader, config));
    KUMO_TRY(read_limits(reader, config));
    KUMO_TRY(read_logging(reader, config));
    KUMO_TRY(read_analytics(reader, config));
    KUMO_TRY(read_cluster(reader, config, fs));
    config.cors_domains = split_domains(reader.text("cors-domains"));
    config.health_rusage_api_key = reader.text("health-rusage-api-key");
    config.compat_version = reader.text("compat-version");
    KUMO_TRY_ASSIGN(config.supervise, reader.flag("supervise"));
    for (const auto& [name, value] : all) {
        const Setting* setting = find_setting(name);
        if (!setting->in_effect && value != setting->initial) {
            config.without_effect.push_back(name);
        }
    }
    return config;
}

}  // namespace kumo::server
