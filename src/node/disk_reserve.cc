#include "node/disk_reserve.h"

#include "base/log.h"

namespace kumo::node {

void DiskReserve::restore() {
    const MutexLock lock(mutex_);
    if (held_) {
        return;
    }
    held_ = make().ok();
    if (!held_) {
        (void)fs_.unlink(path_);
    }
}

/// Not synced: it holds nothing but space.
Status DiskReserve::make() {
    KUMO_TRY_ASSIGN(const auto file, fs_.open(path_, io::OpenMode::kCreate));
    KUMO_TRY_ASSIGN(const std::uint64_t size, file->size());
    if (size < kBytes) {
        // Not zeros: file systems that find them may keep nothing.
        KUMO_TRY(file->write(size, std::string(kBytes - size, 'r')));
    }
    return {};
}

void DiskReserve::release() {
    const MutexLock lock(mutex_);
    if (held_) {
        held_ = false;
        log_warn("the disk is full: the space held in reserve for the cluster's log is given up");
        (void)fs_.unlink(path_);
    }
}

bool DiskReserve::is_held() const {
    const MutexLock lock(mutex_);
    return held_;
}

}  // namespace kumo::node
