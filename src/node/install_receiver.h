#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "io/loop.h"
#include "node/background_jobs.h"
#include "node/control_link.h"
#include "node/install_message.h"
#include "node/segment_store.h"
#include "node/shard.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace kumo::node {

/// Takes files for this node's empty copies. Nothing counts before the manifest is stored, last of
/// all; what an attempt that broke off has left is gone on with, if the same copy sends again.
///
/// Thread rule: loop-owned. What it is given outlives it.
class InstallReceiver {
public:
    struct Environment {
        io::Fs& fs;
        BackgroundJobs& jobs;
        ControlLink& control;
        std::function<std::shared_ptr<Shard>(cluster::ShardId)> local;
        std::function<std::string(cluster::CopyId)> directory_of;
        /// The copy's directory holds that now.
        std::function<void(cluster::ShardId, cluster::CopyId, SegmentStore::Content)> on_installed;
    };

    explicit InstallReceiver(const Environment& environment) : env_(environment) {}

    /// PeerRequest::kInstall.
    void on_request(const std::string& bytes, std::uint64_t reply);

private:
    struct File {
        std::uint64_t bytes = 0;
        std::uint64_t taken = 0;  ///< Handed to the writing job, in order.
        std::shared_ptr<io::File> file;
    };

    struct Incoming {
        cluster::ShardId shard{};
        cluster::CopyId copy{};
        cluster::CopyId origin{};
        std::string directory;
        std::shared_ptr<const search::Schema> schema;
        std::map<std::uint64_t, File> files;
        bool failed = false;
    };

    using IncomingPtr = std::shared_ptr<Incoming>;

    void handle(const InstallAsk& ask, std::uint64_t reply);
    void handle(const InstallBegin& begin, std::uint64_t reply);
    void handle(InstallData&& data, std::uint64_t reply);
    void handle(const InstallEnd& end, std::uint64_t reply);

    /// The copy, if it may be given files.
    Result<std::shared_ptr<Shard>> find_empty(cluster::ShardId id, cluster::CopyId copy) const;
    IncomingPtr find_incoming(cluster::CopyId copy) const;
    Result<std::string> prepare(const InstallBegin& begin, const Shard& shard);
    void install(const IncomingPtr& incoming, const std::string& manifest, std::uint64_t reply);
    static Result<SegmentStore::Content>
    store(io::Fs& fs, const Incoming& incoming, const std::string& manifest);
    static std::string incoming_path(const Incoming& incoming, std::uint64_t segment);

    const Environment env_;
    std::map<cluster::CopyId, IncomingPtr> incoming_;
};

}  // namespace kumo::node
