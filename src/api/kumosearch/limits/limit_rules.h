#pragma once

#include "base/result.h"
#include "node/resource.h"
#include "wire/json.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Rules of who may ask how often: what clients put, and what is looked up for each request.
/// Stateless.
namespace kumo::api_kumosearch {

inline constexpr std::size_t kLimitRulesMax = 1000;
inline constexpr std::size_t kLimitEntitiesMax = 1000;  ///< Addresses and keys of one rule, each.

/// Stands for every address, or every key.
inline constexpr std::string_view kAnybody = ".*";

/// A key as rules name it: not the key, but "sha256:" and its digest in hexadecimal.
std::string limited_key(ByteView key);

struct LimitRule {
    enum class Action : std::uint8_t {
        kAllow,
        kBlock,
        kThrottle
    };

    std::uint64_t id = 0;
    Action action = Action::kAllow;
    std::int64_t priority = 0;  ///< The lowest one that fits counts.
    std::vector<std::string> addresses{};
    std::vector<std::string> keys{};
    // Below 0: not set.
    std::int64_t minute_max = -1;
    std::int64_t hour_max = -1;
    std::int64_t ban_threshold = -1;
    std::int64_t ban_hours = -1;
    bool per_address = false;  ///< Each address that fits is counted for itself.

    bool fits(std::string_view key, std::string_view address) const;
};

/// The rule in a client's words; kInvalidArgument in theirs. Keys become digests.
Result<LimitRule> read_limit_rule(std::uint64_t id, wire::JsonValue body);

/// What is stored and shown.
std::string write_limit_rule(const LimitRule& rule);

/// A rule as it was stored; nothing if this version does not know it.
std::optional<LimitRule> stored_limit_rule(const node::Resource& resource);

/// All rules, by their order. Immutable.
class LimitRules {
public:
    explicit LimitRules(const node::NamedResources& stored);

    bool empty() const { return rules_.empty(); }

    /// Whether any names a key: else nobody needs a request's digest.
    bool name_keys() const { return name_keys_; }

    /// The rule that counts, or null.
    const LimitRule* find(std::string_view key, std::string_view address) const;

private:
    std::vector<LimitRule> rules_;  ///< By priority, then id.
    /// Those that name a key, by it; the others by address.
    std::multimap<std::string, std::size_t, std::less<>> by_name_;
    bool name_keys_ = false;
};

}  // namespace kumo::api_kumosearch
