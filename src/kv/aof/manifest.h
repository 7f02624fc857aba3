#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::kv {

enum class AofFileType : char {
    kBase = 'b',       ///< The data as of when it was written: RDB, or commands.
    kHistory = 'h',    ///< Replaced by a newer base; to be deleted.
    kIncrement = 'i',  ///< Commands since.
};

struct AofFile {
    std::string name;  ///< In the directory of the manifest.
    std::uint64_t sequence = 0;
    AofFileType type = AofFileType::kBase;

    bool operator==(const AofFile&) const = default;
};

/// Which files make up an append-only file since Redis 7 (`appendonlydir/appendonly.aof.manifest`):
/// the base and the increments to run after it, in this order. A change takes effect when the
/// manifest that format() gives has replaced the old one; only then may files of history() be
/// deleted.
///
/// Thread rule: a value.
class AofManifest {
public:
    /// kCorruption, in Redis's words.
    static Result<AofManifest> parse(ByteView text);
    std::string format() const;

    const std::optional<AofFile>& base() const { return base_; }

    const std::vector<AofFile>& increments() const { return increments_; }

    const std::vector<AofFile>& history() const { return history_; }

    bool empty() const { return !base_ && increments_.empty() && history_.empty(); }

    /// What is to be loaded, in order.
    std::vector<AofFile> files() const;

    /// A new, last increment: "<prefix>.<sequence>.incr.aof". Commands go there from now on.
    AofFile add_increment(ByteView prefix);
    /// What the next base is to be called: "<prefix>.<sequence>.base.rdb", or ".aof".
    AofFile next_base(ByteView prefix, bool rdb) const;
    /// A base holds all but the last `increments_kept` increments: they and the old base are
    /// history.
    void install_base(AofFile base, std::size_t increments_kept);
    /// A single file of before Redis 7 becomes the base, under its name.
    static AofManifest upgrade(ByteView name);

    void clear_history() { history_.clear(); }

private:
    Status add_line(ByteView line);
    Status add_file(AofFile file);

    std::optional<AofFile> base_;
    std::vector<AofFile> history_;
    std::vector<AofFile> increments_;
    std::uint64_t base_sequence_ = 0;
    std::uint64_t increment_sequence_ = 0;
};

/// "<prefix>.manifest".
std::string aof_manifest_name(ByteView prefix);

}  // namespace kumo::kv
