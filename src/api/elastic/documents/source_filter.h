#pragma once

#include "api/elastic/json.h"
#include "api/elastic/request.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// Which members of a source are shown.
struct SourceFilter {
    bool show = true;
    std::vector<std::string> includes;
    std::vector<std::string> excludes;

    bool is_plain() const { return includes.empty() && excludes.empty(); }

    /// `_source`, `_source_includes`, `_source_excludes` of a query string.
    static SourceFilter of(const Parameters& parameters);
    /// `_source` of a body: false, "a.*", ["a"], {"includes": ..., "excludes": ...}.
    static Result<SourceFilter> of(const Json& json);

    Json apply(const Json& source) const;
};

/// The same of a query string as it would stand in a body; null if it says nothing of it.
Json source_json(const Parameters& parameters);

}  // namespace kumo::api_elastic
