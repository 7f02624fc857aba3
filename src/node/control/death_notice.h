#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "cluster/peering/peering.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/resolver.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kumo::node {

/// What somebody who outlives a run of a node has to know to tell the others of its end: kept in
/// the control plane's directory as `obituary` (docs/formats/control.md).
struct Obituary {
    Uuid cluster;
    Uuid node;
    std::uint64_t incarnation = 0;    ///< Of the run.
    std::vector<std::string> others;  ///< Their peering addresses.

    bool operator==(const Obituary&) const = default;
};

Status store_obituary(io::Fs& fs, const std::string& directory, const Obituary& obituary);

/// kNotFound if there is none: the run was in no cluster with others.
Result<Obituary> read_obituary(io::Fs& fs, const std::string& directory);

/// The message: whose run is over.
struct DeathNotice {
    Uuid node;
    std::uint64_t incarnation = 0;
};

std::string encode_death_notice(const DeathNotice& notice);

/// kCorruption if the bytes are none.
Result<DeathNotice> decode_death_notice(ByteView bytes);

/// Tells the others that the run which wrote the obituary is over. Only for who can prove it: a
/// parent that has waited for the process. Runs the loop, at most kDeathNoticeTime; then true if
/// somebody was told.
Result<bool> announce_death(
    const cluster::Peering::Environment& environment,
    const std::string& directory,
    const cluster::PeerTlsFiles& tls
);

inline constexpr Duration kDeathNoticeTime = std::chrono::seconds(1);

}  // namespace kumo::node
