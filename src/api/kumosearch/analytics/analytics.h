#pragma once

#include "api/kumosearch/analytics/analytics_rules.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/published.h"
#include "node/node.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kumo::api_kumosearch {

/// What rules have counted and noted and what is not in their collections yet. A value.
struct AnalyticsPending {
    struct Query {
        std::string q;
        std::string filter_by;
        std::string tag;

        // NOLINTNEXTLINE(modernize-use-nullptr): in what the compiler writes
        auto operator<=>(const Query&) const = default;
    };

    struct Event {
        std::string rule;
        std::string user;
        std::int64_t timestamp = 0;  ///< Microseconds since the epoch.
        std::string json;            ///< As it is shown.
    };

    std::map<std::string, std::map<Query, std::int64_t>> queries;  ///< By rule.
    std::map<std::string, std::map<std::string, std::int64_t>> documents;
    std::deque<Event> events;

    bool empty() const { return queries.empty() && documents.empty() && events.empty(); }
};

/// For a file (docs/formats/analytics.md). Whatever is not well formed is left out.
std::string encode_pending(const AnalyticsPending& pending);
AnalyticsPending decode_pending(const std::string& bytes);

/// One search that was answered.
struct SearchNote {
    std::string collection;
    std::string q;
    std::string filter_by;
    std::string tag;
    std::string user;  ///< Whoever types; an address if nothing else is known.
    std::uint64_t found = 0;
};

/// Counts searches and events under the rules of the cluster, at this node, until they are flushed
/// into collections. What one user types within a few seconds is one query, the last.
/// Thread rule: guarded; any thread. Without rules a search costs one look.
class Analytics {
public:
    static constexpr std::size_t kTypingMax = 10'000;     ///< Queries being typed.
    static constexpr std::size_t kCountersMax = 100'000;  ///< Queries and documents.
    static constexpr std::size_t kCounterBytesMax = std::size_t{64} << 20;  ///< Of their names.
    static constexpr std::size_t kEventsMax = 10'000;
    static constexpr std::size_t kEventBytesMax = std::size_t{8} << 10;
    static constexpr std::size_t kQueryBytesMax = 1024;
    static constexpr std::size_t kFilterBytesMax = std::size_t{8} << 10;  ///< And of a tag.
    static constexpr std::size_t kAddressesMax = 1024;

    struct Options {
        bool captures_searches = false;
        std::uint32_t events_per_minute = 5;  ///< Of one address.
        std::string pending{};                ///< Of the run before, or empty.
    };

    /// Node and clock outlive it.
    Analytics(const node::Node& node, const Clock& clock, const Options& options);

    /// Whether note_search() may be of interest.
    bool wants_searches() const;

    void note_search(const SearchNote& note) KUMO_EXCLUDES(mutex_);

    /// One event that a client tells of. kInvalidArgument in the words clients know;
    /// kOverloaded: too many of this address.
    Status add_event(wire::JsonValue event, const std::string& address) KUMO_EXCLUDES(mutex_);

    /// The last events of a user that are not in the collection yet, newest first.
    std::vector<AnalyticsPending::Event>
    events_of(std::string_view user, std::string_view rule, std::size_t most) KUMO_EXCLUDES(mutex_);

    std::shared_ptr<const AnalyticsRules> rules() const;

    /// Everything, to be flushed.
    AnalyticsPending take() KUMO_EXCLUDES(mutex_);

    /// What could not be flushed.
    void give_back(AnalyticsPending pending) KUMO_EXCLUDES(mutex_);

    /// For a file; nothing if it is what it was at the last call.
    std::optional<std::string> changes() KUMO_EXCLUDES(mutex_);

    struct Sizes {
        std::size_t typing[3] = {};  ///< Popular, without hits, logged.
        std::size_t query_events = 0;
        std::size_t query_counters = 0;
        std::size_t document_events = 0;
        std::size_t document_counters = 0;
    };

    Sizes sizes() KUMO_EXCLUDES(mutex_);

private:
    struct Typing {
        AnalyticsPending::Query query;
        MonotonicTime at;
    };

    struct Address {
        std::int64_t minute = 0;
        std::uint32_t events = 0;
    };

    struct Parsed {
        std::shared_ptr<const node::NamedResources> stored;
        AnalyticsRules rules;
    };

    void settle(const AnalyticsRules& rules, bool all) KUMO_REQUIRES(mutex_);
    void settle_one(
        const AnalyticsRules& rules,
        const std::pair<std::string, std::string>& who,
        const Typing& typing
    ) KUMO_REQUIRES(mutex_);
    void count(const std::string& rule, AnalyticsPending::Query query, std::int64_t by)
        KUMO_REQUIRES(mutex_);
    void count(const std::string& rule, std::string document, std::int64_t by)
        KUMO_REQUIRES(mutex_);
    bool has_room(std::size_t bytes) KUMO_REQUIRES(mutex_);
    void log(AnalyticsPending::Event event) KUMO_REQUIRES(mutex_);
    bool admit(const std::string& address) KUMO_REQUIRES(mutex_);
    std::int64_t now_us() const;

    const node::Node& node_;
    const Clock& clock_;
    const bool captures_searches_;
    const std::uint32_t events_per_minute_;
    mutable Published<Parsed> rules_;
    Mutex mutex_;
    /// By rule and user.
    std::map<std::pair<std::string, std::string>, Typing> typing_ KUMO_GUARDED_BY(mutex_);
    AnalyticsPending pending_ KUMO_GUARDED_BY(mutex_);
    std::size_t counters_ KUMO_GUARDED_BY(mutex_) = 0;
    std::size_t counter_bytes_ KUMO_GUARDED_BY(mutex_) = 0;
    bool changed_ KUMO_GUARDED_BY(mutex_) = false;
    std::map<std::string, Address> addresses_ KUMO_GUARDED_BY(mutex_);
};

}  // namespace kumo::api_kumosearch
