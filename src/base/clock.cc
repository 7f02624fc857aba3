#include "base/clock.h"

namespace kumo {

namespace {

class SystemClock final : public Clock {
public:
    MonotonicTime monotonic_now() const override {
        return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
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
