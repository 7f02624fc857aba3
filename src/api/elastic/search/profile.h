#pragma once

#include "api/elastic/json.h"
#include "api/elastic/mapping/mapping.h"
#include "base/clock.h"

#include <cstdint>
#include <string>

namespace kumo::api_elastic {

/// How long the stages of a search's aggregations took, all of them together.
struct AggregationTimes {
    Duration initialize{};
    Duration build_leaf_collector{};
    Duration collect{};
    Duration post_collection{};
    Duration build_aggregation{};
};

/// What is told of a search of one index.
struct ProfiledSearch {
    std::string id;  ///< "[node][index][0]"
    const Mapping& mapping;
    const Json& query;
    const Json& aggregations;  ///< As they were asked for,
    const Json& answers;       ///< and their answers; null: none.
    std::uint64_t matches = 0;
    std::uint64_t parts = 0;
    Duration query_time{};
    Duration collect_time{};
    Duration fetch_time{};
    AggregationTimes times{};
};

/// One of "profile.shards". Times are measured of whole stages: the parts of a query, and the
/// aggregations beside one another, show the same.
Json profile_json(const ProfiledSearch& search);

}  // namespace kumo::api_elastic
