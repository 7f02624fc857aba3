#pragma once

#include "api/elastic/context.h"
#include "api/elastic/fault.h"
#include "api/elastic/index_store.h"
#include "api/elastic/request.h"
#include "api/elastic/resolver.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

/// What the handlers of administration share.
namespace kumo::api_elastic {

inline Json acknowledged() {
    return Json::object({{"acknowledged", true}});
}

/// Resolves the request's {index} with the options it gives.
inline Result<std::vector<ResolvedIndex>>
resolve_request(const Request& request, const IndicesOptions& options) {
    KUMO_TRY_ASSIGN(const IndicesOptions with, options.with(request.parameters));
    return resolve(request.context, request.part("index"), with);
}

/// {"total": n, "successful": n, "failed": 0}: of an operation on all copies of these indices.
inline Json broadcast_shards(const std::vector<ResolvedIndex>& indices) {
    std::int64_t total = 0;
    std::int64_t successful = 0;
    for (const ResolvedIndex& one : indices) {
        total += one.index->shards() * (1 + one.index->replicas());
        successful += one.index->shards();
    }
    return Json::object({{"total", total}, {"successful", successful}, {"failed", 0}});
}

/// Takes the next line, without its end.
inline std::string_view next_line(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

/// Settings as they are shown: nested, or flat if the request says so.
Json shown_settings(const Request& request, const Json& flat);

/// The settings of an index with what the system adds: uuid, creation_date, ...
Json index_settings(const Index& index);

}  // namespace kumo::api_elastic
