#pragma once

#include "base/clock.h"

namespace kumo::search {

/// When a search must stop. Asked often: it reads the clock once in kStride questions, and once
/// passed it stays passed. One search's, one thread.
class Deadline {
public:
    Deadline(const Clock& clock, Duration limit)
        : clock_(clock), end_(clock.monotonic_now() + limit) {}

    bool passed() {
        if (!passed_ && ++questions_ % kStride == 0) {
            passed_ = clock_.monotonic_now() >= end_;
        }
        return passed_;
    }

private:
    static constexpr unsigned kStride = 512;

    const Clock& clock_;
    MonotonicTime end_;
    unsigned questions_ = 0;
    bool passed_ = false;
};

}  // namespace kumo::search
