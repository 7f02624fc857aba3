#include "kv/rdb/rdb_writer.h"

#include "kv/rdb/rdb_format.h"
#include "kv/rdb/value_codec.h"
#include "wire/crc64.h"

#include <utility>

namespace kumo::kv {

namespace {

constexpr std::uint8_t code(RdbOpcode opcode) {
    return static_cast<std::uint8_t>(opcode);
}

}  // namespace

RdbWriter::RdbWriter(RdbOutput::Drain drain, RdbWriteOptions options)
    : drain_(std::move(drain)), options_(options), out_([this](ByteView piece) {
          if (options_.checksum) {
              checksum_ = wire::crc64(piece, checksum_);
          }
          bytes_ += piece.size();
          drain_(piece);
      }) {
    out_.compress(options.compress);
    std::string version = std::to_string(kRdbVersionWritten);
    out_.raw("REDIS" + version.insert(0, 4 - version.size(), '0'));
}

void RdbWriter::aux(ByteView name, ByteView value) {
    opcode(code(RdbOpcode::kAux));
    out_.string(name);
    out_.string(value);
}

void RdbWriter::function(ByteView library) {
    opcode(code(RdbOpcode::kFunction));
    out_.string(library);
}

void RdbWriter::database(int db, std::uint64_t keys, std::uint64_t volatile_keys) {
    opcode(code(RdbOpcode::kDatabase));
    out_.length(static_cast<std::uint64_t>(db));
    opcode(code(RdbOpcode::kResize));
    out_.length(keys);
    out_.length(volatile_keys);
}

void RdbWriter::key_head(const RdbKey& key, std::uint8_t type) {
    if (key.expire_at_ms) {
        opcode(code(RdbOpcode::kExpiryMs));
        out_.fixed64(static_cast<std::uint64_t>(*key.expire_at_ms));
    }
    if (key.idle_seconds) {
        opcode(code(RdbOpcode::kIdle));
        out_.length(*key.idle_seconds);
    }
    if (key.frequency) {
        opcode(code(RdbOpcode::kFrequency));
        out_.byte(*key.frequency);
    }
    out_.byte(type);
    out_.string(key.key);
}

void RdbWriter::string(const RdbKey& key, ByteView value) {
    key_head(key, static_cast<std::uint8_t>(RdbType::kString));
    out_.string(value);
}

void RdbWriter::value(const RdbKey& key, const Value& value) {
    const RdbType type = rdb_type_of(value, false);
    key_head(key, static_cast<std::uint8_t>(type));
    write_value(value, type, out_);
}

void RdbWriter::finish() {
    opcode(code(RdbOpcode::kEnd));
    out_.flush();  // Everything that the checksum is of.
    out_.fixed64(options_.checksum ? checksum_ : 0);
    out_.flush();
}

}  // namespace kumo::kv
