#include "node/internal/set_aside.h"

#include "node/internal/numbered_name.h"

#include <algorithm>

namespace kumo::node {

Result<std::vector<std::uint64_t>>
aside_numbers(io::Fs& fs, const std::string& parent, std::string_view prefix) {
    KUMO_TRY_ASSIGN(const auto entries, fs.list(parent));
    std::vector<std::uint64_t> numbers;
    for (const io::DirEntry& entry : entries) {
        const auto number = number_in_name(entry.name, prefix);
        if (number && *number < UINT64_MAX) {
            numbers.push_back(*number);
        }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

std::uint64_t next_aside_number(const std::vector<std::uint64_t>& numbers) {
    return numbers.empty() ? 1 : numbers.back() + 1;
}

Status move_aside(io::Fs& fs, const std::string& directory, const std::string& aside) {
    // A directory that is renamed has to be on the disk as it is.
    const std::string parent = io::parent_path(directory);
    KUMO_TRY(fs.sync_dir(directory));
    KUMO_TRY(fs.sync_dir(parent));
    KUMO_TRY(fs.rename(directory, aside));
    return fs.sync_dir(parent);
}

}  // namespace kumo::node
