#include "kv/command/words.h"

#include <algorithm>
#include <array>
#include <string>

namespace kumo::kv {
namespace {

constexpr std::array<FlagName, 20> kFlags{{
    {"write", kFlagWrite, true},
    {"readonly", kFlagReadonly, true},
    {"denyoom", kFlagDenyOom, true},
    {"admin", kFlagAdmin, true},
    {"pubsub", kFlagPubsub, true},
    {"noscript", kFlagNoscript, true},
    {"blocking", kFlagBlocking, true},
    {"loading", kFlagLoading, true},
    {"stale", kFlagStale, true},
    {"skip_monitor", kFlagSkipMonitor, true},
    {"skip_slowlog", kFlagSkipSlowlog, true},
    {"asking", kFlagAsking, true},
    {"fast", kFlagFast, true},
    {"no_auth", kFlagNoAuth, true},
    {"may_replicate", kFlagMayReplicate, false},
    {"no_mandatory_keys", kFlagNoMandatoryKeys, true},
    {"no_async_loading", kFlagNoAsyncLoading, true},
    {"no_multi", kFlagNoMulti, true},
    {"movablekeys", kFlagMovableKeys, true},
    {"allow_busy", kFlagAllowBusy, true},
}};

constexpr std::array<CategoryName, 21> kCategories{{
    {"keyspace", kAclKeyspace},
    {"read", kAclRead},
    {"write", kAclWrite},
    {"set", kAclSet},
    {"sortedset", kAclSortedset},
    {"list", kAclList},
    {"hash", kAclHash},
    {"string", kAclString},
    {"bitmap", kAclBitmap},
    {"hyperloglog", kAclHyperloglog},
    {"geo", kAclGeo},
    {"stream", kAclStream},
    {"pubsub", kAclPubsub},
    {"admin", kAclAdmin},
    {"fast", kAclFast},
    {"slow", kAclSlow},
    {"blocking", kAclBlocking},
    {"dangerous", kAclDangerous},
    {"connection", kAclConnection},
    {"transaction", kAclTransaction},
    {"scripting", kAclScripting},
}};

constexpr std::array<KeyFlagName, 11> kKeyFlags{{
    {"RO", kKeyRo},
    {"RW", kKeyRw},
    {"OW", kKeyOw},
    {"RM", kKeyRm},
    {"access", kKeyAccess},
    {"update", kKeyUpdate},
    {"insert", kKeyInsert},
    {"delete", kKeyDelete},
    {"not_key", kKeyNotKey},
    {"incomplete", kKeyIncomplete},
    {"variable_flags", kKeyVariable},
}};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::span<const FlagName> command_flag_names() {
    return kFlags;
}

std::span<const CategoryName> acl_category_names() {
    return kCategories;
}

std::span<const KeyFlagName> key_flag_names() {
    return kKeyFlags;
}

bool same_word(ByteView a, ByteView b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) {
        return lower(x) == lower(y);
    });
}

std::string lower_word(ByteView word) {
    std::string out(word);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

std::uint32_t acl_category(ByteView name) {
    for (const CategoryName& category : kCategories) {
        if (same_word(category.name, name)) {
            return category.bit;
        }
    }
    return 0;
}

}  // namespace kumo::kv
