#include "api/elastic/stats_sections.h"

#include "api/elastic/index_stats.h"
#include "api/elastic/usage.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// Of an empty translog's file.
constexpr std::uint64_t kTranslogHeaderBytes = 55;
/// A value's place in memory, where there is no better measure.
constexpr std::uint64_t kValueBytes = 8;

Json zeros(std::initializer_list<const char*> names) {
    Json out = Json::object();
    for (const char* const name : names) {
        out[name] = 0;
    }
    return out;
}

bool fits_any(const std::string& patterns, const std::string& name) {
    const std::vector<std::string> list = split_list(patterns);
    return std::any_of(list.begin(), list.end(), [&name](const std::string& pattern) {
        return matches_wildcard(pattern, name);
    });
}

Json by_field(
    const char* measure,
    const std::map<std::string, std::uint64_t>& sizes,
    const std::string& wanted
) {
    std::uint64_t sum = 0;
    Json fields = Json::object();
    for (const auto& [name, bytes] : sizes) {
        sum += bytes;
        if (fits_any(wanted, name)) {
            fields[name] = Json::object({{measure, bytes}});
        }
    }
    Json out = Json::object({{measure, sum}});
    if (!fields.empty()) {
        out["fields"] = std::move(fields);
    }
    return out;
}

Json indexing(const IndexUse& use) {
    Json out = zeros(
        {"index_total",
         "index_time_in_millis",
         "index_current",
         "index_failed",
         "delete_total",
         "delete_time_in_millis",
         "delete_current",
         "noop_update_total"}
    );
    out["index_total"] = use[Use::kIndexed];
    out["delete_total"] = use[Use::kDeleted];
    out["noop_update_total"] = use[Use::kNoop];
    out["is_throttled"] = false;
    out["throttle_time_in_millis"] = 0;
    out["doc_status"] = Json::object();
    return out;
}

Json gets(const IndexUse& use) {
    Json out = zeros({"total", "time_in_millis"});
    out["total"] = use[Use::kGetFound] + use[Use::kGetMissing];
    out["exists_total"] = use[Use::kGetFound];
    out["exists_time_in_millis"] = 0;
    out["missing_total"] = use[Use::kGetMissing];
    out["missing_time_in_millis"] = 0;
    out["current"] = 0;
    return out;
}

Json search_counts(std::uint64_t queries, std::uint64_t fetches) {
    Json out = zeros(
        {"query_total",
         "query_time_in_millis",
         "query_current",
         "concurrent_query_total",
         "concurrent_query_time_in_millis",
         "concurrent_query_current",
         "fetch_total",
         "fetch_time_in_millis",
         "fetch_current",
         "scroll_total",
         "scroll_time_in_millis",
         "scroll_current",
         "point_in_time_total",
         "point_in_time_time_in_millis",
         "point_in_time_current",
         "suggest_total",
         "suggest_time_in_millis",
         "suggest_current"}
    );
    out["query_total"] = queries;
    out["fetch_total"] = fetches;
    return out;
}

Json searches(const IndexUse& use, const std::string& groups) {
    Json out = Json::object({{"open_contexts", 0}});
    out.merge(search_counts(use[Use::kQuery], use[Use::kFetch]));
    out["scroll_total"] = use[Use::kScroll];
    out["suggest_total"] = use[Use::kSuggest];
    Json shown = Json::object();
    for (const auto& [name, count] : use.groups) {
        if (groups == "_all" || fits_any(groups, name)) {
            shown[name] = search_counts(count, count);
        }
    }
    if (!shown.empty()) {
        out["groups"] = std::move(shown);
    }
    return out;
}

std::map<std::string, std::uint64_t> completion_sizes(const Index& index, const IndexSizes& sizes) {
    std::map<std::string, std::uint64_t> out;
    for (const auto& [path, field] : index.mapping->fields()) {
        if (field.kind == FieldKind::kCompletion) {
            out[path] = sizes.documents * kValueBytes;
        }
    }
    return out;
}

