#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/prometheus.h"
#include "api/kumosearch/routes.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

// GET /metrics. What can grow without end is summed up, or cut: a series a collection only for the
// largest ones, none a shard or a document, and routes by their pattern.

namespace kumo::api_kumosearch {

namespace {

using Type = PrometheusWriter::Type;

constexpr std::size_t kCollectionSeriesMax = 100;

/// One route, as far as it was asked.
struct Kind {
    std::string_view method;
    std::string_view route;
    RequestStats::Totals totals;
};

std::vector<Kind> used_kinds(const RequestStats& stats) {
    std::vector<Kind> out;
    const auto all = routes();
    for (std::size_t i = 0; i < all.size(); ++i) {
        out.push_back({wire::http_method_name(all[i].method), all[i].pattern, stats.totals(i)});
    }
    out.push_back({"", "unknown", stats.totals(RequestStats::kNoRoute)});
    std::erase_if(out, [](const Kind& kind) { return kind.totals.count() == 0; });
    return out;
}

void gauge(PrometheusWriter& out, ByteView name, double value, ByteView help) {
    out.family(name, Type::kGauge, help).sample(value);
}

void counter(PrometheusWriter& out, ByteView name, std::uint64_t value, ByteView help) {
    out.family(name, Type::kCounter, help).sample(static_cast<double>(value));
}

void write_server(PrometheusWriter& out, const Context& context) {
    const node::Health health = context.node.health();
    out.family("build_info", Type::kGauge, "1; the version is a label.");
    out.sample(1, {{"version", context.options.version}});
    gauge(out, "ready", health.ok ? 1 : 0, "1 if the node serves.");
    out.family("writes_refused", Type::kGauge, "1 while writes are refused for want of something.");
    for (const ByteView resource : {"OUT_OF_DISK", "OUT_OF_MEMORY"}) {
        out.sample(health.resource_error == resource ? 1 : 0, {{"resource", resource}});
    }
    gauge(out, "skip_writes", context.live.skip_writes ? 1 : 0, "1 while skip-writes is set.");
    gauge(
        out,
        "worker_jobs_waiting",
        static_cast<double>(context.pool.queued_jobs()),
        "Searches and other jobs that wait for a thread."
    );
}

void write_requests(PrometheusWriter& out, const RequestStats& stats) {
    constexpr std::array<ByteView, RequestStats::kStatusClasses> kClasses =
        {"1xx", "2xx", "3xx", "4xx", "5xx"};
    const std::vector<Kind> kinds = used_kinds(stats);
    out.family("http_requests_total", Type::kCounter, "Answered requests, by route and status.");
    for (const Kind& kind : kinds) {
        for (std::size_t i = 0; i < kClasses.size(); ++i) {
            if (kind.totals.by_status[i] > 0) {
                out.sample(
                    static_cast<double>(kind.totals.by_status[i]),
                    {{"method", kind.method}, {"route", kind.route}, {"status", kClasses[i]}}
                );
            }
        }
    }
    out.family(
        "http_request_duration_seconds",
        Type::kHistogram,
        "From a request's head to its answer."
    );
    for (const Kind& kind : kinds) {
        out.histogram(
            RequestStats::kBucketSeconds,
            kind.totals.by_latency,
            kind.totals.latency_seconds,
            {{"method", kind.method}, {"route", kind.route}}
        );
    }
}

void write_cache(PrometheusWriter& out, const QueryCache::Totals& cache) {
    counter(out, "query_cache_hits_total", cache.hits, "Searches answered from the cache.");
    counter(out, "query_cache_misses_total", cache.misses, "Searches that asked it in vain.");
    gauge(out, "query_cache_entries", static_cast<double>(cache.entries), "Answers in the cache.");
    gauge(
        out,
        "query_cache_bytes",
        static_cast<double>(cache.bytes),
        "Bytes of the answers and of their keys."
    );
}

void write_collections(PrometheusWriter& out, std::vector<node::CollectionInfo> all) {
    std::uint64_t documents = 0;
    for (const node::CollectionInfo& one : all) {
        documents += one.num_documents;
    }
    gauge(out, "collections", static_cast<double>(all.size()), "Collections.");
    gauge(out, "documents", static_cast<double>(documents), "Documents of all collections.");
    const std::size_t shown = std::min(all.size(), kCollectionSeriesMax);
    std::partial_sort(
        all.begin(),
        all.begin() + static_cast<std::ptrdiff_t>(shown),
        all.end(),
        [](const node::CollectionInfo& a, const node::CollectionInfo& b) {
            return a.num_documents != b.num_documents ? a.num_documents > b.num_documents
                                                      : a.spec.name < b.spec.name;
        }
    );
    all.resize(shown);
    out.family("collection_documents", Type::kGauge, "Documents of the largest collections.");
    for (const node::CollectionInfo& one : all) {
        out.sample(static_cast<double>(one.num_documents), {{"collection", one.spec.name}});
    }
}

struct ShardSums {
    std::size_t led_here = 0;
    std::size_t without_primary = 0;
    std::size_t copies_in_sync = 0;
    std::size_t copies_behind = 0;
    std::uint64_t lag_max = 0;
};

ShardSums sum_up(const node::ClusterInfo& cluster) {
    ShardSums sums;
    std::string_view self;
    for (const auto& member : cluster.members) {
        self = member.self ? std::string_view(member.id) : self;
    }
    for (const auto& shard : cluster.shards) {
        bool has_primary = false;
        for (const auto& copy : shard.copies) {
            has_primary = has_primary || copy.primary;
            sums.led_here += copy.primary && copy.node == self ? 1 : 0;
            (copy.in_sync ? sums.copies_in_sync : sums.copies_behind) += 1;
            sums.lag_max = std::max(sums.lag_max, copy.behind.value_or(0));
        }
        sums.without_primary += has_primary ? 0 : 1;
    }
    return sums;
}

void write_shards(PrometheusWriter& out, const node::ClusterInfo& cluster) {
    const ShardSums sums = sum_up(cluster);
    gauge(out, "shards", static_cast<double>(cluster.shards.size()), "Shards of all collections.");
    gauge(
        out,
        "shards_led",
        static_cast<double>(sums.led_here),
        "Shards whose primary copy is at this node."
    );
    gauge(
        out,
        "shards_without_primary",
        static_cast<double>(sums.without_primary),
        "Shards that take no writes at the moment."
    );
    out.family("shard_copies", Type::kGauge, "Copies of shards, at all nodes.");
    out.sample(static_cast<double>(sums.copies_in_sync), {{"state", "in_sync"}});
    out.sample(static_cast<double>(sums.copies_behind), {{"state", "behind"}});
    gauge(
        out,
        "replication_lag_operations_max",
        static_cast<double>(sums.lag_max),
        "How far the last copy is behind, of the shards that this node leads."
    );
}

void write_control(PrometheusWriter& out, const node::ClusterInfo& cluster) {
    const node::ClusterStatus& status = cluster.status;
    const auto up = static_cast<std::size_t>(std::count_if(
        cluster.members.begin(),
        cluster.members.end(),
        [](const node::ClusterInfo::Member& member) { return member.up; }
    ));
    out.family("cluster_members", Type::kGauge, "Nodes of the cluster.");
    out.sample(static_cast<double>(up), {{"state", "up"}});
    out.sample(static_cast<double>(cluster.members.size() - up), {{"state", "down"}});
    gauge(out, "cluster_has_leader", status.has_leader ? 1 : 0, "1 if this node knows a leader.");
    gauge(out, "cluster_leads", status.leads ? 1 : 0, "1 if this node is the leader.");
    counter(
        out,
        "control_committed_index_total",
        status.committed_index,
        "Commands of the control plane that are committed."
    );
    gauge(
        out,
        "writes_waiting",
        static_cast<double>(status.queued_writes),
        "Writes that were accepted and are not answered."
    );
    counter(
        out,
        "peers_refused_total",
        status.peers_refused,
        "Connections between nodes that were refused."
    );
    counter(out, "dials_failed_total", status.dials_failed, "Connections to nodes that failed.");
}

void write_machine(PrometheusWriter& out, const DialectOptions& options) {
    const Metrics gauges = options.gauges ? options.gauges() : Metrics();
    for (const auto& [name, text] : gauges) {
        if (const auto value = parse_decimal(text)) {
            const Type type = name.ends_with("_total") ? Type::kCounter : Type::kGauge;
            out.family(name, type, "Of the machine or the process.").sample(*value);
        }
    }
}

}  // namespace

void get_prometheus(const CallPtr& call) {
    call->context.node.cluster_in_detail(
        call->loop(),
        [call](const Result<node::ClusterInfo>& known) {
            const Context& context = call->context;
            std::string text;
            PrometheusWriter out(text);
            write_server(out, context);
            write_requests(out, context.stats);
            write_cache(out, context.cache.totals());
            write_collections(out, context.node.collections());
            write_shards(out, known.value());
            write_control(out, known.value());
            write_machine(out, context.options);
            count_answer(*call, 200);
            call->response
                ->respond(200, answer_headers(*call, kPrometheusContentType), std::move(text));
        }
    );
}

}  // namespace kumo::api_kumosearch
