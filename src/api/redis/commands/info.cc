// INFO (Redis 7.0): one function for each section.
#include "api/redis/commands/info.h"

#include "api/redis/call.h"
#include "api/redis/internal/memory_report.h"
#include "api/redis/persistence/persistence.h"
#include "api/redis/replication/migrations.h"
#include "api/redis/replication/replication.h"
#include "api/redis/replication/replication_info.h"
#include "api/redis/scripting.h"
#include "kv/command/words.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <string>

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace kumo::api_redis {

namespace {

class Lines {
public:
    explicit Lines(std::string& out) : out_(out) {}

    void section(std::string_view title) {
        if (!out_.empty()) {
            out_.append("\r\n");
        }
        out_.append("# ").append(title).append("\r\n");
    }

    void text(std::string_view name, std::string_view value) {
        out_.append(name).append(":").append(value).append("\r\n");
    }

    template <typename Number>
    void number(std::string_view name, Number value) {
        text(name, std::to_string(value));
    }

    void real(std::string_view name, double value) {
        std::array<char, 32> buffer{};
        (void)std::snprintf(buffer.data(), buffer.size(), "%.2f", value);
        text(name, buffer.data());
    }

    void memory(const std::string& name, std::uint64_t bytes) {
        number(name, bytes);
        text(name + "_human", human(bytes));
    }

    static std::string human(std::uint64_t bytes) {
        constexpr std::array<char, 5> kUnits = {'B', 'K', 'M', 'G', 'T'};
        auto value = static_cast<double>(bytes);
        std::size_t unit = 0;
        while (value >= 1024 && unit + 1 < kUnits.size()) {
            value /= 1024;
            ++unit;
        }
        std::array<char, 32> buffer{};
        (void)std::snprintf(
            buffer.data(),
            buffer.size(),
            unit == 0 ? "%.0f%c" : "%.2f%c",
            value,
            kUnits[unit]
        );
        return buffer.data();
    }

private:
    std::string& out_;
};

using Section = void (*)(Service&, Lines&);

void replication_section(Service& service, Lines& out) {
    out.section("Replication");
    write_replication_info(service, [&out](std::string_view name, const std::string& value) {
        out.text(name, value);
    });
}

void server_section(Service& service, Lines& out) {
    struct utsname system {};

    uname(&system);
    const std::int64_t uptime = (service.now_ms() - service.started_ms()) / 1000;
    out.section("Server");
    out.text("redis_version", kRedisVersion);
    out.text("redis_git_sha1", "00000000");
    out.text("redis_git_dirty", "0");
    out.text("redis_build_id", "0");
    out.text("redis_mode", service.settings.flag("cluster-enabled") ? "cluster" : "standalone");
    out.text("server_name", "kumosearch");
    out.text("os", std::string(system.sysname) + " " + system.release + " " + system.machine);
    out.number("arch_bits", 64);
    out.text("multiplexing_api", "epoll");
    out.text("atomicvar_api", "c11-builtin");
    out.text("gcc_version", "12.2.0");
    out.number("process_id", static_cast<int>(getpid()));
    out.text("process_supervised", "no");
    out.text("run_id", service.run_id);
    const std::int64_t plain_port = service.settings.number("port");
    out.number("tcp_port", plain_port != 0 ? plain_port : service.settings.number("tls-port"));
    out.number("server_time_usec", service.now_us());
    out.number("uptime_in_seconds", uptime);
    out.number("uptime_in_days", uptime / 86400);
    out.number("hz", service.settings.number("hz"));
    out.number("configured_hz", service.settings.number("hz"));
    out.number("lru_clock", (service.now_ms() / 1000) & 0xFFFFFF);
    out.text("executable", "");
    out.text("config_file", service.settings.config_file);
    out.number("io_threads_active", 0);
}

void clients_section(Service& service, Lines& out) {
    std::size_t open = 0;
    std::size_t largest_in = 0;
    std::size_t largest_out = 0;
    std::size_t tracking = 0;
    for (const auto& [id, session] : service.sessions()) {
        open += session->closing() || session->replica ? 0 : 1;
        largest_in = std::max(largest_in, session->request_bytes());
        largest_out = std::max(largest_out, session->output_bytes());
        tracking += session->tracking.on ? 1 : 0;
    }
    out.section("Clients");
    out.number("connected_clients", open);
    out.number("cluster_connections", 0);
    out.number("maxclients", service.settings.number("maxclients"));
    out.number("client_recent_max_input_buffer", largest_in);
    out.number("client_recent_max_output_buffer", largest_out);
    out.number("blocked_clients", service.blocked_sessions());
    out.number("tracking_clients", tracking);
    out.number("clients_in_timeout_table", service.blocked_sessions());
}

void memory_section(Service& service, Lines& out) {
    const MemoryReport report = memory_report(service);
    const auto percent = [](double value) {
        std::array<char, 32> text{};
        (void)std::snprintf(text.data(), text.size(), "%.2f%%", value);
        return std::string(text.data());
    };
    out.section("Memory");
    out.memory("used_memory", report.used);
    out.memory("used_memory_rss", report.resident);
    out.memory("used_memory_peak", report.peak);
    out.text("used_memory_peak_perc", percent(report.peak_percent()));
    out.number("used_memory_overhead", report.overhead());
    out.number("used_memory_startup", report.startup);
    out.number("used_memory_dataset", report.dataset());
    out.text("used_memory_dataset_perc", percent(report.dataset_percent()));
    out.number("allocator_allocated", report.allocator.allocated);
    out.number("allocator_active", report.allocator.active);
    out.number("allocator_resident", report.allocator.resident);
    out.memory(
        "total_system_memory",
        static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES))
            * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))
    );
    const Scripting& scripting = service.scripting();
    out.memory("used_memory_lua", report.interpreters);
    out.memory("used_memory_scripts", report.scripts);
    out.number("number_of_cached_scripts", scripting.scripts.size());
    out.number("number_of_functions", scripting.libraries.function_count());
    out.number("number_of_libraries", scripting.libraries.libraries().size());
    out.memory("maxmemory", static_cast<std::uint64_t>(service.settings.number("maxmemory")));
    out.text("maxmemory_policy", service.settings.text("maxmemory-policy"));
    out.real("mem_fragmentation_ratio", report.fragmentation());
    out.number("mem_fragmentation_bytes", report.fragmentation_bytes());
    out.number("mem_not_counted_for_evict", 0);
    const std::size_t stream = service.replication().stream().memory_bytes();
    out.number("mem_replication_backlog", stream);
    out.number("mem_total_replication_buffers", stream);
    out.number("mem_clients_slaves", 0);
    out.number("mem_clients_normal", report.clients);
    out.number("mem_aof_buffer", 0);
    out.text("mem_allocator", service.environment().allocator.figures ? "jemalloc-5.3.0" : "libc");
    out.number("active_defrag_running", 0);
    out.number("lazyfree_pending_objects", 0);
    out.number("lazyfreed_objects", 0);
}

