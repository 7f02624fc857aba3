#include "base/assert.h"
#include "cluster/state/state.h"
#include "wire/byte_reader.h"

#include <cstddef>
#include <cstdint>
#include <string>

// Bytes of the control plane: the first one says whether they are a command, or a state and then
// commands. What is read must be the same after it was written and read again; any command may be
// applied to any state.

namespace {

using kumo::ByteView;
using kumo::wire::ByteReader;
namespace cluster = kumo::cluster;

constexpr int kCommandsMax = 64;

std::string bytes_of(const cluster::Command& command) {
    std::string out;
    cluster::append_command(out, command);
    return out;
}

std::string bytes_of(const cluster::State& state) {
    std::string out;
    cluster::append_state(out, state);
    return out;
}

void check(const cluster::Command& command) {
    const std::string once = bytes_of(command);
    ByteReader in(once);
    const auto again = cluster::read_command(in);
    KUMO_ASSERT(again && in.at_end() && bytes_of(*again) == once);
}

void check(const cluster::State& state) {
    const std::string once = bytes_of(state);
    ByteReader in(once);
    const cluster::State again = cluster::read_state(in);
    KUMO_ASSERT(in.at_end() && again == state && bytes_of(again) == once);
}

void run_commands(cluster::State& state, ByteReader& in) {
    for (int i = 0; i < kCommandsMax; ++i) {
        const auto command = cluster::read_command(in);
        if (!command) {
            return;
        }
        check(*command);
        (void)cluster::apply(state, *command);
        (void)cluster::add_shard(state, cluster::AckMode::kSync);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    ByteReader in(ByteView(reinterpret_cast<const char*>(data) + 1, size - 1));
    cluster::State state;
    if (data[0] % 2 == 1) {
        state = cluster::read_state(in);
        if (!in.ok()) {
            return 0;
        }
    }
    run_commands(state, in);
    check(state);
    return 0;
}
