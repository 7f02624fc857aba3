#pragma once

#include "api/redis/state/channels.h"
#include "base/bytes.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kumo::api_redis {

/// Which sessions wait for or watch which keys: the registry behind WATCH and behind blocking
/// commands. Sessions of one key keep the order in which they came. Thread rule: loop-owned.
class KeyInterest {
public:
    void add(int db, ByteView key, SessionId session);
    void remove(int db, ByteView key, SessionId session);
    /// In order; empty if nobody.
    const std::vector<SessionId>& sessions(int db, ByteView key) const;

    bool empty() const { return keys_.empty(); }

    std::size_t size() const { return keys_.size(); }

    /// The keys of a database that somebody is interested in.
    std::vector<std::string> keys_of(int db) const;

private:
    std::map<std::pair<int, std::string>, std::vector<SessionId>> keys_;
};

}  // namespace kumo::api_redis
