#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "io/loop.h"
#include "node/background_jobs.h"
#include "node/control_link.h"
#include "node/install_message.h"
#include "node/kv/kv_copy.h"
#include "node/kv/kv_files.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace kumo::node {

/// Parts of one file on their way.
inline constexpr std::size_t kKvChunksInFlightMax = 4;

/// Sends this node's checkpoint to copies that are too far behind for the log.
///
/// Thread rule: loop-owned. What it is given outlives it.
class KvInstallSender {
public:
    /// A checkpoint as of `least` or later, with its file open.
    struct Source {
        KvCheckpoint checkpoint;
        std::shared_ptr<io::File> file;
    };

    struct Environment {
        io::Loop& loop;
        BackgroundJobs& jobs;
        ControlLink& control;
        std::function<std::shared_ptr<KvCopy>()> copy;  ///< This node's; nullptr: none.
        std::function<void(store::Seq least, std::function<void(Result<Source>)>)> checkpoint;
        std::size_t chunk_bytes = KvLimits{}.install_chunk_bytes;
    };

    explicit KvInstallSender(Environment environment) : env_(std::move(environment)) {}

    /// KvCopy::install_done() tells the copy how it ended.
    void start(const cluster::NodeId& node);

private:
    struct Install {
        cluster::NodeId node;
        cluster::ShardId shard{};
        cluster::CopyId copy{};
        cluster::CopyId origin{};
        Source source;
        std::uint64_t next = 0;
        std::size_t in_flight = 0;
        bool ended = false;
    };

    using InstallPtr = std::shared_ptr<Install>;

    void ask(const InstallPtr& install);
    void take_checkpoint(const InstallPtr& install);
    void send_begin(const InstallPtr& install);
    void pump(const InstallPtr& install);
    void read_chunk(const InstallPtr& install);
    void finish(const InstallPtr& install, const Status& delivered);
    void call(
        const InstallPtr& install,
        const InstallMessage& message,
        Duration timeout,
        std::function<void(const Result<std::string>&)> done
    );

    const Environment env_;
    std::map<cluster::NodeId, InstallPtr> running_;
};

/// Takes a checkpoint for this node's empty copy.
///
/// Thread rule: loop-owned. What it is given outlives it.
class KvInstallReceiver {
public:
    struct Environment {
        io::Fs& fs;
        BackgroundJobs& jobs;
        ControlLink& control;
        std::function<std::shared_ptr<KvCopy>()> copy;
        KvFiles files;
        std::function<KvLife()> life;
        std::function<void(cluster::CopyId, const KvCheckpoint&)> on_installed;
    };

    explicit KvInstallReceiver(Environment environment) : env_(std::move(environment)) {}

    /// PeerRequest::kInstall.
    void on_request(const std::string& bytes, std::uint64_t reply);

private:
    struct Incoming {
        cluster::CopyId copy{};
        KvLife life = 0;
        std::uint64_t seq = 0;
        std::uint64_t bytes = 0;
        std::uint64_t taken = 0;
        std::string path;
        std::shared_ptr<io::File> file;
        bool failed = false;
    };

    Status may_take(cluster::ShardId shard, cluster::CopyId copy) const;
    void handle(const InstallAsk& ask, std::uint64_t reply);
    void handle(const InstallBegin& begin, std::uint64_t reply);
    void handle(InstallData&& data, std::uint64_t reply);
    void handle(const InstallEnd& end, std::uint64_t reply);
    Status open(const InstallBegin& begin);

    const Environment env_;
    std::shared_ptr<Incoming> incoming_;
};

}  // namespace kumo::node