Json segments(const IndexSizes& sizes, bool open, const StatsDetails& details) {
    Json out = Json::object({{"count", open || details.unloaded ? sizes.segments : 0}});
    out.merge(zeros(
        {"memory_in_bytes",
         "terms_memory_in_bytes",
         "stored_fields_memory_in_bytes",
         "term_vectors_memory_in_bytes",
         "norms_memory_in_bytes",
         "points_memory_in_bytes",
         "doc_values_memory_in_bytes",
         "index_writer_memory_in_bytes",
         "version_map_memory_in_bytes",
         "fixed_bit_set_memory_in_bytes"}
    ));
    out["max_unsafe_auto_id_timestamp"] = -1;
    out["file_sizes"] = Json::object();
    if (details.file_sizes) {
        out["file_sizes"]["seg"] = Json::object(
            {{"size_in_bytes", sizes.bytes}, {"description", "documents, terms and columns"}}
        );
    }
    return out;
}

Json translog(const IndexUse& use, bool open) {
    const std::uint64_t operations = open ? use[Use::kSinceFlush] : 0;
    const std::uint64_t bytes = kTranslogHeaderBytes + (open ? use[Use::kSinceFlushBytes] : 0);
    return Json::object(
        {{"operations", operations},
         {"size_in_bytes", bytes},
         {"uncommitted_operations", operations},
         {"uncommitted_size_in_bytes", bytes},
         {"earliest_last_modified_age", 0}}
    );
}

}  // namespace

Result<StatsDetails> StatsDetails::of(const Parameters& parameters) {
    StatsDetails out;
    const std::string fields = parameters.text("fields");
    out.fielddata_fields = parameters.text("fielddata_fields", fields);
    out.completion_fields = parameters.text("completion_fields", fields);
    out.groups = parameters.text("groups");
    KUMO_TRY_ASSIGN(out.file_sizes, parameters.flag("include_segment_file_sizes", false));
    KUMO_TRY_ASSIGN(out.unloaded, parameters.flag("include_unloaded_segments", false));
    return out;
}

Json stats_sections(const Context& context, const Index& index, const StatsDetails& details) {
    const IndexSizes sizes = index_sizes(context, index);
    const IndexUse use = context.usage.of(index.uuid);
    Json out = Json::object();
    out["docs"] = Json::object({{"count", sizes.documents}, {"deleted", sizes.deleted}});
    out["store"] = Json::object({{"size_in_bytes", sizes.bytes}, {"reserved_in_bytes", 0}});
    out["indexing"] = indexing(use);
    out["get"] = gets(use);
    out["search"] = searches(use, details.groups);
    out["merges"] = zeros(
        {"current",
         "current_docs",
         "current_size_in_bytes",
         "total",
         "total_time_in_millis",
         "total_docs",
         "total_size_in_bytes",
         "total_stopped_time_in_millis",
         "total_throttled_time_in_millis",
         "total_auto_throttle_in_bytes"}
    );
    out["refresh"] = Json::object(
        {{"total", use[Use::kRefresh]},
         {"total_time_in_millis", 0},
         {"external_total", use[Use::kRefresh]},
         {"external_total_time_in_millis", 0},
         {"listeners", 0}}
    );
    out["flush"] =
        Json::object({{"total", use[Use::kFlush]}, {"periodic", 0}, {"total_time_in_millis", 0}});
    out["warmer"] = zeros({"current", "total", "total_time_in_millis"});
    out["query_cache"] = zeros(
        {"memory_size_in_bytes",
         "total_count",
         "hit_count",
         "miss_count",
         "cache_size",
         "cache_count",
         "evictions"}
    );
    out["fielddata"] = by_field("memory_size_in_bytes", use.fielddata, details.fielddata_fields);
    out["fielddata"]["evictions"] = 0;
    out["completion"] =
        by_field("size_in_bytes", completion_sizes(index, sizes), details.completion_fields);
    out["segments"] = segments(sizes, !index.closed, details);
    out["translog"] = translog(use, !index.closed);
    out["request_cache"] = Json::object(
        {{"memory_size_in_bytes", 0},
         {"evictions", 0},
         {"hit_count", use[Use::kCacheHit]},
         {"miss_count", use[Use::kCacheMiss]}}
    );
    out["recovery"] = zeros({"current_as_source", "current_as_target", "throttle_time_in_millis"});
    return out;
}

void add_numbers(Json& into, const Json& value) {
    for (const auto& [name, member] : value.members()) {
        Json& target = into[name];
        if (member.is_object()) {
            if (!target.is_object()) {
                target = Json::object();
            }
            add_numbers(target, member);
        } else if (member.is_int64()) {
            target = (target.is_int64() ? target.as_int64() : 0) + member.as_int64();
        } else {
            target = member;
        }
    }
}

}  // namespace kumo::api_elastic
