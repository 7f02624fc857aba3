#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "cluster/state/state.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace kumo::node {

// What a primary sends a copy that is too far behind for the log: requests of one kind
// (PeerRequest::kInstall), each answered before its effect counts. docs/formats/install.md.

/// May the copy be given files? kConflict: it holds something, and has to be replaced first.
struct InstallAsk {
    cluster::ShardId shard{};
    cluster::CopyId copy{};
};

struct InstallFile {
    std::uint64_t segment = 0;
    std::uint64_t bytes = 0;
};

/// The files that come. The answer says how much of each is there from an attempt before, in the
/// same order.
struct InstallBegin {
    cluster::ShardId shard{};
    cluster::CopyId copy{};
    cluster::CopyId origin{};  ///< Whose files: those of another copy are others.
    std::vector<InstallFile> files;
};

/// Of one file, in the order of its bytes.
struct InstallData {
    cluster::CopyId copy{};
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    std::string bytes;
};

/// Everything is there: the copy is what the manifest says. Answered when that is durable.
struct InstallEnd {
    cluster::CopyId copy{};
    std::string manifest;
};

using InstallMessage = std::variant<InstallAsk, InstallBegin, InstallData, InstallEnd>;

inline constexpr std::size_t kInstallFilesMax = 100'000;

std::string encode_install(const InstallMessage& message);

/// kCorruption if the bytes are no message.
Result<InstallMessage> decode_install(ByteView bytes);

std::string encode_offsets(const std::vector<std::uint64_t>& offsets);
Result<std::vector<std::uint64_t>> decode_offsets(ByteView bytes);

}  // namespace kumo::node
