#include "api/redis/state/acl_log.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr std::int64_t kSameWithinMs = 60'000;
constexpr std::size_t kSameAmong = 10;

bool same(const AclLog::Entry& a, const AclLog::Entry& b) {
    return a.reason == b.reason && a.place == b.place && b.at_ms - a.at_ms <= kSameWithinMs
           && a.object == b.object && a.user == b.user;
}

}  // namespace

void AclLog::add(Entry entry, std::size_t entries_max) {
    const auto end =
        entries_.begin() + static_cast<std::ptrdiff_t>(std::min(entries_.size(), kSameAmong));
    const auto known = std::find_if(entries_.begin(), end, [&entry](const Entry& one) {
        return same(one, entry);
    });
    if (known != end) {
        entry.count = known->count + 1;
        entries_.erase(known);
    }
    entries_.push_front(std::move(entry));
    if (entries_.size() > entries_max) {
        entries_.resize(entries_max);
    }
}

ByteView AclLog::name_of(Reason reason) {
    switch (reason) {
        case Reason::kCommand: return "command";
        case Reason::kKey: return "key";
        case Reason::kChannel: return "channel";
        case Reason::kAuth: return "auth";
    }
    return {};
}

ByteView AclLog::name_of(Place place) {
    switch (place) {
        case Place::kToplevel: return "toplevel";
        case Place::kMulti: return "multi";
        case Place::kScript: return "lua";
    }
    return {};
}

}  // namespace kumo::api_redis
