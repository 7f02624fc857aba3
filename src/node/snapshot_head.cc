#include "node/snapshot_head.h"

#include "store/checkpoint.h"
#include "wire/byte_reader.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

constexpr store::FileKind kHeadKind = {{'N', 'O', 'D', 'E', 'S', 'N', 'A', 'P'}, 1};

}  // namespace

std::string snapshot_head_path(const std::string& directory) {
    return io::join_path(directory, "snapshot");
}

Result<std::optional<SnapshotHead>> read_snapshot_head(io::Fs& fs, const std::string& directory) {
    const std::string path = snapshot_head_path(directory);
    auto file = store::read_checked_file(fs, path, kHeadKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return std::optional<SnapshotHead>();
    }
    KUMO_TRY(file);
    wire::ByteReader in(file.value().bytes);
    SnapshotHead head;
    head.complete = in.below_or_at(1) == 1;
    head.restored_as = in.uuid();
    head.node = in.uuid();
    const ByteView state = in.sized();
    if (!in.at_end()) {
        return corruption(path + ": not well formed");
    }
    if (head.complete) {
        auto decoded = decode_state(state);
        if (!decoded.ok()) {
            return corruption(path + ": " + decoded.error().message);
        }
        head.state = std::make_shared<const State>(std::move(decoded).value());
    }
    return std::optional(std::move(head));
}

Status write_snapshot_head(io::Fs& fs, const std::string& directory, const SnapshotHead& head) {
    std::string bytes;
    wire::append_varint(bytes, head.complete ? 1 : 0);
    bytes.append(head.restored_as.view());
    bytes.append(head.node.view());
    wire::append_sized(bytes, head.complete ? encode_state(*head.state) : std::string());
    return store::write_checked_file(fs, snapshot_head_path(directory), kHeadKind, bytes);
}

State snapshot_state(const State& state, const cluster::NodeId& node) {
    State out = state;
    out.proposals.clear();
    out.cluster = cluster::begin_with(state.cluster, node, node);
    std::erase_if(out.collections, [&](const auto& each) {
        const auto& shards = each.second->shards;
        return std::any_of(shards.begin(), shards.end(), [&](cluster::ShardId shard) {
            return cluster::find_shard(out.cluster, shard) == nullptr;
        });
    });
    return out;
}

State first_state(const Seed& seed, const cluster::NodeId& self) {
    State first = *seed.state;
    first.applied = 1;
    first.cluster = cluster::begin_with(seed.state->cluster, seed.node, self);
    return first;
}

}  // namespace kumo::node
