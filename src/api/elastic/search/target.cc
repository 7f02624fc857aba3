#include "api/elastic/search/target.h"

#include "api/elastic/fault.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/resolver.h"

#include <utility>

namespace kumo::api_elastic {

Result<std::vector<SearchTarget>>
search_targets(const Context& context, std::string_view expression, const IndicesOptions& options) {
    KUMO_TRY_ASSIGN(const auto resolved, resolve(context, expression, options));
    std::vector<SearchTarget> out;
    for (const ResolvedIndex& one : resolved) {
        if (one.index->closed) {
            continue;
        }
        if (one.index->setting("index.blocks.read") == "true") {
            return fault(
                "cluster_block_exception",
                "index [" + one.index->name + "] blocked by: [FORBIDDEN/7/index read (api)];"
            );
        }
        KUMO_TRY_ASSIGN(auto snapshot, context.pins.snapshot(one.index->name));
        out.push_back({one.index, std::move(snapshot), alias_filter(one), one.aliases});
    }
    return out;
}

Error shard_failure(const std::string& index, const Error& cause) {
    const Fault why = fault_of(cause);
    return fault(
        "search_phase_execution_exception",
        index + kFaultSeparator + why.type + kFaultSeparator + why.reason
    );
}

}  // namespace kumo::api_elastic
