// Any bytes as an RDB file: read or refused; what is read makes values.
#include "kv/rdb/rdb_reader.h"
#include "kv/rdb/value_codec.h"

#include <cstddef>
#include <cstdint>

namespace {

class Sink final : public kumo::kv::RdbSink {
public:
    kumo::kv::ObjectVisitor* begin_key(const kumo::kv::RdbKey& /*key*/) override {
        return &builder_;
    }

    kumo::Status end_key(const kumo::kv::RdbKey& /*key*/) override {
        builder_.take();
        return {};
    }

    kumo::Status on_foreign(const kumo::kv::RdbKey& /*key*/, kumo::ByteView /*what*/) override {
        return {};
    }

private:
    kumo::kv::EncodingLimits limits_;
    kumo::kv::ValueBuilder builder_{limits_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const kumo::ByteView bytes(reinterpret_cast<const char*>(data), size);
    Sink sink;
    kumo::kv::RdbReader reader(bytes, sink, {.verify_checksum = false});
    const auto status = reader.read_all();
    return status.ok() ? 0 : 0;
}
