#include "api/redis/state/channels.h"

#include "kv/keyspace/glob.h"

#include <algorithm>

namespace kumo::api_redis {

bool Channels::add(Listeners& to, std::set<std::string>& own, SessionId session, ByteView name) {
    if (!own.emplace(name).second) {
        return false;
    }
    to[std::string(name)].push_back(session);
    return true;
}

bool Channels::drop(Listeners& from, std::set<std::string>& own, SessionId session, ByteView name) {
    const std::string copy(name);  // `name` may lie in `own`.
    if (own.erase(copy) == 0) {
        return false;
    }
    const auto at = from.find(copy);
    std::erase(at->second, session);
    if (at->second.empty()) {
        from.erase(at);
    }
    return true;
}

bool Channels::subscribe(SessionId session, Subscriptions& of, ByteView channel) {
    return add(channels_, of.channels, session, channel);
}

bool Channels::unsubscribe(SessionId session, Subscriptions& of, ByteView channel) {
    return drop(channels_, of.channels, session, channel);
}

bool Channels::subscribe_pattern(SessionId session, Subscriptions& of, ByteView pattern) {
    return add(patterns_, of.patterns, session, pattern);
}

bool Channels::unsubscribe_pattern(SessionId session, Subscriptions& of, ByteView pattern) {
    return drop(patterns_, of.patterns, session, pattern);
}

bool Channels::subscribe_shard(SessionId session, Subscriptions& of, ByteView channel) {
    return add(shard_channels_, of.shard_channels, session, channel);
}

bool Channels::unsubscribe_shard(SessionId session, Subscriptions& of, ByteView channel) {
    return drop(shard_channels_, of.shard_channels, session, channel);
}

void Channels::remove(SessionId session, Subscriptions& of) {
    while (!of.channels.empty()) {
        drop(channels_, of.channels, session, *of.channels.begin());
    }
    while (!of.patterns.empty()) {
        drop(patterns_, of.patterns, session, *of.patterns.begin());
    }
    while (!of.shard_channels.empty()) {
        drop(shard_channels_, of.shard_channels, session, *of.shard_channels.begin());
    }
}

std::size_t Channels::publish(ByteView channel, ByteView message, const Deliver& deliver) const {
    std::size_t receivers = 0;
    if (const auto at = channels_.find(channel); at != channels_.end()) {
        for (const SessionId session : at->second) {
            deliver(session, {}, channel, message);
            ++receivers;
        }
    }
    for (const auto& [pattern, sessions] : patterns_) {
        if (!kv::glob_matches(pattern, channel)) {
            continue;
        }
        for (const SessionId session : sessions) {
            deliver(session, pattern, channel, message);
            ++receivers;
        }
    }
    return receivers;
}

std::size_t Channels::publish_shard(ByteView channel, ByteView message, const Deliver& deliver)
    const {
    const auto at = shard_channels_.find(channel);
    if (at == shard_channels_.end()) {
        return 0;
    }
    for (const SessionId session : at->second) {
        deliver(session, {}, channel, message);
    }
    return at->second.size();
}

std::vector<std::string> Channels::names(const Listeners& of, ByteView pattern) {
    std::vector<std::string> out;
    for (const auto& [name, sessions] : of) {
        if (pattern.empty() || kv::glob_matches(pattern, name)) {
            out.push_back(name);
        }
    }
    return out;
}

std::vector<std::string> Channels::active(ByteView pattern) const {
    return names(channels_, pattern);
}

std::vector<std::string> Channels::active_shard(ByteView pattern) const {
    return names(shard_channels_, pattern);
}

std::size_t Channels::subscribers(ByteView channel) const {
    const auto at = channels_.find(channel);
    return at == channels_.end() ? 0 : at->second.size();
}

std::size_t Channels::shard_subscribers(ByteView channel) const {
    const auto at = shard_channels_.find(channel);
    return at == shard_channels_.end() ? 0 : at->second.size();
}

std::vector<SessionId> Channels::shard_listeners(ByteView channel) const {
    const auto at = shard_channels_.find(channel);
    return at == shard_channels_.end() ? std::vector<SessionId>{} : at->second;
}

}  // namespace kumo::api_redis
