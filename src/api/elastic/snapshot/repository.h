#pragma once

#include "api/elastic/json.h"
#include "base/result.h"
#include "io/fs.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// Bytes of documents in one blob: what is fetched, checked and shared as one.
inline constexpr std::size_t kBlobBytesMax = std::size_t{4} << 20;

/// A repository of snapshots in a directory.
///
///     index.json          which snapshots there are (written last, atomically)
///     snap-UUID.json      one snapshot: its indices, and the blobs of each
///     blobs/SHA256        documents, one JSON object a line
///
/// Blobs are named by their content: a snapshot writes only those that none before it had, and a
/// blob whose content is not its name is damaged. Every file is written under another name, synced
/// and renamed; the directory is synced before index.json names what is in it. So a crash leaves
/// blobs that nobody names, which clean() removes, and never a snapshot that is incomplete.
///
/// Used by one thread at a time; nobody else writes to the directory (as this API asks for).
class Repository {
public:
    Repository(io::Fs& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}

    /// Makes the directory, and checks that it can be written to. repository_exception.
    Status verify();

    /// The manifests of all snapshots, oldest first. kCorruption.
    Result<std::vector<Json>> snapshots() const;

    /// The blob's name; what was written is 0 if it was there.
    struct Blob {
        std::string name;
        std::uint64_t bytes = 0;
        std::uint64_t written = 0;
    };

    Result<Blob> put_blob(std::string_view bytes);
    /// kCorruption if it is not what its name says.
    Result<std::string> blob(const std::string& name) const;

    /// `manifest`: {"snapshot": name, "uuid": ..., "indices": ...}.
    Status add(const Json& manifest);
    /// Also removes the blobs that no other snapshot has.
    Status remove(const std::string& uuid);

    struct Cleaned {
        std::uint64_t blobs = 0;
        std::uint64_t bytes = 0;
    };

    /// Removes what no snapshot names.
    Result<Cleaned> clean();

private:
    std::string path(const std::string& name) const { return directory_ + "/" + name; }

    Status write_file(const std::string& name, std::string_view bytes);
    Result<Json> read_json(const std::string& name) const;
    Status write_index(const std::vector<Json>& manifests);

    io::Fs& fs_;
    std::string directory_;
};

}  // namespace kumo::api_elastic
