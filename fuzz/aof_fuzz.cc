// What is read of an append-only file is a prefix that reads the same alone; manifests are kept.
#include "base/assert.h"
#include "kv/aof/aof_reader.h"
#include "kv/aof/manifest.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

class Keys final : public kumo::kv::RdbSink {
public:
    kumo::kv::ObjectVisitor* begin_key(const kumo::kv::RdbKey& /*key*/) override { return nullptr; }

    kumo::Status end_key(const kumo::kv::RdbKey& /*key*/) override { return {}; }
};

class Commands final : public kumo::kv::AofSink {
public:
    kumo::Status on_command(std::span<const kumo::ByteView> arguments) override {
        KUMO_ASSERT(!arguments.empty());
        return {};
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const kumo::ByteView bytes(reinterpret_cast<const char*>(data), size);
    Keys keys;
    Commands commands;
    kumo::kv::AofReader reader(bytes, keys, commands);
    if (reader.read_all().ok()) {
        kumo::kv::AofReader again(
            bytes.substr(0, reader.valid_bytes()),
            keys,
            commands,
            {.allow_truncated = false, .rdb = {}}
        );
        KUMO_ASSERT(again.read_all().ok());
        KUMO_ASSERT(again.commands() == reader.commands());
    }
    const auto manifest = kumo::kv::AofManifest::parse(bytes);
    if (manifest.ok() && !manifest.value().empty()) {
        const std::string text = manifest.value().format();
        const auto parsed = kumo::kv::AofManifest::parse(text);
        KUMO_ASSERT(!parsed.ok() || parsed.value().format() == text);
    }
    return 0;
}
