#pragma once

#include "api/kumosearch/limits/limit_rules.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/published.h"
#include "node/node.h"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

/// What who is refused is told, with 429.
inline constexpr ByteView kLimited = "Rate limit exceeded or blocked";

/// Counts requests under the rules of the cluster, at this node. Requests of the last minute are
/// those of the minute that is running and, of the one before, the part that is not yet over.
/// Without rules a request costs one look.
/// Thread rule: guarded; any thread.
class RateLimiter {
public:
    static constexpr std::size_t kCountersMax = 10'000;  ///< The least recently used go.
    static constexpr std::size_t kBansMax = 10'000;      ///< The oldest go.

    /// Both outlive it.
    RateLimiter(const node::Node& node, const Clock& clock) : node_(node), clock_(clock) {}

    /// Counts a request, unless it is refused: then true.
    bool is_limited(ByteView key, std::string_view address) KUMO_EXCLUDES(mutex_);

    /// Who is above a limit: refused since the last request that was not.
    struct Exceed {
        std::uint64_t id = 0;
        std::string key;
        std::string address;
        std::uint64_t requests = 0;
    };

    /// Who is refused for hours. Seconds since the epoch.
    struct Ban {
        std::uint64_t id = 0;
        std::string key;
        std::string address;
        std::int64_t from = 0;
        std::int64_t to = 0;
    };

    /// By ascending id.
    std::vector<Exceed> exceeds() KUMO_EXCLUDES(mutex_);
    std::vector<Ban> bans() KUMO_EXCLUDES(mutex_);

    /// False if there is none with that id.
    bool forget_exceed(std::uint64_t id) KUMO_EXCLUDES(mutex_);
    bool lift_ban(std::uint64_t id) KUMO_EXCLUDES(mutex_);

private:
    /// Who is counted together: a key and an address, each of which may be kAnybody.
    struct Subject {
        std::string key;
        std::string address;

        // NOLINTNEXTLINE(modernize-use-nullptr): in what the compiler writes
        auto operator<=>(const Subject&) const = default;
    };

    /// Requests in spans of one length.
    struct Window {
        std::int64_t begin = 0;  ///< Seconds.
        std::int64_t current = 0;
        std::int64_t previous = 0;

        /// Goes on to the span that `now` is in; how many requests the last seconds had.
        double advance(std::int64_t now, std::int64_t span);
    };

    struct Counter {
        std::uint64_t rule = 0;
        Subject subject{};
        Window minute{};
        Window hour{};
        std::int64_t times_exceeded = 0;  ///< Of the minute's maximum.
        bool exceeds = false;
        std::uint64_t exceed_id = 0;
        std::uint64_t refused = 0;  ///< Since it exceeds.
    };

    /// The rules, parsed, and what they were parsed from.
    struct Parsed {
        std::shared_ptr<const node::NamedResources> stored;
        LimitRules rules;
    };

    using Counters = std::list<Counter>;

    std::shared_ptr<const Parsed> rules();
    Counter& counter_of(std::uint64_t rule, Subject subject) KUMO_REQUIRES(mutex_);
    bool is_banned(const Subject& subject, std::int64_t now) KUMO_REQUIRES(mutex_);
    void forget(const Subject& subject) KUMO_REQUIRES(mutex_);
    bool count(const LimitRule& rule, Counter& counter, std::int64_t now) KUMO_REQUIRES(mutex_);
    void ban(const LimitRule& rule, const Subject& subject, std::int64_t now) KUMO_REQUIRES(mutex_);

    const node::Node& node_;
    const Clock& clock_;
    Published<Parsed> rules_;
    Mutex mutex_;
    Counters counters_ KUMO_GUARDED_BY(mutex_);  ///< The most recently used first.
    std::map<std::pair<std::uint64_t, Subject>, Counters::iterator> by_subject_
        KUMO_GUARDED_BY(mutex_);
    std::map<Subject, Ban> bans_ KUMO_GUARDED_BY(mutex_);
    std::uint64_t next_exceed_id_ KUMO_GUARDED_BY(mutex_) = 0;
    std::uint64_t next_ban_id_ KUMO_GUARDED_BY(mutex_) = 0;
};

}  // namespace kumo::api_kumosearch
