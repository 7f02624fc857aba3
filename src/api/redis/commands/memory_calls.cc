// MEMORY but USAGE, which asks about a key (Redis 7.0).
#include "api/redis/call.h"
#include "api/redis/internal/memory_report.h"
#include "api/redis/service.h"

#include <string>

namespace kumo::api_redis {

namespace {

/// Name and value in turns.
class Figures {
public:
    explicit Figures(wire::RespWriter& out) : out_(out), mark_(out.mark()) {}

    void integer(ByteView name, std::uint64_t value) {
        out_.bulk(name);
        out_.integer(static_cast<std::int64_t>(value));
        ++pairs_;
    }

    void real(ByteView name, double value) {
        out_.bulk(name);
        out_.real(value);
        ++pairs_;
    }

    void database(int db, const kv::Database& database) {
        out_.bulk("db." + std::to_string(db));
        out_.map(2);
        out_.bulk("overhead.hashtable.main");
        out_.integer(static_cast<std::int64_t>(database.table_bytes()));
        out_.bulk("overhead.hashtable.expires");
        out_.integer(0);  // Keys that expire are marked in the one table.
        ++pairs_;
    }

    void end() { out_.insert_map(mark_, pairs_); }

private:
    wire::RespWriter& out_;
    std::size_t mark_;
    std::size_t pairs_ = 0;
};

void do_stats(Call& call) {
    const MemoryReport report = memory_report(call.service);
    Figures out(call.reply);
    out.integer("peak.allocated", report.peak);
    out.integer("total.allocated", report.used);
    out.integer("startup.allocated", report.startup);
    out.integer("replication.backlog", 0);
    out.integer("clients.slaves", 0);
    out.integer("clients.normal", report.clients);
    out.integer("cluster.links", 0);
    out.integer("aof.buffer", 0);
    out.integer("lua.caches", report.scripts);
    out.integer("functions.caches", report.functions);
    for (int db = 0; db < call.service.keyspace.database_count(); ++db) {
        if (call.service.keyspace.database(db).size() > 0) {
            out.database(db, call.service.keyspace.database(db));
        }
    }
    out.integer("overhead.total", report.overhead());
    out.integer("keys.count", report.keys);
    out.integer("keys.bytes-per-key", report.keys == 0 ? 0 : report.dataset() / report.keys);
    out.integer("dataset.bytes", report.dataset());
    out.real("dataset.percentage", report.dataset_percent());
    out.real("peak.percentage", report.peak_percent());
    out.integer("allocator.allocated", report.allocator.allocated);
    out.integer("allocator.active", report.allocator.active);
    out.integer("allocator.resident", report.allocator.resident);
    out.real("fragmentation", report.fragmentation());
    out.integer("fragmentation.bytes", static_cast<std::uint64_t>(report.fragmentation_bytes()));
    out.end();
}

void do_doctor(Call& call) {
    constexpr std::uint64_t kSmall = 5U << 20U;
    constexpr double kFragmented = 1.4;
    constexpr double kFallen = 66;
    constexpr std::uint64_t kClientBytes = 200'000;
    const MemoryReport report = memory_report(call.service);
    std::string out;
    if (report.used < kSmall) {
        out = "This server uses so little memory that there is nothing to say about it.\n";
    } else {
        if (report.peak_percent() < kFallen) {
            out +=
                "* Peak memory: far more was used once than is now; what fragmentation shows may "
                "be pages that were used then.\n";
        }
        if (report.fragmentation() > kFragmented) {
            out +=
                "* Fragmentation: the process holds more pages than it uses. MEMORY PURGE gives "
                "unused ones back.\n";
        }
        const std::size_t clients = call.service.sessions().size();
        if (clients > 0 && report.clients / clients > kClientBytes) {
            out +=
                "* Clients: their buffers are large: look for pipelines and for readers that are "
                "slow (CLIENT LIST).\n";
        }
        if (out.empty()) {
            out = "Nothing strange was found.\n";
        }
    }
    call.reply.verbatim("txt", out);
}

void do_malloc_stats(Call& call) {
    const auto& report = call.service.environment().allocator.report;
    call.reply.verbatim("txt", report ? report() : "Stats not supported for the current allocator");
}

void do_purge(Call& call) {
    if (const auto& purge = call.service.environment().allocator.purge; purge) {
        purge();
    }
    call.reply.ok();
}

void do_help(Call& call) {
    constexpr std::string_view kLines[] = {
        "DOCTOR",
        "    What uses memory badly, in words.",
        "MALLOC-STATS",
        "    What the allocator says of itself.",
        "PURGE",
        "    Gives unused pages back to the system.",
        "STATS",
        "    What memory is used for.",
        "USAGE <key> [SAMPLES <count>]",
        "    What a key and its value take."};
    reply_help(call.reply, "MEMORY", kLines);
}

}  // namespace

void add_memory_calls(CallTable& table) {
    table.add({
        {"memory|doctor", do_doctor},
        {"memory|help", do_help},
        {"memory|malloc-stats", do_malloc_stats},
        {"memory|purge", do_purge},
        {"memory|stats", do_stats},
    });
}

}  // namespace kumo::api_redis
