#pragma once

#include "base/clock.h"
#include "base/mutex.h"
#include "node/read_version.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace kumo::api_kumosearch {

/// Answers of searches that asked for it (`use_cache`). An answer is given again only while the
/// collection and its rules are what they were when it was made: no write needs to tell the cache.
/// The least recently used go first.
/// Thread rule: guarded; any thread.
class QueryCache {
public:
    /// All keys and answers together; an answer above an eighth of it is not kept.
    static constexpr std::size_t kBytesMax = std::size_t{64} << 20;

    struct Totals {
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
        std::size_t entries = 0;
        std::size_t bytes = 0;

        double hit_ratio() const {
            const std::uint64_t all = hits + misses;
            return all == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(all);
        }
    };

    /// The answer, or null. `version` is that of now.
    std::shared_ptr<const std::string>
    find(const std::string& key, const node::ReadVersion& version, MonotonicTime now)
        KUMO_EXCLUDES(mutex_);

    /// `version` is of before the answer was made. Keeps at most `entries_max`.
    void put(
        const std::string& key,
        node::ReadVersion version,
        std::shared_ptr<const std::string> answer,
        MonotonicTime expires_at,
        std::size_t entries_max
    ) KUMO_EXCLUDES(mutex_);

    /// Forgets the least recently used above that number.
    void shrink(std::size_t entries_max) KUMO_EXCLUDES(mutex_);

    void clear() { shrink(0); }

    Totals totals() KUMO_EXCLUDES(mutex_);

private:
    struct Entry {
        std::string key;
        node::ReadVersion version;
        std::shared_ptr<const std::string> answer;
        MonotonicTime expires_at;

        std::size_t bytes() const { return key.size() + answer->size(); }
    };

    using Entries = std::list<Entry>;

    void erase(Entries::iterator entry) KUMO_REQUIRES(mutex_);
    void evict(std::size_t entries_max, std::size_t bytes_max) KUMO_REQUIRES(mutex_);

    Mutex mutex_;
    Entries entries_ KUMO_GUARDED_BY(mutex_);  ///< The most recently used first.
    std::map<std::string_view, Entries::iterator> by_key_ KUMO_GUARDED_BY(mutex_);
    std::size_t bytes_ KUMO_GUARDED_BY(mutex_) = 0;
    std::uint64_t hits_ KUMO_GUARDED_BY(mutex_) = 0;
    std::uint64_t misses_ KUMO_GUARDED_BY(mutex_) = 0;
};

}  // namespace kumo::api_kumosearch
