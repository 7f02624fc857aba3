#include "base/assert.h"
#include "cluster/replication/message.h"
#include "cluster/replication/shard_copy.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

// Bytes from another copy of a shard. What is read must be the same after it was written and read
// again, and a copy must survive it, as a primary (the first byte is odd) and as a follower.

namespace {

using kumo::ByteView;
namespace cluster = kumo::cluster;

constexpr cluster::ShardId kShard{2};

kumo::Uuid node(std::uint8_t number) {
    kumo::Uuid id;
    id.bytes.fill(number);
    return id;
}

cluster::Shard view(bool primary) {
    cluster::Shard shard;
    shard.id = kShard;
    shard.version = 1;
    shard.term = 1;
    shard.primary = node(primary ? 1 : 2);
    shard.primary_incarnation = 1;
    shard.in_sync = {node(1), node(2)};
    shard.copies = {{node(1), cluster::CopyId{3}}, {node(2), cluster::CopyId{4}}};
    return shard;
}

void feed(cluster::ShardCopy& copy, const cluster::CopyMessage& message) {
    for (int i = 1; i <= 3; ++i) {
        copy.receive(node(2), message);
        (void)copy.take_output();
        copy.persisted(copy.last());
        copy.tick(kumo::MonotonicTime(std::chrono::seconds(i)));
        (void)copy.take_output();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    auto message = cluster::decode_message(bytes);
    if (!message.ok()) {
        return 0;
    }
    const std::string once = cluster::encode_message(message.value());
    const auto again = cluster::decode_message(once);
    KUMO_ASSERT(again.ok() && cluster::encode_message(again.value()) == once);

    cluster::CopyOptions options;
    options.node = node(1);
    cluster::ShardCopy copy(options, kShard, cluster::CopyId{3}, cluster::CopyLog(), {});
    copy.on_state(view(data[0] % 2 == 1), 1);
    (void)copy.take_output();
    message.value().shard = kShard;
    feed(copy, message.value());
    return 0;
}
