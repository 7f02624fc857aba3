#include "io/internal/sim_disk.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace kumo::io {

namespace {

void write_into(std::string& content, std::uint64_t offset, ByteView bytes) {
    const auto start = static_cast<std::size_t>(offset);
    if (bytes.empty()) {
        return;
    }
    if (content.size() < start + bytes.size()) {
        content.resize(start + bytes.size(), '\0');
    }
    content.replace(start, bytes.size(), bytes);
}

/// Writes a random subset of the sectors that `bytes` covers.
void write_some(Random& random, std::string& content, std::uint64_t offset, ByteView bytes) {
    const std::uint64_t fate = random.below(4);
    if (fate == 0) {
        return;
    }
    if (fate == 1) {
        write_into(content, offset, bytes);
        return;
    }
    while (!bytes.empty()) {
        const std::size_t room = kSectorBytes - static_cast<std::size_t>(offset % kSectorBytes);
        const ByteView sector = bytes.substr(0, room);
        if (random.chance(1, 2)) {
            write_into(content, offset, sector);
        }
        offset += sector.size();
        bytes.remove_prefix(sector.size());
    }
}

}  // namespace

void SimInode::write(std::uint64_t offset, ByteView bytes) {
    write_into(current, offset, bytes);
    pending_.push_back({++last_change, true, offset, std::string(bytes)});
}

void SimInode::truncate(std::uint64_t size) {
    current.resize(static_cast<std::size_t>(size), '\0');
    pending_.push_back({++last_change, false, size, {}});
}

void SimInode::make_durable(std::uint64_t up_to) {
    auto change = pending_.begin();
    for (; change != pending_.end() && change->number <= up_to; ++change) {
        if (change->is_write) {
            write_into(durable, change->offset, change->bytes);
        } else {
            durable.resize(static_cast<std::size_t>(change->offset), '\0');
        }
    }
    pending_.erase(pending_.begin(), change);
}

void SimInode::lose_pending(Random& random) {
    for (const Change& change : pending_) {
        if (change.is_write) {
            write_some(random, durable, change.offset, change.bytes);
        } else if (random.chance(1, 2)) {
            durable.resize(static_cast<std::size_t>(change.offset), '\0');
        }
    }
    pending_.clear();
}

void SimInode::lose_power(Random& random) {
    lose_pending(random);
    current = durable;
}

void SimInode::flip_bit(std::size_t offset, unsigned bit) {
    const auto mask = static_cast<unsigned char>(1U << (bit % 8U));
    const auto flip = [&](std::string& content) {
        if (offset < content.size()) {
            content[offset] = static_cast<char>(static_cast<unsigned char>(content[offset]) ^ mask);
        }
    };
    flip(current);
    flip(durable);
}

SimDisk::SimDisk(Random& random) : random_(random) {
    for (const char* const root : {"/", "."}) {
        names_[root] = nullptr;
        durable_names_[root] = nullptr;
    }
}

std::shared_ptr<SimInode> SimDisk::find(const std::string& path) const {
    const auto found = names_.find(path);
    return found == names_.end() ? nullptr : found->second;
}

bool SimDisk::is_directory(const std::string& path) const {
    const auto found = names_.find(path);
    return found != names_.end() && found->second == nullptr;
}

std::shared_ptr<SimInode> SimDisk::create(const std::string& path) {
    auto inode = find(path);
    if (inode != nullptr) {
        inode->truncate(0);
        return inode;
    }
    inode = std::make_shared<SimInode>(path);
    change({0, path, false, inode, {}});
    return inode;
}

void SimDisk::make_directory(const std::string& path) {
    change({0, path, false, nullptr, {}});
}

void SimDisk::rename(const std::string& from, const std::string& to) {
    change({0, to, false, find(from), from});
}

bool SimDisk::is_synced(const std::string& directory) const {
    return std::all_of(pending_.begin(), pending_.end(), [&](const auto& entry) {
        const bool below = entry.first == directory || entry.first.starts_with(directory + "/");
        return !below || entry.second.empty();
    });
}

void SimDisk::unlink(const std::string& path) {
    change({0, path, true, nullptr, {}});
}

std::vector<DirEntry> SimDisk::list(const std::string& path) const {
    std::vector<DirEntry> entries;
    for (const auto& [name, inode] : names_) {
        if (name != path && parent_path(name) == path && name != "/" && name != ".") {
            entries.push_back({name.substr(name.rfind('/') + 1), inode == nullptr});
        }
    }
    return entries;
}

void SimDisk::sync_directory(const std::string& path, std::uint64_t up_to) {
    sync_name(path);
    std::vector<Change>& changes = pending_[path];
    auto change = changes.begin();
    for (; change != changes.end() && change->number <= up_to; ++change) {
        apply(*change, durable_names_);
    }
    changes.erase(changes.begin(), change);
}

/// A directory that was renamed is not synced under a name that the disk does not have: the file
/// systems we know write the rename first.
void SimDisk::sync_name(const std::string& directory) {
    const std::string parent = parent_path(directory);
    if (parent == directory) {
        return;
    }
    for (const Change& change : std::vector<Change>(pending_[parent])) {
        if (change.path == directory && !change.from.empty()) {
            sync_directory(parent, change.number);
        }
    }
}

void SimDisk::lose_power() {
    for (auto& [directory, changes] : pending_) {
        const auto survivors = random_.below(changes.size() + 1);
        for (std::size_t i = 0; i < survivors; ++i) {
            apply(changes[i], durable_names_);
        }
    }
    pending_.clear();
    drop_orphans();
    names_ = durable_names_;
    for (const auto& [name, inode] : names_) {
        if (inode != nullptr) {
            inode->lose_power(random_);
        }
    }
}

std::uint64_t SimDisk::used_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& [name, inode] : names_) {
        bytes += inode == nullptr ? 0 : inode->current.size();
    }
    return bytes;
}

void SimDisk::move_tree(const std::string& from, const std::string& to, Names& names) {
    const std::string below = from + "/";
    for (auto name = names.lower_bound(below);
         name != names.end() && name->first.starts_with(below);) {
        const std::string path = to + "/" + name->first.substr(below.size());
        if (name->second != nullptr) {
            name->second->path = path;
        }
        names[path] = name->second;
        name = names.erase(name);
    }
}

void SimDisk::apply(const Change& change, Names& names) {
    const bool moves_tree = !change.from.empty() && change.inode == nullptr;
    if (moves_tree && names.contains(change.from)) {
        move_tree(change.from, change.path, names);
    }
    if (!change.from.empty()) {
        names.erase(change.from);
    }
    if (change.removes) {
        names.erase(change.path);
    } else {
        names[change.path] = change.inode;
    }
}

void SimDisk::change(Change change) {
    change.number = ++last_change_;
    apply(change, names_);
    pending_[parent_path(change.path)].push_back(std::move(change));
}

/// A name in a directory that is not there is not there either. Parents sort before children.
void SimDisk::drop_orphans() {
    for (auto name = durable_names_.begin(); name != durable_names_.end();) {
        const bool orphan = !durable_names_.contains(parent_path(name->first));
        name = orphan ? durable_names_.erase(name) : std::next(name);
    }
}

}  // namespace kumo::io
