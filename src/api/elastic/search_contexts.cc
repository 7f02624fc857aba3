#include "api/elastic/search_contexts.h"

#include "api/elastic/fault.h"
#include "api/elastic/ids.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

void SearchContexts::forget_old() {
    const MonotonicTime now = clock_.monotonic_now();
    for (auto at = kept_.begin(); at != kept_.end();) {
        at = at->second.until < now ? kept_.erase(at) : std::next(at);
    }
}

Result<std::string> SearchContexts::add(std::shared_ptr<Entry> entry, Duration keep_alive) {
    const MutexLock lock(mutex_);
    forget_old();
    if (kept_.size() >= kSearchContextsMax) {
        return fault(
            "rejected_execution_exception",
            "Trying to create too many scroll contexts. Must be less than or equal to: [500]. This "
            "limit can be set by changing the [search.max_open_scroll_context] setting."
        );
    }
    std::string id = random_id() + random_id();
    kept_[id] = {std::move(entry), clock_.monotonic_now() + keep_alive};
    return id;
}

std::shared_ptr<SearchContexts::Entry>
SearchContexts::find(std::string_view id, Duration keep_alive) {
    const MutexLock lock(mutex_);
    forget_old();
    const auto found = kept_.find(id);
    if (found == kept_.end()) {
        return nullptr;
    }
    if (keep_alive > Duration::zero()) {
        found->second.until = clock_.monotonic_now() + keep_alive;
    }
    return found->second.entry;
}

bool SearchContexts::remove(std::string_view id) {
    const MutexLock lock(mutex_);
    forget_old();
    const auto found = kept_.find(id);
    if (found == kept_.end()) {
        return false;
    }
    kept_.erase(found);
    return true;
}

std::map<std::string, std::shared_ptr<SearchContexts::Entry>> SearchContexts::all() {
    const MutexLock lock(mutex_);
    forget_old();
    std::map<std::string, std::shared_ptr<Entry>> out;
    for (const auto& [id, kept] : kept_) {
        out.emplace(id, kept.entry);
    }
    return out;
}

std::size_t SearchContexts::size() {
    const MutexLock lock(mutex_);
    forget_old();
    return kept_.size();
}

}  // namespace kumo::api_elastic
