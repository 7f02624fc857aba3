#pragma once

#include "base/result.h"
#include "io/fs.h"

#include <optional>
#include <string>

namespace kumo::node {

/// What a run leaves for the next one to tell whether copies may lack what they have acknowledged:
/// without fsync, what was written is lost with the machine, but not with the process.
struct RunRecord {
    std::string boot;    ///< The kernel's boot id; empty if it is not known.
    bool fsync = true;   ///< Nothing was acknowledged before it was on the disk.
    bool clean = false;  ///< It ended with everything on the disk.

    bool operator==(const RunRecord&) const = default;
};

/// The `run` file of a data directory. Every call blocks. Stateless; one caller at a time. The file
/// system outlives it.
class RunRecords {
public:
    RunRecords(io::Fs& fs, std::string data_dir);

    /// What a run that begins now records.
    RunRecord present(bool fsync) const;

    /// Nothing if there is none; one that is damaged is the worst there can be.
    Result<std::optional<RunRecord>> read() const;

    /// Whether what the run before acknowledged may be gone in `present`.
    static bool may_lack(const std::optional<RunRecord>& before, const RunRecord& present);

    /// Durable. Nothing is written if it is there already.
    Status write(RunRecord record) const;

    /// The run is over, and nothing writes to `log` any more: all of that goes to the disk, and
    /// then the record says so.
    Status end_cleanly(RunRecord record, const std::string& log) const;

private:
    std::string path() const;

    io::Fs& fs_;
    const std::string data_dir_;
};

}  // namespace kumo::node
