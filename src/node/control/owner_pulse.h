#pragma once

#include "base/clock.h"

#include <optional>

namespace kumo::node {

/// Whether the loop that a control plane speaks for goes on. It is asked over and over, behind all
/// else that it has to do; while it owes an answer for longer than `silent_max`, nobody may ask for
/// a lease in its name, so that the others go on without a node that only votes. Loop-owned.
class OwnerPulse {
public:
    OwnerPulse(Duration interval, Duration silent_max)
        : interval_(interval), silent_max_(silent_max) {}

    /// Whether it is to be asked now; then it owes an answer.
    bool ask(MonotonicTime now) {
        if (owed_since_ || now - asked_at_ < interval_) {
            return false;
        }
        asked_at_ = now;
        owed_since_ = now;
        return true;
    }

    void on_answer() { owed_since_.reset(); }

    bool beats(MonotonicTime now) const { return !owed_since_ || now - *owed_since_ < silent_max_; }

private:
    const Duration interval_;
    const Duration silent_max_;
    MonotonicTime asked_at_;
    std::optional<MonotonicTime> owed_since_;
};

}  // namespace kumo::node
