#pragma once

#include "base/result.h"
#include "base/uuid.h"
#include "io/fs.h"

#include <cstddef>
#include <optional>
#include <string>

namespace kumo::node {

/// A control plane's directory that was damaged. Whoever this node was may have promised what
/// nobody can read any more (votes, entries), so nobody speaks for that member again: the node
/// joins its cluster anew, under another id, and founds none.
///
///     control_lost          remembers it, until the node has joined
///     control.damaged-N     the directory, the latest with the highest number
struct LostControl {
    std::string why;  ///< Which file, what was wrong with it, and where it is now.
    Uuid cluster;     ///< Nil: that could not be read either.
};

/// Directories that are kept after they were set aside; the oldest goes when there is one more.
inline constexpr std::size_t kDamagedControlsMax = 3;

// `directory` is the control plane's. All of them block; nobody else uses the directory.

/// Remembers `why`, and puts the directory aside; the next one is empty.
Status set_control_aside(io::Fs& fs, const std::string& directory, const Error& why);

Result<std::optional<LostControl>> read_lost_control(io::Fs& fs, const std::string& directory);

/// The node has joined.
Status forget_lost_control(io::Fs& fs, const std::string& directory);

}  // namespace kumo::node
