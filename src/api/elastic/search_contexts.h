#pragma once

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace kumo::api_elastic {

/// `search.max_open_scroll_context`.
inline constexpr std::size_t kSearchContextsMax = 500;

/// What scrolls and points in time keep between requests, until nobody has asked for it for a
/// while. Guards itself; any thread.
class SearchContexts {
public:
    struct Entry {
        Entry() = default;
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        virtual ~Entry() = default;
    };

    explicit SearchContexts(const Clock& clock) : clock_(clock) {}

    /// Its id. rejected_execution_exception when there are too many.
    Result<std::string> add(std::shared_ptr<Entry> entry, Duration keep_alive);
    /// Null if there is none (any more). With `keep_alive` above zero it is kept so long from now.
    std::shared_ptr<Entry> find(std::string_view id, Duration keep_alive);
    bool remove(std::string_view id);
    /// All there are, by id.
    std::map<std::string, std::shared_ptr<Entry>> all();
    std::size_t size();

private:
    struct Kept {
        std::shared_ptr<Entry> entry;
        MonotonicTime until;
    };

    void forget_old() KUMO_REQUIRES(mutex_);

    const Clock& clock_;
    Mutex mutex_;
    std::map<std::string, Kept, std::less<>> kept_ KUMO_GUARDED_BY(mutex_);
};

}  // namespace kumo::api_elastic
