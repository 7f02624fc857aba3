#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace kumo::api_redis {

/// What was refused to a user: ACL LOG. Thread rule: loop-owned.
class AclLog {
public:
    enum class Reason : std::uint8_t {
        kCommand,
        kKey,
        kChannel,
        kAuth
    };
    enum class Place : std::uint8_t {
        kToplevel,
        kMulti,
        kScript
    };

    struct Entry {
        Reason reason;
        Place place;
        std::string object;  ///< The command, the key, the channel; of kAuth the command's name.
        std::string user;
        std::string client;  ///< As CLIENT LIST describes it.
        std::int64_t at_ms = 0;
        std::uint64_t count = 1;
    };

    /// The same again within a minute, among the newest entries, is that entry counted once more.
    void add(Entry entry, std::size_t entries_max);

    void clear() { entries_.clear(); }

    /// The newest first.
    const std::deque<Entry>& entries() const { return entries_; }

    static ByteView name_of(Reason reason);
    static ByteView name_of(Place place);

private:
    std::deque<Entry> entries_;
};

}  // namespace kumo::api_redis
