#pragma once

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

#include <cstdint>
#include <functional>

namespace kumo::node {

/// Says whether there is memory for more writes. It looks at most once a second. Guarded: any
/// thread.
class MemoryGuard {
public:
    /// `used_percentage` may be empty: then there always is.
    MemoryGuard(
        std::uint32_t used_max_percentage,
        std::function<double()> used_percentage,
        Clock& clock
    );

    /// kResourceExhausted, in the words clients know.
    Status admit();

    bool is_out();

private:
    const double used_max_percentage_;
    const std::function<double()> used_percentage_;
    Clock& clock_;
    Mutex mutex_;
    bool looked_ KUMO_GUARDED_BY(mutex_) = false;
    bool is_out_ KUMO_GUARDED_BY(mutex_) = false;
    MonotonicTime looked_at_ KUMO_GUARDED_BY(mutex_);
};

/// "Rejecting write: running out of resource type: OUT_OF_MEMORY"
Error out_of_memory();

}  // namespace kumo::node
