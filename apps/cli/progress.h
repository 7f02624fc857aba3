#pragma once

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace kumo::cli {

/// How far an import is. A value.
struct Progress {
    std::uint64_t documents = 0;    ///< Lines answered, good or bad.
    std::uint64_t failed = 0;       ///< Of these, bad ones.
    std::uint64_t bytes_done = 0;   ///< Of the input, up to the last line answered.
    std::uint64_t bytes_total = 0;  ///< 0: unknown (a pipe).
    Duration elapsed{};

    /// Documents a second so far.
    std::uint64_t rate() const;
};

/// One line of at most `width` columns that a terminal rewrites in place:
/// "[#########-----------]  47%  29,990 documents  21,500/s  0:02 left".
std::string progress_bar(const Progress& progress, std::size_t width);

/// The same without a bar, for a log.
std::string progress_line(const Progress& progress);

}  // namespace kumo::cli
