#pragma once

#include "api/elastic/context.h"
#include "api/elastic/index_store.h"
#include "api/elastic/json.h"
#include "api/elastic/request.h"

#include <string>

namespace kumo::api_elastic {

/// Which details of statistics a request wants by name; patterns between commas.
struct StatsDetails {
    std::string fielddata_fields;
    std::string completion_fields;
    std::string groups;
    bool file_sizes = false;
    bool unloaded = false;  ///< Segments of closed indices.

    static Result<StatsDetails> of(const Parameters& parameters);
};

/// The sections of an index's statistics, in order: {"docs": ..., "store": ..., ...}. Counts that
/// nothing here has are 0.
Json stats_sections(const Context& context, const Index& index, const StatsDetails& details);

/// Adds numbers, member by member; what is no number is taken over.
void add_numbers(Json& into, const Json& value);

}  // namespace kumo::api_elastic
