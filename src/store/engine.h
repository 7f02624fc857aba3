#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "io/fs.h"
#include "store/wal.h"

#include <memory>
#include <string>

namespace kumo::store {

/// A state to be written, taken at one sequence number. Immutable: write() may run on a worker
/// thread while the engine applies further operations.
class Checkpoint {
public:
    virtual ~Checkpoint() = default;
    Checkpoint(const Checkpoint&) = delete;
    Checkpoint& operator=(const Checkpoint&) = delete;

    /// Every operation up to and including this one is in it.
    virtual Seq seq() const = 0;

    /// Makes it durable in `directory`, replacing an older one atomically: after a crash at any
    /// point the directory holds the old or the new one, whole. Blocking. On OK the log may
    /// release seq(). On an error the old one stands.
    virtual Status write(io::Fs& fs, const std::string& directory) = 0;

protected:
    Checkpoint() = default;
};

/// The state of one shard: a deterministic function of the operations applied to it, in order.
/// Two engines that applied the same operations are equal, whatever the machine, the time and the
/// number of restarts in between; whatever is not deterministic (time, random numbers, generated
/// ids) was resolved before the operation was logged and is part of it.
///
/// Thread rule: loop-owned. An engine may give readers on other threads immutable snapshots.
class Engine {
public:
    virtual ~Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Applies the operation with number `seq` = applied() + 1 and returns its result, for whoever
    /// asked for it. An operation that cannot be done (a missing document, a wrong type) is not an
    /// error here: its result says so, the same on every copy. Bytes that are no operation at all
    /// get the engine's own result for that; they never end the process.
    virtual std::string apply(Seq seq, ByteView operation) = 0;

    /// The number of the last operation applied or restored; 0 at first.
    virtual Seq applied() const = 0;

    /// The present state, ready to be written. Cheap: it shares what is immutable. One at a time:
    /// the previous one has been destroyed.
    virtual Result<std::unique_ptr<Checkpoint>> checkpoint() = 0;

    /// Loads what Checkpoint::write() left in `directory` into a fresh engine; applied() is its
    /// sequence number then. kNotFound if there is none (a new shard); kCorruption names the file.
    virtual Status restore(io::Fs& fs, const std::string& directory) = 0;

protected:
    Engine() = default;
};

}  // namespace kumo::store
