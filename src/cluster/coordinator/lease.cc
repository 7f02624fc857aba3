#include "cluster/coordinator/lease.h"

#include "cluster/internal/mutant.h"

#include <algorithm>

namespace kumo::cluster {

void Lease::on_grant(const Grant& grant, std::uint64_t incarnation, std::int64_t now) {
    if (grant.incarnation != incarnation) {
        return;
    }
    if (!waiting_ || waiting_->sent < grant.sent) {
        waiting_ = grant;
        waiting_received_ = now;
    }
    on_applied(applied_);
}

void Lease::on_applied(std::uint64_t index) {
    applied_ = std::max(applied_, index);
    if (!waiting_) {
        return;
    }
    if (applied_ < waiting_->state_index && !planted(Mutant::kGrantWithoutState)) {
        return;
    }
    const std::int64_t from =
        planted(Mutant::kLeaseFromReceipt) ? waiting_received_ : waiting_->sent;
    deadline_ = std::max(deadline_, from + options_.lease.count());
    waiting_.reset();
}

void Lease::drop() {
    deadline_ = 0;
    waiting_.reset();
}

}  // namespace kumo::cluster
