#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "io/address.h"
#include "search/index/index_limits.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace kumo::io {
class Fs;
class Loop;
class Network;
class Resolver;
class WorkerPool;
}  // namespace kumo::io

namespace kumo::node {

/// Files for mutual TLS between nodes, PEM. All empty: plain text.
struct PeerTls {
    std::string certificate;
    std::string private_key;
    std::string ca;  ///< Who signs the certificates of all nodes.
};

/// Makes a short check of what all nodes are to be started with alike (their API key), under a
/// salt, so that they can compare it without showing it. Slow; any thread. Empty if it fails.
using KeyCheck = std::function<std::string(ByteView salt)>;

/// How a node finds the others, and they it.
struct ClusterOptions {
    std::string name;                   ///< For people.
    std::string nodes_file;             ///< Empty: a cluster of one, which listens to nobody.
    std::optional<io::Address> listen;  ///< For the other nodes.
    std::string peering_address;        ///< host:port, as the nodes file names this node.
    std::string api_address;            ///< host:port
    std::string zone;
    PeerTls tls;
    KeyCheck key_check;  ///< None: keys are not compared.
};

struct NodeOptions {
    std::string data_dir;
    ClusterOptions cluster;
    bool fsync = true;
    /// Writes are refused while less is free: seals and merges need room to make room.
    std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20;
    std::uint32_t disk_used_max_percentage = 100;  ///< 100: only a full disk refuses writes.
    /// Writes are refused while more of the machine's memory is used; 100: never.
    std::uint32_t memory_used_max_percentage = 100;
    std::function<double()> memory_used_percentage;  ///< Any thread. None: not known.
    /// Writes that are accepted and not yet answered may hold that much, whatever their number.
    std::size_t queued_write_bytes_max = std::size_t{128} << 20;
    /// Sealed at half of what an index may take: a restart after a kill replays what is not.
    search::IndexLimits index_limits = {
        .live_docs_max = 32 * 1024,
        .live_bytes_max = std::size_t{32} << 20};
    /// What the live segments of all collections may hold together before the largest is sealed.
    std::size_t live_bytes_total_max = std::size_t{40} << 20;
    /// Kept in memory of each shard's log for copies that lag; who lags more is sent files.
    std::size_t log_tail_bytes_max = std::size_t{32} << 20;
    /// Of a message with a part of a file, for a copy that is sent files.
    std::size_t install_chunk_bytes = std::size_t{256} << 10;
    /// Seal a live segment that has been idle this long, so that a restart finds little to replay.
    Duration idle_seal_after = std::chrono::seconds(10);
};

/// Tells the other nodes that the last run of the node with this data directory is over, so that
/// they go on without waiting to miss it. Only for who can prove it: the parent that has waited for
/// the process. Blocks about a second at most; best effort.
void announce_death(const NodeOptions& options);

/// What a node lives on. All of it outlives the node. The loops run on threads of their own (or
/// on one): what keeps the cluster together must not wait behind documents.
struct NodeEnvironment {
    io::Fs& fs;
    io::Network& network;
    io::Resolver& resolver;
    io::Loop& data_loop;
    io::Loop& control_loop;
    io::WorkerPool& pool;        ///< Searches; on one of its threads at a time, seals.
    io::WorkerPool& background;  ///< Merges and copies of files: they take long, and may.
    Clock& clock;
};

}  // namespace kumo::node
