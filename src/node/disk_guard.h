#pragma once

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "io/fs.h"

#include <cstdint>
#include <string>

namespace kumo::node {

struct DiskLimits {
    /// Kept free, so that a full disk still lets segments and manifests be written.
    std::uint64_t reserve_bytes = 0;
    /// Of the whole disk; 100 leaves only the reserve.
    std::uint32_t used_max_percentage = 100;
};

/// Says whether there is room on the disk for more writes. It looks at most once a second, and
/// counts what it admitted since. Guarded: any thread.
class DiskGuard {
public:
    DiskGuard(io::Fs& fs, std::string path, DiskLimits limits, Clock& clock);

    /// kResourceExhausted, in the words clients know, if there is no room for that much more.
    Status admit(std::uint64_t bytes);

    /// That much more has to stay free, from the next look on.
    void withhold(std::uint64_t bytes);

    /// A write failed for lack of space, whatever the last look said.
    void note_full();

    bool is_full();

private:
    void look() KUMO_REQUIRES(mutex_);
    std::uint64_t room() KUMO_REQUIRES(mutex_);

    io::Fs& fs_;
    const std::string path_;
    const DiskLimits limits_;
    Clock& clock_;
    Mutex mutex_;
    bool looked_ KUMO_GUARDED_BY(mutex_) = false;
    MonotonicTime looked_at_ KUMO_GUARDED_BY(mutex_);
    std::uint64_t room_ KUMO_GUARDED_BY(mutex_) = 0;
    std::uint64_t withheld_ KUMO_GUARDED_BY(mutex_) = 0;
};

/// "Rejecting write: running out of resource type: OUT_OF_DISK"
Error out_of_disk();

}  // namespace kumo::node
