#include "api/redis/state/key_interest.h"

namespace kumo::api_redis {

void KeyInterest::add(int db, ByteView key, SessionId session) {
    keys_[{db, std::string(key)}].push_back(session);
}

void KeyInterest::remove(int db, ByteView key, SessionId session) {
    const auto at = keys_.find({db, std::string(key)});
    if (at == keys_.end()) {
        return;
    }
    std::erase(at->second, session);
    if (at->second.empty()) {
        keys_.erase(at);
    }
}

const std::vector<SessionId>& KeyInterest::sessions(int db, ByteView key) const {
    static const std::vector<SessionId> kNone;
    if (keys_.empty()) {
        return kNone;
    }
    const auto at = keys_.find({db, std::string(key)});
    return at == keys_.end() ? kNone : at->second;
}

std::vector<std::string> KeyInterest::keys_of(int db) const {
    std::vector<std::string> out;
    for (auto at = keys_.lower_bound({db, {}}); at != keys_.end() && at->first.first == db; ++at) {
        out.push_back(at->first.second);
    }
    return out;
}

}  // namespace kumo::api_redis
