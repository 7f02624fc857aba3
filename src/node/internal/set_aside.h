#pragma once

#include "base/result.h"
#include "io/fs.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::node {

// Directories that are damaged, renamed to `prefix`N beside where they were. Blocking; stateless.

/// The numbers of those in `parent`, ascending; each has room for a next one above it.
Result<std::vector<std::uint64_t>>
aside_numbers(io::Fs& fs, const std::string& parent, std::string_view prefix);

/// The number for the next one.
std::uint64_t next_aside_number(const std::vector<std::uint64_t>& numbers);

/// Renames a directory that is there, durably; nobody uses it any more. Its subdirectories' names
/// have been synced.
Status move_aside(io::Fs& fs, const std::string& directory, const std::string& aside);

}  // namespace kumo::node
