#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "io/fs.h"

#include <cstdint>
#include <string>

namespace kumo::store {

// Whole files that are replaced atomically and checked when read: manifests, metadata, small
// checkpoints. Format: docs/formats/checkpoint.md. Blocking; any thread, one writer per path.

inline constexpr std::uint64_t kCheckedFileBytesMax = std::uint64_t{4} << 30;

/// What kind of file it is and in which version of that kind's format.
struct FileKind {
    char magic[8];          ///< Eight characters, not terminated.
    std::uint32_t version;  ///< Of the content; the reader's is the newest it understands.
};

struct CheckedFile {
    std::uint32_t version = 0;
    std::string bytes;
};

/// Replaces `path`: temporary file beside it, sync, rename, sync of the directory. On OK the new
/// content is durable. On an error the old content stands, except that after a failed last step
/// (kIo, its message says so) a crash may leave either.
Status
write_checked_file(io::Fs& fs, const std::string& path, const FileKind& kind, ByteView bytes);

/// kNotFound if it is absent; kCorruption, naming the file, if it is damaged or of another kind;
/// kUnsupported if its version is newer than `kind.version`.
Result<CheckedFile> read_checked_file(io::Fs& fs, const std::string& path, const FileKind& kind);

}  // namespace kumo::store
