#pragma once

#include "api/elastic/index_store.h"
#include "api/elastic/script/script.h"

#include <memory>
#include <string>

namespace kumo::api_elastic {

/// A script as a request names it: {"source": ..., "params": ..., "lang": ...}, {"id": ...} of a
/// stored one, or a text alone.
struct NamedScript {
    std::shared_ptr<const Script> script;
    Json params;

    /// illegal_argument_exception, resource_not_found_exception, script_exception.
    static Result<NamedScript> of(const ClusterStore& cluster, const Json& json);

    /// What every run of it sees: its params. This outlives it.
    ScriptScope scope() const;

    /// Of a document that is written: `ctx` is {"op", "_source", "_id", ...}. Changes it.
    Status change(Json& ctx) const;
};

}  // namespace kumo::api_elastic
