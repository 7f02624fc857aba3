#pragma once

#include "api/redis/replication/replicas.h"
#include "io/fs.h"
#include "io/loop.h"
#include "kv/rdb/rdb_writer.h"
#include "kv/rdb/snapshot.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_redis {

/// One snapshot on its way to some replicas, while commands run. To those that know the mark it
/// goes as it is made, and is made as they take it: a piece waits in memory, never the whole. For
/// the others, who must be told its length first, it goes by way of a file.
///
/// Thread rule: loop-owned.
class FullSync final {
public:
    FullSync(Service& service, Replicas& replicas, Replication& replication, SyncWishes wishes);
    ~FullSync();
    FullSync(const FullSync&) = delete;
    FullSync& operator=(const FullSync&) = delete;

    /// The snapshot is of this moment; the stream goes on from here.
    void begin(std::vector<SessionId> members);

    void on_drained() { pump(); }

    void forget(SessionId id);

    bool has(SessionId id) const { return members_.contains(id); }

    /// Nobody waits for it any more.
    bool done() const { return members_.empty(); }

private:
    Status open_file();
    Status open_snapshot();
    void announce(SessionId id, ByteView rest);
    void schedule(Duration delay);
    void pump();
    void step_snapshot();
    void distribute();
    void finish_snapshot();
    void send_file();
    bool all_have_room() const;
    void fail(ByteView why);

    Service& service_;
    Replicas& replicas_;
    Replication& replication_;
    SyncWishes wishes_;
    std::map<SessionId, std::uint64_t> members_;  ///< What of the file each has been sent.
    std::unique_ptr<kv::RdbWriter> writer_;
    std::unique_ptr<kv::Snapshot> snapshot_;
    std::string pending_;  ///< Made and not sent yet.
    std::string mark_;
    std::string path_;
    std::unique_ptr<io::File> file_;
    std::uint64_t file_bytes_ = 0;
    Status failed_;
    bool file_complete_ = false;
    std::uint64_t place_ = 0;  ///< Of the stream when the snapshot began.
    io::TimerId timer_;
    bool scheduled_ = false;
};

}  // namespace kumo::api_redis