void persistence_section(Service& service, Lines& out) {
    const PersistenceInfo info =
        service.persistence != nullptr ? service.persistence->info() : PersistenceInfo();
    out.section("Persistence");
    out.number("loading", info.loading || service.replication().loading() ? 1 : 0);
    out.number("async_loading", 0);
    write_loading_info(service, [&out](std::string_view name, const std::string& value) {
        out.text(name, value);
    });
    out.number("rdb_changes_since_last_save", service.stats.dirty);
    out.number("rdb_bgsave_in_progress", info.save_in_progress ? 1 : 0);
    out.number("rdb_last_save_time", service.last_save_seconds);
    out.text("rdb_last_bgsave_status", info.last_save_ok ? "ok" : "err");
    out.number("rdb_last_bgsave_time_sec", info.last_save_seconds);
    out.number("rdb_current_bgsave_time_sec", -1);
    out.number("rdb_saves", info.saves);
    out.number("rdb_last_load_keys_expired", 0);
    out.number("rdb_last_load_keys_loaded", info.keys_loaded);
    out.number("aof_enabled", service.settings.flag("appendonly") ? 1 : 0);
    out.number("aof_rewrite_in_progress", info.rewrite_in_progress ? 1 : 0);
    out.number("aof_rewrite_scheduled", 0);
    out.number("aof_last_rewrite_time_sec", -1);
    out.number("aof_current_rewrite_time_sec", -1);
    out.text("aof_last_bgrewrite_status", info.last_rewrite_ok ? "ok" : "err");
    out.text("aof_last_write_status", info.last_write_ok ? "ok" : "err");
    if (service.settings.flag("appendonly")) {
        out.number("aof_current_size", info.aof_size);
        out.number("aof_base_size", info.aof_base_size);
        out.number("aof_pending_rewrite", 0);
        out.number("aof_buffer_length", 0);
        out.number("aof_pending_bio_fsync", 0);
        out.number("aof_delayed_fsync", 0);
    }
}

