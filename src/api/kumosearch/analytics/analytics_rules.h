#pragma once

#include "base/result.h"
#include "node/resource.h"
#include "wire/json.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Rules of what is counted and noted, as clients put them. Stateless.
namespace kumo::api_kumosearch {

inline constexpr std::size_t kAnalyticsRulesMax = 1000;
inline constexpr std::int64_t kAnalyticsLimitMax = 10'000;  ///< Queries that a rule keeps.

struct AnalyticsRule {
    enum class Type : std::uint8_t {
        kPopularQueries,
        kNohitsQueries,
        kCounter,
        kLog
    };

    std::string name;
    Type type = Type::kLog;
    std::string event_type;  ///< "search", "click", ...
    std::string collection;
    std::string rule_tag{};
    std::string destination{};  ///< A collection; empty for logs.
    std::int64_t limit = 0;     ///< Of queries.
    bool expand_query = false;
    bool captures = true;  ///< Searches count without being told.
    bool keeps_filter = false;
    bool keeps_tag = false;
    std::string counter_field{};
    std::int64_t weight = 1;

    bool is_about_searches() const { return event_type == "search"; }

    bool counts_queries() const {
        return type == Type::kPopularQueries || type == Type::kNohitsQueries;
    }
};

/// The rule in a client's words; `before` is the one that is changed, or null. kInvalidArgument, in
/// the words clients know. Whether collections are there is not looked at.
Result<AnalyticsRule> read_analytics_rule(wire::JsonValue body, const AnalyticsRule* before);

/// What is stored and shown.
std::string write_analytics_rule(const AnalyticsRule& rule);

/// A rule as it was stored; nothing if this version does not know it.
std::optional<AnalyticsRule> stored_analytics_rule(const node::Resource& resource);

/// By name.
using AnalyticsRules = std::map<std::string, AnalyticsRule, std::less<>>;

AnalyticsRules stored_analytics_rules(const node::NamedResources& stored);

}  // namespace kumo::api_kumosearch
