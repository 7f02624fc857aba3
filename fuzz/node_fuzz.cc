#include "node/operation.h"
#include "node/state.h"
#include "search/index/index.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

// The bytes of the log's commands and operations, and of the state: the first byte says which.
// What is decoded must encode to something that decodes to the same.

namespace {

using kumo::ByteView;

void fuzz_state(ByteView bytes) {
    const auto state = kumo::node::decode_state(bytes);
    if (!state.ok()) {
        return;
    }
    const std::string once = kumo::node::encode_state(state.value());
    const auto again = kumo::node::decode_state(once);
    if (!again.ok() || kumo::node::encode_state(again.value()) != once) {
        std::abort();
    }
}

void fuzz_command(ByteView bytes) {
    const auto command = kumo::node::decode_command(bytes);
    if (command.ok()) {
        (void)kumo::node::apply({}, 1, command.value());
    }
}

void fuzz_operation(ByteView bytes) {
    auto schema = std::make_shared<kumo::search::Schema>();
    kumo::search::Field field;
    field.name = "t";
    field.optional = true;
    schema->fields.push_back(field);
    kumo::search::Index index(schema, {}, {});
    (void)kumo::node::apply_operation(index, bytes);
    index.publish(1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
        case 0: fuzz_state(bytes); break;
        case 1: fuzz_command(bytes); break;
        default: fuzz_operation(bytes); break;
    }
    return 0;
}
