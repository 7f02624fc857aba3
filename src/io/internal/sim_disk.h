#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "io/fs.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::io {

/// What the disk writes as a whole or not at all.
inline constexpr std::size_t kSectorBytes = 512;

/// A file as the system sees it, as the disk has it, and the changes between the two.
struct SimInode {
    explicit SimInode(std::string the_path) : path(std::move(the_path)) {}

    std::string path;  ///< As first opened, for messages.
    std::string current;
    std::string durable;
    std::uint64_t last_change = 0;

    void write(std::uint64_t offset, ByteView bytes);
    void truncate(std::uint64_t size);

    /// Brings the changes up to that number onto the disk.
    void make_durable(std::uint64_t up_to);

    /// Brings a random part of the pending changes onto the disk and forgets the rest.
    void lose_pending(Random& random);

    /// The machine lost power: what is on the disk is all there is.
    void lose_power(Random& random);

    void flip_bit(std::size_t offset, unsigned bit);

private:
    struct Change {
        std::uint64_t number;
        bool is_write;
        std::uint64_t offset;  ///< Or the size truncated to.
        std::string bytes;
    };

    std::vector<Change> pending_;
};

/// The names of a simulated file system, as the system sees them and as the disk has them.
/// A directory is a name with an inode of its own kind: none. Paths are used as written.
class SimDisk {
public:
    explicit SimDisk(Random& random);

    /// The file of that name; null if there is none or it is a directory.
    std::shared_ptr<SimInode> find(const std::string& path) const;
    bool is_directory(const std::string& path) const;

    bool exists(const std::string& path) const { return names_.contains(path); }

    /// Made if absent, emptied if present.
    std::shared_ptr<SimInode> create(const std::string& path);
    void make_directory(const std::string& path);
    void rename(const std::string& from, const std::string& to);

    /// Whether the names in a directory, and below it, are all on the disk.
    bool is_synced(const std::string& directory) const;
    void unlink(const std::string& path);
    std::vector<DirEntry> list(const std::string& path) const;

    /// Numbers name changes, for sync_directory().
    std::uint64_t last_change() const { return last_change_; }

    void sync_directory(const std::string& path, std::uint64_t up_to);
    void lose_power();
    std::uint64_t used_bytes() const;

private:
    using Names = std::map<std::string, std::shared_ptr<SimInode>>;

    /// `from` is empty unless it is a rename; a null inode in `names` is a directory, and a rename
    /// with one takes all names below along.
    struct Change {
        std::uint64_t number;
        std::string path;
        bool removes;
        std::shared_ptr<SimInode> inode;
        std::string from;
    };

    static void apply(const Change& change, Names& names);
    static void move_tree(const std::string& from, const std::string& to, Names& names);
    void sync_name(const std::string& directory);
    void change(Change change);
    void drop_orphans();

    Random& random_;
    Names names_;
    Names durable_names_;
    std::map<std::string, std::vector<Change>> pending_;  ///< By directory.
    std::uint64_t last_change_ = 0;
};

}  // namespace kumo::io
