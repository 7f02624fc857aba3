#pragma once

#include "base/mutex.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace kumo::api_elastic {

/// What is counted of an index's use through this node.
enum class Use : std::uint8_t {
    kIndexed,
    kDeleted,
    kNoop,
    kGetFound,
    kGetMissing,
    kQuery,
    kFetch,
    kScroll,
    kSuggest,
    kRefresh,
    kFlush,
    kSinceFlush,  ///< Operations.
    kSinceFlushBytes,
    kCacheHit,
    kCacheMiss,
};

inline constexpr std::size_t kUses = 15;

/// Names of fields and of groups that are told apart in an index.
inline constexpr std::size_t kUseNamesMax = 1000;

/// One index's, at one moment.
struct IndexUse {
    std::array<std::uint64_t, kUses> counts{};
    std::map<std::string, std::uint64_t> fielddata;  ///< Bytes of what was read by field.
    std::map<std::string, std::uint64_t> groups;     ///< Searches by their "stats".

    std::uint64_t operator[](Use use) const { return counts[static_cast<std::size_t>(use)]; }
};

/// Counts since this node began, by the indices' uuids. Guards itself; any thread.
class Usage {
public:
    using Counts = std::initializer_list<std::pair<Use, std::uint64_t>>;

    void add(const std::string& uuid, Use use) { add(uuid, {{use, 1}}); }

    void add(const std::string& uuid, Counts counts);
    void flushed(const std::string& uuid);
    void read_fielddata(const std::string& uuid, const std::string& field, std::uint64_t bytes);
    void searched_group(const std::string& uuid, const std::string& group);
    void clear_fielddata(const std::string& uuid);
    void forget(const std::string& uuid);
    IndexUse of(std::string_view uuid);

private:
    Mutex mutex_;
    std::map<std::string, IndexUse, std::less<>> all_ KUMO_GUARDED_BY(mutex_);
};

}  // namespace kumo::api_elastic
