#include "kv/rdb/dump.h"

#include "kv/rdb/object_reader.h"
#include "kv/rdb/rdb_format.h"
#include "kv/rdb/rdb_input.h"
#include "wire/crc64.h"

#include <cstddef>
#include <cstdint>

namespace kumo::kv {

namespace {

constexpr std::size_t kVersionBytes = 2;
constexpr std::size_t kFooterBytes = kVersionBytes + sizeof(std::uint64_t);

}  // namespace

void seal_dump(std::string* payload) {
    append_fixed(*payload, static_cast<std::uint16_t>(kDumpVersionWritten));
    append_fixed(*payload, wire::crc64(*payload));
}

bool dump_is_sound(ByteView payload) {
    if (payload.size() < kFooterBytes) {
        return false;
    }
    const ByteView summed = payload.substr(0, payload.size() - sizeof(std::uint64_t));
    const int version =
        load_unaligned<std::uint16_t>(summed.data() + summed.size() - kVersionBytes);
    const auto checksum = load_unaligned<std::uint64_t>(summed.data() + summed.size());
    return (version <= kRdbVersionMax || version == kRdbVersionValkey)
           && checksum == wire::crc64(summed);
}

Status read_dump(ByteView payload, ObjectVisitor& visitor, bool check_envelope) {
    if (payload.size() < kFooterBytes || (check_envelope && !dump_is_sound(payload))) {
        return invalid_argument(std::string(kDumpVersionOrChecksum));
    }
    RdbInput input(payload.substr(0, payload.size() - kFooterBytes));
    const std::uint8_t type = input.byte();
    const auto count = read_object(input, type, visitor);
    if (!count.ok() || count.value() == 0 || !input.at_end()) {
        return corruption(std::string(kDumpBadData));
    }
    return {};
}

}  // namespace kumo::kv
