#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace kumo::api_redis {

using SessionId = std::uint64_t;

/// What one session listens to.
struct Subscriptions {
    std::set<std::string> channels;
    std::set<std::string> patterns;
    std::set<std::string> shard_channels;

    std::size_t count() const { return channels.size() + patterns.size(); }

    bool any() const { return count() + shard_channels.size() > 0; }
};

/// Who listens to what: publish and subscribe, plain, by pattern and sharded.
/// Thread rule: loop-owned.
class Channels {
public:
    /// A message for one session: the pattern is empty unless it came by one.
    using Deliver =
        std::function<void(SessionId, ByteView pattern, ByteView channel, ByteView message)>;

    // True: it is new to the session.
    bool subscribe(SessionId session, Subscriptions& of, ByteView channel);
    bool unsubscribe(SessionId session, Subscriptions& of, ByteView channel);
    bool subscribe_pattern(SessionId session, Subscriptions& of, ByteView pattern);
    bool unsubscribe_pattern(SessionId session, Subscriptions& of, ByteView pattern);
    bool subscribe_shard(SessionId session, Subscriptions& of, ByteView channel);
    bool unsubscribe_shard(SessionId session, Subscriptions& of, ByteView channel);
    void remove(SessionId session, Subscriptions& of);

    /// Returns how many sessions got it (one that has both channel and pattern counts twice).
    std::size_t publish(ByteView channel, ByteView message, const Deliver& deliver) const;
    std::size_t publish_shard(ByteView channel, ByteView message, const Deliver& deliver) const;

    /// Nobody listens to anything but shard channels.
    bool quiet() const { return channels_.empty() && patterns_.empty(); }

    std::vector<std::string> active(ByteView pattern) const;  ///< Channels that match; "": all.
    std::vector<std::string> active_shard(ByteView pattern) const;
    std::size_t subscribers(ByteView channel) const;
    std::size_t shard_subscribers(ByteView channel) const;

    std::size_t pattern_count() const { return patterns_.size(); }

    std::size_t channel_count() const { return channels_.size(); }

    std::size_t shard_channel_count() const { return shard_channels_.size(); }

    std::vector<std::string> shard_channels() const { return active_shard({}); }

    std::vector<SessionId> shard_listeners(ByteView channel) const;

private:
    using Listeners = std::map<std::string, std::vector<SessionId>, std::less<>>;

    static bool add(Listeners& to, std::set<std::string>& own, SessionId session, ByteView name);
    static bool drop(Listeners& from, std::set<std::string>& own, SessionId session, ByteView name);
    static std::vector<std::string> names(const Listeners& of, ByteView pattern);

    Listeners channels_;
    Listeners patterns_;
    Listeners shard_channels_;
};

}  // namespace kumo::api_redis
