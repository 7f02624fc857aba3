#pragma once

#include "base/mutex.h"
#include "io/fs.h"

#include <cstdint>
#include <string>

namespace kumo::node {

/// A file that holds space, to be given up for what has to be written even when the disk is full:
/// votes, the state's log, the entry that begins a primary's term. So a node with a full disk
/// still starts, serves reads, and deletes what makes room. Guarded: any thread; calls block.
class DiskReserve {
public:
    DiskReserve(io::Fs& fs, std::string path) : fs_(fs), path_(std::move(path)) {}

    /// Makes the file, if there is room for it.
    void restore();

    /// Gives the space up.
    void release();

    /// The space is there, or has been given up: then as much has to be left free before others
    /// may write.
    bool is_held() const;

    static constexpr std::uint64_t kBytes = std::uint64_t{256} << 10;

private:
    Status make();

    io::Fs& fs_;
    const std::string path_;
    mutable Mutex mutex_;
    bool held_ KUMO_GUARDED_BY(mutex_) = false;
};

}  // namespace kumo::node
