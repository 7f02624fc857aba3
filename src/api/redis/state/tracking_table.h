#pragma once

#include "api/redis/session.h"
#include "base/bytes.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace kumo::api_redis {

/// Client-side caching: which session may hold a copy of which key, and who wants to hear of which
/// prefixes. Bounded by `tracking-table-max-keys`: beyond it, arbitrary keys are given up with an
/// invalidation. Thread rule: loop-owned.
class TrackingTable {
public:
    /// The session has read the key.
    void remember(ByteView key, SessionId session);
    /// Takes and forgets who may hold the key.
    std::vector<SessionId> take(ByteView key);
    /// Takes all: after a flush. The sessions.
    std::vector<SessionId> take_all();
    /// An arbitrary key, to be invalidated because the table is full; empty if there is none.
    std::string any_key() const;

    std::size_t keys() const { return keys_.size(); }

    template <class Visitor>
    void visit_keys(const Visitor& visit) const {
        for (const auto& [key, sessions] : keys_) {
            visit(key);
        }
    }

    std::size_t items() const { return items_; }

    void add_prefix(ByteView prefix, SessionId session);
    void remove_prefix(ByteView prefix, SessionId session);

    std::size_t prefixes() const { return prefixes_.size(); }

    /// For sessions with prefixes: a key has changed. `origin` made the change.
    void note_change(ByteView key, SessionId origin);

    /// One session's gathered keys.
    struct Gathered {
        SessionId session;
        std::vector<std::string> keys;
    };

    /// What was noted since the last call; `own(session, origin)` says whether that session does
    /// not want to hear of its own changes.
    std::vector<Gathered> take_noted(const std::function<bool(SessionId)>& no_loop);

    bool has_noted() const { return !noted_.empty(); }

private:
    std::unordered_map<std::string, std::set<SessionId>> keys_;
    std::size_t items_ = 0;
    std::map<std::string, std::set<SessionId>, std::less<>> prefixes_;
    std::map<std::string, SessionId> noted_;  ///< Key, and who changed it last.
};

}  // namespace kumo::api_redis
