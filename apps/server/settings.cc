#include "settings.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace kumo::server {

namespace {

constexpr auto kText = SettingKind::kText;
constexpr auto kNumber = SettingKind::kNumber;
constexpr auto kFlag = SettingKind::kFlag;

// clang-format off
constexpr Setting kSettings[] = {
    {"config", "config", "", kText, "", "A file with settings: .yml or .yaml, else the ini form with a [server] section."},
    {"data-dir", "data.dir", "", kText, "", "Directory of the data. Must exist."},
    {"api-key", "api.key", "", kText, "", "The bootstrap key, which may do everything. Better given in the file or the environment than here."},
    {"api-address", "api.address", "listen-address", kText, "0.0.0.0", "Address of the HTTP API. Without an API key only a loopback address is taken."},
    {"api-port", "api.port", "listen-port", kNumber, "8868", "Port of the HTTP API; 0 chooses a free one."},
    {"ssl-certificate", "api.tls.certificate", "", kText, "", "PEM file with the certificate and its chain: the API speaks HTTPS."},
    {"ssl-certificate-key", "api.tls.key", "", kText, "", "PEM file with the certificate's private key."},
    {"ssl-refresh-interval-seconds", "api.tls.refresh_seconds", "", kNumber, "28800", "How often both files are read again."},
    {"enable-cors", "api.cors.enabled", "", kFlag, "true", "Let browsers call the API from other origins."},
    {"cors-domains", "api.cors.domains", "", kText, "", "Comma-separated origins that may; none: all."},
    {"log-dir", "log.dir", "", kText, "", "Directory of kumosearch.log; none: standard output."},
    {"thread-pool-size", "search.threads", "", kNumber, "0", "Threads that search and seal; 0: twice the cores, at least 4."},
    {"network-threads", "api.threads", "", kNumber, "0", "Threads that serve connections; 0: half the cores, at least 1."},
    {"disk-used-max-percentage", "disk.used_max_percentage", "", kNumber, "100", "Refuse writes when the disk is fuller than this."},
    {"memory-used-max-percentage", "memory.used_max_percentage", "", kNumber, "100", "Refuse writes when more of the machine's memory is used than this; 100: never."},
    {"enable-access-logging", "log.access", "", kFlag, "false", "Log every request: who, what, the status, how long it took."},
    {"enable-search-logging", "log.search", "", kFlag, "false", "Log every search with its parameters."},
    {"log-slow-requests-time-ms", "log.slow_requests_ms", "", kNumber, "-1", "Log requests that take as long as this; below 0: none."},
    {"log-slow-searches-time-ms", "log.slow_searches_ms", "", kNumber, "30000", "Log searches that take as long as this, with their parameters; below 0: none."},
    {"cache-num-entries", "cache.entries", "", kNumber, "1000", "Answers kept for searches with use_cache, at most 64 MiB."},
    {"health-rusage-api-key", "api.health_rusage_key", "", kText, "", "A key that is good for /health_with_rusage only."},
    {"enable-search-analytics", "analytics.enabled", "", kFlag, "false", "Count searches under the analytics rules there are."},
    {"analytics-dir", "analytics.dir", "", kText, "", "Directory of what is counted and not flushed yet; none: the data directory."},
    {"analytics-flush-interval", "analytics.flush_seconds", "", kNumber, "3600", "How often what was counted is written into the rules' collections."},
    {"analytics-minute-rate-limit", "analytics.minute_rate_limit", "", kNumber, "5", "Analytics events that one address may send in a minute."},
    {"analytics-db-ttl", "analytics.ttl_seconds", "", kNumber, "2419200", "How long logged events are kept."},
    {"filter-by-max-ops", "search.filter_operators_max", "", kNumber, "100", "Operators in one filter_by."},
    {"max-per-page", "search.per_page_max", "", kNumber, "250", "Hits of one page."},
    {"max-group-limit", "search.group_limit_max", "", kNumber, "99", "Hits of one group."},
    {"skip-writes", "api.skip_writes", "", kFlag, "false", "Refuse every write."},
    {"fsync", "wal.fsync", "", kFlag, "true", "Have each write on the disk before it is acknowledged."},
    {"compat-version", "api.compat_version", "", kText, "30.2", "The version of the API that /debug shows."},
    {"elastic-port", "elastic.port", "", kText, "", "Port of the Elasticsearch / OpenSearch API, or a range (9200-9300) of which the first free one is taken; none: there is no such port."},
    {"elastic-address", "elastic.address", "", kText, "127.0.0.1", "Its address. It has no keys yet: whoever reaches it may do everything."},
    {"elastic-compat", "elastic.compat", "", kText, "opensearch", "What it says it is: opensearch (2.19.0) or es7 (7.10.2)."},
    {"elastic-cluster-name", "elastic.cluster_name", "", kText, "kumosearch", "The cluster's name there."},
    {"elastic-node-attributes", "elastic.node_attributes", "", kText, "", "Comma-separated name=value of this node there."},
    {"elastic-path-repo", "elastic.path_repo", "", kText, "", "Directory that its repositories of snapshots are below; none: there can be no repositories."},
    {"nodes", "cluster.nodes_file", "", kText, "", "File with the cluster's nodes, host:peering_port:api_port,...; the same on all of them, and read again every few seconds. None: this node alone."},
    {"peering-address", "cluster.address", "", kText, "", "This node's host in that file: a numeric address to listen on, or a name."},
    {"peering-port", "cluster.port", "", kNumber, "8107", "Port for the other nodes."},
    {"peering-ssl-certificate", "cluster.tls.certificate", "", kText, "", "PEM file with this node's certificate: nodes speak mutual TLS."},
    {"peering-ssl-certificate-key", "cluster.tls.key", "", kText, "", "PEM file with that certificate's private key."},
    {"peering-ssl-ca", "cluster.tls.ca", "", kText, "", "PEM file with the CA that signs the certificates of all nodes."},
    {"node-name", "cluster.node_name", "", kText, "", "Name of this node, for people; none: its peering address."},
    {"supervise", "supervise", "", kFlag, "false", "Run the server as a child of this process: when it crashes, the other nodes are told at once, and it is started again."},
    {"zone", "cluster.zone", "", kText, "", "Where this node is, for people."},

    {"peering-subnet", "cluster.subnet", "", kText, "", "", false},
    {"reset-peers-on-error", "cluster.reset_peers_on_error", "", kFlag, "false", "", false},
    {"snapshot-interval-seconds", "snapshot.interval_seconds", "", kNumber, "3600", "", false},
    {"snapshot-max-byte-count-per-rpc", "snapshot.rpc_bytes_max", "", kNumber, "4194304", "", false},
    {"healthy-read-lag", "cluster.healthy_read_lag", "", kNumber, "1000", "", false},
    {"healthy-write-lag", "cluster.healthy_write_lag", "", kNumber, "500", "", false},
    {"num-collections-parallel-load", "load.collections", "", kNumber, "0", "", false},
    {"num-documents-parallel-load", "load.documents", "", kNumber, "1000", "", false},
    {"embedding-cache-num-entries", "cache.embedding_entries", "", kNumber, "100", "", false},
    {"housekeeping-interval", "housekeeping.interval_seconds", "", kNumber, "1800", "", false},
    {"db-compaction-interval", "db.compaction_seconds", "", kNumber, "604800", "", false},
    {"db-write-buffer-size", "db.write_buffer_bytes", "", kNumber, "4194304", "", false},
    {"db-max-write-buffer-number", "db.write_buffers_max", "", kNumber, "2", "", false},
    {"db-max-log-file-size", "db.log_file_bytes", "", kNumber, "4194304", "", false},
    {"db-keep-log-file-num", "db.log_files", "", kNumber, "5", "", false},
    {"max-indexing-concurrency", "search.indexing_threads", "", kNumber, "4", "", false},
    {"enable-lazy-filter", "search.lazy_filter", "", kFlag, "false", "", false},
    {"search-only-api-key", "api.search_only_key", "", kText, "", "", false},
    {"master", "cluster.master", "", kText, "", "", false},
};
// clang-format on

constexpr std::string_view kSecretSettings[] = {
    "api-key",
    "health-rusage-api-key",
    "search-only-api-key"};

/// Names are compared with their separators made alike.
std::string plain_name(std::string_view name) {
    std::string out(name);
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

bool is_secret(std::string_view option) {
    const Setting* setting = find_setting(option);
    return setting != nullptr
           && std::find(std::begin(kSecretSettings), std::end(kSecretSettings), setting->name)
                  != std::end(kSecretSettings);
}

/// The environment variable of a setting.
std::string variable_of(std::string_view prefix, std::string_view name) {
    std::string variable(prefix);
    for (const char c : name) {
        const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        variable.push_back(c == '-' ? '_' : upper);
    }
    return variable;
}

void overwrite(char* text) {
    std::memset(text, '*', std::strlen(text));
}

}  // namespace

std::span<const Setting> all_settings() {
    return kSettings;
}

const Setting* find_setting(std::string_view name) {
    const std::string wanted = plain_name(name);
    for (const Setting& setting : kSettings) {
        if (wanted == setting.name || wanted == plain_name(setting.dotted)
            || (!setting.former.empty() && wanted == setting.former)) {
            return &setting;
        }
    }
    return nullptr;
}

SettingValues read_environment(const char* (*get)(const std::string& name)) {
    SettingValues values;
    // What is read later wins: our own names.
    for (const std::string_view prefix : {"TYPESENSE_", "KUMOSEARCH_"}) {
        for (const Setting& setting : kSettings) {
            for (const std::string_view name : {setting.former, setting.name}) {
                const char* value = name.empty() ? nullptr : get(variable_of(prefix, name));
                if (value != nullptr) {
                    values.insert_or_assign(std::string(setting.name), value);
                }
            }
        }
    }
    return values;
}

void scrub_secrets(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (!argument.starts_with("--")) {
            continue;
        }
        const std::size_t equals = argument.find('=');
        if (!is_secret(argument.substr(2, equals == std::string_view::npos ? equals : equals - 2)
            )) {
            continue;
        }
        if (equals != std::string_view::npos) {
            overwrite(argv[i] + equals + 1);
        } else if (i + 1 < argc) {
            overwrite(argv[i + 1]);
        }
    }
}

}  // namespace kumo::server
