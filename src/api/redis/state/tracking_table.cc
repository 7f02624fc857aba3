#include "api/redis/state/tracking_table.h"

#include <utility>

namespace kumo::api_redis {

void TrackingTable::remember(ByteView key, SessionId session) {
    items_ += keys_[std::string(key)].insert(session).second ? 1 : 0;
}

std::vector<SessionId> TrackingTable::take(ByteView key) {
    const auto at = keys_.find(std::string(key));
    if (at == keys_.end()) {
        return {};
    }
    std::vector<SessionId> sessions(at->second.begin(), at->second.end());
    items_ -= sessions.size();
    keys_.erase(at);
    return sessions;
}

std::vector<SessionId> TrackingTable::take_all() {
    std::set<SessionId> all;
    for (const auto& [key, sessions] : keys_) {
        all.insert(sessions.begin(), sessions.end());
    }
    keys_.clear();
    items_ = 0;
    return {all.begin(), all.end()};
}

std::string TrackingTable::any_key() const {
    return keys_.empty() ? std::string() : keys_.begin()->first;
}

void TrackingTable::add_prefix(ByteView prefix, SessionId session) {
    prefixes_[std::string(prefix)].insert(session);
}

void TrackingTable::remove_prefix(ByteView prefix, SessionId session) {
    const auto at = prefixes_.find(prefix);
    if (at != prefixes_.end() && at->second.erase(session) > 0 && at->second.empty()) {
        prefixes_.erase(at);
    }
}

void TrackingTable::note_change(ByteView key, SessionId origin) {
    if (!prefixes_.empty()) {
        noted_[std::string(key)] = origin;
    }
}

std::vector<TrackingTable::Gathered> TrackingTable::take_noted(
    const std::function<bool(SessionId)>& no_loop
) {
    const auto noted = std::exchange(noted_, {});
    std::vector<Gathered> out;
    for (const auto& [prefix, sessions] : prefixes_) {
        for (const SessionId session : sessions) {
            Gathered gathered{session, {}};
            for (const auto& [key, origin] : noted) {
                if (key.starts_with(prefix) && !(origin == session && no_loop(session))) {
                    gathered.keys.push_back(key);
                }
            }
            if (!gathered.keys.empty()) {
                out.push_back(std::move(gathered));
            }
        }
    }
    return out;
}

}  // namespace kumo::api_redis
