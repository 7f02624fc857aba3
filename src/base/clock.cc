#include "base/clock.h"

#include "base/assert.h"

#include <ctime>

namespace kumo {

namespace {

class SystemClock final : public Clock {
public:
    MonotonicTime monotonic_now() const override {
        return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
    }

    MonotonicTime boottime_now() const override {
        timespec now = {};
        KUMO_ASSERT(::clock_gettime(CLOCK_BOOTTIME, &now) == 0);
        return MonotonicTime(std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec));
    }

    WallTime wall_now() const override {
        return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    }
};

}  // namespace

Clock& system_clock() {
    static SystemClock clock;
    return clock;
}

}  // namespace kumo
