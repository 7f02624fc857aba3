#include "api/kumosearch/query_cache.h"

#include <utility>

namespace kumo::api_kumosearch {

std::shared_ptr<const std::string>
QueryCache::find(const std::string& key, const node::ReadVersion& version, MonotonicTime now) {
    const MutexLock lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
        ++misses_;
        return nullptr;
    }
    const Entries::iterator entry = found->second;
    if (now >= entry->expires_at || !(entry->version == version)) {
        ++misses_;
        erase(entry);
        return nullptr;
    }
    ++hits_;
    entries_.splice(entries_.begin(), entries_, entry);
    return entry->answer;
}

void QueryCache::put(
    const std::string& key,
    node::ReadVersion version,
    std::shared_ptr<const std::string> answer,
    MonotonicTime expires_at,
    std::size_t entries_max
) {
    const MutexLock lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
        erase(found->second);
    }
    Entry entry{key, std::move(version), std::move(answer), expires_at};
    if (entries_max == 0 || entry.bytes() > kBytesMax / 8) {
        return;
    }
    bytes_ += entry.bytes();
    entries_.push_front(std::move(entry));
    by_key_.emplace(entries_.front().key, entries_.begin());
    evict(entries_max, kBytesMax);
}

void QueryCache::shrink(std::size_t entries_max) {
    const MutexLock lock(mutex_);
    evict(entries_max, kBytesMax);
}

QueryCache::Totals QueryCache::totals() {
    const MutexLock lock(mutex_);
    return {hits_, misses_, entries_.size(), bytes_};
}

void QueryCache::erase(Entries::iterator entry) {
    bytes_ -= entry->bytes();
    by_key_.erase(entry->key);
    entries_.erase(entry);
}

void QueryCache::evict(std::size_t entries_max, std::size_t bytes_max) {
    while (!entries_.empty() && (entries_.size() > entries_max || bytes_ > bytes_max)) {
        erase(std::prev(entries_.end()));
    }
}

}  // namespace kumo::api_kumosearch