void stats_section(Service& service, Lines& out) {
    const Stats& stats = service.stats;
    const kv::KeyspaceStats& keys = service.keyspace.stats;
    out.section("Stats");
    out.number("total_connections_received", stats.connections_received);
    out.number("total_commands_processed", stats.commands_processed);
    out.number("instantaneous_ops_per_sec", 0);
    out.number("total_net_input_bytes", stats.input_bytes);
    out.number("total_net_output_bytes", stats.output_bytes);
    MasterLink* link = service.replication().link();
    out.number("total_net_repl_input_bytes", link == nullptr ? 0 : link->read_bytes());
    out.number("total_net_repl_output_bytes", service.replication().output_bytes);
    out.text("instantaneous_input_kbps", "0.00");
    out.text("instantaneous_output_kbps", "0.00");
    out.number("rejected_connections", stats.connections_rejected);
    const Replicas::Counters& syncs = service.replication().replicas().counters;
    out.number("sync_full", syncs.full);
    out.number("sync_partial_ok", syncs.partial);
    out.number("sync_partial_err", syncs.partial_refused);
    out.number("expired_keys", keys.expired);
    out.text("expired_stale_perc", "0.00");
    out.number("expired_time_cap_reached_count", 0);
    out.number("expire_cycle_cpu_milliseconds", 0);
    out.number("evicted_keys", keys.evicted);
    out.number("evicted_clients", stats.evicted_clients);
    out.number("total_eviction_exceeded_time", 0);
    out.number("current_eviction_exceeded_time", 0);
    out.number("keyspace_hits", keys.hits);
    out.number("keyspace_misses", keys.misses);
    out.number("pubsub_channels", service.channels.channel_count());
    out.number("pubsub_patterns", service.channels.pattern_count());
    out.number("pubsubshard_channels", service.channels.shard_channel_count());
    out.number("latest_fork_usec", 0);
    out.number("total_forks", 0);
    out.number("migrate_cached_sockets", service.migrations().cached_links());
    out.number("tracking_total_keys", service.tracking.keys());
    out.number("tracking_total_items", service.tracking.items());
    out.number("tracking_total_prefixes", service.tracking.prefixes());
    out.number("unexpected_error_replies", 0);
    out.number("total_error_replies", stats.error_replies);
    out.number("dump_payload_sanitizations", 0);
    out.number("total_reads_processed", stats.commands_processed);
    out.number("total_writes_processed", stats.commands_processed);
    out.number("io_threaded_reads_processed", 0);
    out.number("io_threaded_writes_processed", 0);
    out.number("reply_buffer_shrinks", 0);
    out.number("reply_buffer_expands", 0);
    out.number("acl_access_denied_auth", stats.acl_denied_auth);
    out.number("acl_access_denied_cmd", stats.acl_denied_command);
    out.number("acl_access_denied_key", stats.acl_denied_key);
    out.number("acl_access_denied_channel", stats.acl_denied_channel);
}

void cpu_section(Service& /*service*/, Lines& out) {
    struct rusage self {};

    struct rusage thread {};

    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_THREAD, &thread);
    const auto seconds = [&out](std::string_view name, const timeval& time) {
        std::array<char, 48> buffer{};
        (void)std::snprintf(
            buffer.data(),
            buffer.size(),
            "%lld.%06lld",
            static_cast<long long>(time.tv_sec),
            static_cast<long long>(time.tv_usec)
        );
        out.text(name, buffer.data());
    };
    out.section("CPU");
    seconds("used_cpu_sys", self.ru_stime);
    seconds("used_cpu_user", self.ru_utime);
    out.text("used_cpu_sys_children", "0.000000");
    out.text("used_cpu_user_children", "0.000000");
    seconds("used_cpu_sys_main_thread", thread.ru_stime);
    seconds("used_cpu_user_main_thread", thread.ru_utime);
}

void modules_section(Service& /*service*/, Lines& out) {
    out.section("Modules");
}

