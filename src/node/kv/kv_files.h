#pragma once

#include "base/result.h"
#include "cluster/state/state.h"
#include "io/fs.h"
#include "node/copy_mark.h"
#include "node/kv/kv_move_table.h"
#include "node/kv/slot_set.h"
#include "store/wal.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node {

/// A node's time in one cluster: its copies there have nothing to do with those of another time.
using KvLife = std::uint64_t;

/// Keys that a node brings into a cluster: those of a copy of the life before.
struct KvCarried {
    KvLife life = 0;
    cluster::CopyId copy{};
    SlotSet slots;  ///< That it had there.
    std::uint64_t epoch = 0;

    bool operator==(const KvCarried&) const = default;
};

/// In which cluster a node is, as far as its keys are concerned.
struct KvLifeRecord {
    KvLife life = 0;
    Uuid cluster;                      ///< Nil: none yet.
    std::optional<KvCarried> carried;  ///< Until they are stored as of this life.
    bool imports = false;  ///< The first start reads files of Redis's, and is not done with them.

    bool operator==(const KvLifeRecord&) const = default;
};

/// What of a copy is stored, beside the log behind it.
struct KvCheckpoint {
    store::Seq seq = 0;  ///< Everything up to here is in it.
    CopyMark mark;
    std::uint64_t bytes = 0;  ///< Of the file.
    KvMoveTable moves;
};

/// The files of a node's keys, in one directory (docs/formats/keys.md):
///
///     life                 KvLifeRecord
///     LIFE-COPY/mark       which checkpoint counts, and what its log has to remember
///     LIFE-COPY/SEQ.rdb    the keys as of SEQ, as an RDB file
///
/// Stateless; every call blocks. The file system outlives it.
class KvFiles {
public:
    KvFiles(io::Fs& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}

    Result<KvLifeRecord> read_life() const;
    Status write_life(const KvLifeRecord& record) const;

    std::string directory_of(KvLife life, cluster::CopyId copy) const;
    std::string path_of(KvLife life, cluster::CopyId copy, store::Seq seq) const;

    /// Nothing: there is none.
    Result<std::optional<KvCheckpoint>> read_mark(KvLife life, cluster::CopyId copy) const;

    /// From now on this is the copy's checkpoint; its file is whole, durable and in its place.
    /// Older ones go.
    Status write_mark(KvLife life, cluster::CopyId copy, const KvCheckpoint& checkpoint) const;

    struct Place {
        KvLife life = 0;
        cluster::CopyId copy{};

        bool operator==(const Place&) const = default;
    };

    /// The copies that have a directory.
    Result<std::vector<Place>> copies() const;

    /// An error: its mark may still be there.
    Status remove(KvLife life, cluster::CopyId copy) const;

private:
    io::Fs& fs_;
    const std::string directory_;
};

/// A copy's stream in the node's log.
store::StreamId kv_stream_of(KvLife life, cluster::CopyId copy);
KvFiles::Place place_of(store::StreamId stream);

std::string encode_kv_checkpoint(const KvCheckpoint& checkpoint);
Result<KvCheckpoint> decode_kv_checkpoint(ByteView bytes);

}  // namespace kumo::node
