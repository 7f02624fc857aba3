#include "base/assert.h"
#include "cluster/consensus_codec.h"
#include "consensus/raft.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

// Decodes a message of the control plane. What is one must come back from its own bytes, and a
// follower must survive it and whatever it then says.

namespace {

using namespace kumo;             // NOLINT(google-build-using-namespace): a program, not a header
using namespace kumo::consensus;  // NOLINT(google-build-using-namespace): as above

NodeId node_id(std::uint8_t number) {
    NodeId id;
    id.bytes[15] = number;
    return id;
}

Raft follower(const Message& message) {
    SnapshotMeta first;
    first.index = 1;
    first.term = 1;
    first.epoch = message.epoch;
    first.configuration.voters = {node_id(1), node_id(2), node_id(3)};
    RaftOptions options;
    options.id = node_id(1);
    Entry entry;
    entry.term = 1;
    entry.index = 2;
    return Raft(options, {first.epoch, 1, {}, false}, first, {entry}, {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(reinterpret_cast<const char*>(data), size);
    const auto message = cluster::decode_consensus_message(bytes);
    if (!message.ok()) {
        return 0;
    }
    const std::string again = cluster::encode_consensus_message(message.value());
    const auto back = cluster::decode_consensus_message(again);
    KUMO_ASSERT(back.ok() && back.value() == message.value());

    Raft raft = follower(message.value());
    Message mine = message.value();
    mine.to = raft.id();
    raft.step(mine);
    raft.persisted(raft.take_ready().sequence);
    raft.tick(std::chrono::seconds(2), {});
    raft.persisted(raft.take_ready().sequence);
    raft.step(mine);
    (void)raft.take_ready();
    return 0;
}
