#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/worker_pool.h"
#include "node/background_jobs.h"
#include "node/control_link.h"
#include "node/install_message.h"
#include "node/shard.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::node {

/// Installs under way at a time; others wait.
inline constexpr std::size_t kInstallsMax = 2;

/// Chunks of one install on their way.
inline constexpr std::size_t kInstallWindow = 4;

/// Sends files of this node's primaries to copies that are too far behind for the log. What is
/// sent is one stored manifest and the segments it names; they stay mapped until the end, whatever
/// merges do meanwhile.
///
/// Thread rule: loop-owned. What it is given outlives it.
class InstallSender {
public:
    struct Environment {
        io::Loop& loop;
        io::Fs& fs;
        io::WorkerPool& pool;
        BackgroundJobs& jobs;
        ControlLink& control;
        std::function<std::shared_ptr<Shard>(cluster::ShardId)> local;
        std::function<std::string(cluster::CopyId)> directory_of;
        std::size_t chunk_bytes = 0;  ///< Of a message with a part of a file.
    };

    explicit InstallSender(const Environment& environment) : env_(environment) {}

    /// Shard::install_done() tells the shard how it ended. What is on its way to the same node's
    /// copy of the shard is given up: two would be in each other's way.
    void start(cluster::ShardId shard, const cluster::NodeId& node);

private:
    struct File {
        std::uint64_t segment = 0;
        std::shared_ptr<const io::MappedFile> content;
        std::uint64_t next = 0;  ///< Sent up to here.
    };

    struct Install {
        cluster::ShardId shard{};
        cluster::NodeId node;
        cluster::CopyId copy{};
        cluster::CopyId origin{};
        store::Seq seq = 0;
        std::string manifest;
        std::vector<File> files;
        std::size_t file = 0;
        std::size_t in_flight = 0;
        /// Chunks are read side by side, and sent in the order of their files: by number.
        std::uint64_t next_read = 0;
        std::uint64_t next_sent = 0;
        std::map<std::uint64_t, InstallMessage> read;
        bool ended = false;
    };

    using InstallPtr = std::shared_ptr<Install>;

    void begin(const InstallPtr& install);
    void give_up(cluster::ShardId shard, const cluster::NodeId& node);
    void end(const InstallPtr& install);
    void on_asked(const InstallPtr& install, const Result<std::string>& answer);
    void open_files(const InstallPtr& install);
    static Status open(io::Fs& fs, const std::string& directory, Install& install);
    void send_begin(const InstallPtr& install);
    void on_begun(const InstallPtr& install, const Result<std::string>& answer);
    void pump(const InstallPtr& install);
    void read_chunk(const InstallPtr& install, const File& file, std::uint64_t offset);
    void send_chunks(const InstallPtr& install);
    void send_end(const InstallPtr& install);
    void finish(const InstallPtr& install, const Status& delivered);
    void call(
        const InstallPtr& install,
        const InstallMessage& message,
        Duration timeout,
        std::function<void(const Result<std::string>&)> done
    );

    const Environment env_;
    std::deque<InstallPtr> waiting_;
    std::vector<InstallPtr> running_;
};

}  // namespace kumo::node
