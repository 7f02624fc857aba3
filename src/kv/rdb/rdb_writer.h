#pragma once

#include "base/bytes.h"
#include "kv/rdb/rdb_output.h"
#include "kv/rdb/rdb_reader.h"
#include "kv/types/value.h"

#include <cstdint>
#include <functional>
#include <string>

namespace kumo::kv {

struct RdbWriteOptions {
    bool compress = true;  ///< `rdbcompression`
    bool checksum = true;  ///< `rdbchecksum`
};

/// Writes an RDB file of version 10, which Redis 7.0 and later and Valkey load, piece by piece to
/// whoever takes its bytes: no more of it than one large string lies in memory.
///
///     RdbWriter writer(drain);
///     writer.aux("redis-ver", "7.0.15");
///     writer.function(code);                     // as many as there are
///     writer.database(0, keys, volatile_keys);
///     writer.string(key, value); writer.value(other_key, collection); ...
///     writer.finish();
///
/// Thread rule: loop-owned.
class RdbWriter {
public:
    explicit RdbWriter(RdbOutput::Drain drain, RdbWriteOptions options = {});
    RdbWriter(const RdbWriter&) = delete;
    RdbWriter& operator=(const RdbWriter&) = delete;

    void aux(ByteView name, ByteView value);
    void function(ByteView code);
    /// The keys that follow are of this database: that many, of which so many expire.
    void database(int db, std::uint64_t keys, std::uint64_t volatile_keys);
    /// RdbKey::db is not looked at.
    void string(const RdbKey& key, ByteView value);
    void value(const RdbKey& key, const Value& value);
    /// The end, and everything that is still held.
    void finish();

    /// Bytes given to drain.
    std::uint64_t bytes() const { return bytes_; }

private:
    void key_head(const RdbKey& key, std::uint8_t type);

    void opcode(std::uint8_t value) { out_.byte(value); }

    RdbOutput::Drain drain_;
    RdbWriteOptions options_;
    std::uint64_t checksum_ = 0;
    std::uint64_t bytes_ = 0;
    RdbOutput out_;
};

}  // namespace kumo::kv