template <typename Visit>
void for_each_spec(const Visit& visit) {
    for (const kv::CommandSpec& spec : kv::all_commands()) {
        visit(spec);
        for (const kv::CommandSpec& sub : spec.subcommands) {
            visit(sub);
        }
    }
}

void commandstats_section(Service& service, Lines& out) {
    out.section("Commandstats");
    for_each_spec([&](const kv::CommandSpec& spec) {
        const CommandStats& of = service.stats.commands[spec.id];
        if (of.calls == 0 && of.rejected == 0 && of.failed == 0) {
            return;
        }
        std::array<char, 160> buffer{};
        const double per_call =
            of.calls == 0 ? 0
                          : static_cast<double>(of.microseconds) / static_cast<double>(of.calls);
        (void)std::snprintf(
            buffer.data(),
            buffer.size(),
            "calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu",
            static_cast<unsigned long long>(of.calls),
            static_cast<unsigned long long>(of.microseconds),
            per_call,
            static_cast<unsigned long long>(of.rejected),
            static_cast<unsigned long long>(of.failed)
        );
        out.text("cmdstat_" + spec.full_name(), buffer.data());
    });
}

void errorstats_section(Service& service, Lines& out) {
    out.section("Errorstats");
    for (const auto& [code, count] : service.stats.errors) {
        out.text("errorstat_" + code, "count=" + std::to_string(count));
    }
}

void latencystats_section(Service& service, Lines& out) {
    out.section("Latencystats");
    std::vector<std::string> percentiles;
    wire::split_quoted(service.settings.text("latency-tracking-info-percentiles"), &percentiles);
    for_each_spec([&](const kv::CommandSpec& spec) {
        const CommandStats& of = service.stats.commands[spec.id];
        if (of.histogram == nullptr || of.histogram->count() == 0) {
            return;
        }
        std::string line;
        for (const std::string& percentile : percentiles) {
            const double value = kv::parse_double(percentile).value_or(0);
            std::array<char, 64> buffer{};
            (void)std::snprintf(
                buffer.data(),
                buffer.size(),
                "p%s=%.3f",
                percentile.c_str(),
                static_cast<double>(of.histogram->percentile(value)) / 1000.0
            );
            line.append(line.empty() ? "" : ",").append(buffer.data());
        }
        out.text("latency_percentiles_usec_" + spec.full_name(), line);
    });
}

void cluster_section(Service& service, Lines& out) {
    out.section("Cluster");
    out.number("cluster_enabled", service.settings.flag("cluster-enabled") ? 1 : 0);
}

void keyspace_section(Service& service, Lines& out) {
    out.section("Keyspace");
    for (int db = 0; db < service.keyspace.database_count(); ++db) {
        const kv::Database& database = service.keyspace.database(db);
        if (database.size() == 0) {
            continue;
        }
        out.text(
            "db" + std::to_string(db),
            "keys=" + std::to_string(database.size())
                + ",expires=" + std::to_string(database.volatile_size()) + ",avg_ttl=0"
        );
    }
}

struct NamedSection {
    std::string_view name;
    Section write;
    bool standard;  ///< Shown without being asked for.
};

constexpr std::array<NamedSection, 13> kSections = {{
    {"server", server_section, true},
    {"clients", clients_section, true},
    {"memory", memory_section, true},
    {"persistence", persistence_section, true},
    {"stats", stats_section, true},
    {"replication", replication_section, true},
    {"cpu", cpu_section, true},
    {"modules", modules_section, true},
    {"commandstats", commandstats_section, false},
    {"errorstats", errorstats_section, true},
    {"latencystats", latencystats_section, false},
    {"cluster", cluster_section, true},
    {"keyspace", keyspace_section, true},
}};

}  // namespace

std::string info_text(Service& service, std::span<const ByteView> names) {
    std::set<std::string> wanted;
    for (const ByteView name : names) {
        wanted.insert(kv::lower_word(name));
    }
    const bool standard = wanted.empty() || wanted.contains("default");
    const bool everything = wanted.contains("all") || wanted.contains("everything");
    std::string out;
    Lines lines(out);
    for (const NamedSection& section : kSections) {
        if (everything
                ? (section.name != "modules" || wanted.contains("everything"))
                : (wanted.contains(std::string(section.name)) || (standard && section.standard))) {
            section.write(service, lines);
        }
    }
    return out;
}

}  // namespace kumo::api_redis
