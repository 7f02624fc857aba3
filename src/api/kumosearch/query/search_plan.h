#pragma once

#include "api/kumosearch/options.h"
#include "api/kumosearch/parameters.h"
#include "api/kumosearch/query/field_selection.h"
#include "api/kumosearch/query/joined_fields.h"
#include "base/result.h"
#include "search/query/request.h"
#include "search/schema/schema.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_kumosearch {

/// How a result is shown.
struct ResultShape {
    FieldSelection fields;
    std::vector<JoinShape> joins;          ///< One for each include of the request.
    std::vector<std::string> facet_names;  ///< One for each facet.
    std::uint64_t page = 1;
    std::optional<std::uint64_t> offset;  ///< Shown in place of the page when it was asked for.
    std::uint64_t per_page = 10;
    std::string q;
    std::string metadata;  ///< A JSON object to send along, or empty.
    std::uint32_t max_facet_values = 10;
    bool highlights_list = true;  ///< The older form, `highlights`, beside `highlight`.
    bool show_out_of = true;
    bool show_time = true;
};

/// One search, understood.
struct SearchPlan {
    search::SearchRequest request;
    ResultShape shape;
};

/// Translates search parameters into the engine's request. Stateless. Errors are in the words
/// clients know: kInvalidArgument, kNotFound (fields), kLimitExceeded, and kUnsupported for
/// documented parameters that this version does not have. Without `joins` nothing can be joined.
Result<SearchPlan> plan_search(
    const Parameters& parameters,
    const search::Schema& schema,
    const DialectOptions& options,
    JoinPlanner* joins = nullptr
);

}  // namespace kumo::api_kumosearch
