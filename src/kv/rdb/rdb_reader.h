#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "kv/rdb/object_visitor.h"
#include "kv/rdb/rdb_input.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace kumo::kv {

/// What an RDB file says of a key besides its value.
struct RdbKey {
    int db = 0;
    ByteView key;  ///< Valid until end_key() has returned.
    std::optional<std::int64_t> expire_at_ms;
    std::optional<std::uint64_t> idle_seconds;
    std::optional<std::uint8_t> frequency;
};

/// Takes what a file holds, in its order. An error ends the reading and is passed on.
class RdbSink {
public:
    virtual ~RdbSink() = default;
    RdbSink(const RdbSink&) = delete;
    RdbSink& operator=(const RdbSink&) = delete;

    /// "redis-ver", "ctime", "repl-id", ... Unknown ones are to be ignored.
    virtual Status on_aux(ByteView /*name*/, ByteView /*value*/) { return {}; }

    /// The source of a function library.
    virtual Status on_function(ByteView /*code*/) { return {}; }

    /// Before the keys of a database: about how many there are, how many of them expire.
    virtual Status
    on_database(int /*db*/, std::uint64_t /*keys*/, std::uint64_t /*volatile_keys*/) {
        return {};
    }

    /// Who takes the key's value; nullptr: the key is stepped over.
    virtual ObjectVisitor* begin_key(const RdbKey& key) = 0;
    /// The value is complete, and not empty. Not called for keys that begin_key() refused.
    virtual Status end_key(const RdbKey& key) = 0;
    /// A value that we have no use for (a module's, KeyDB's cron job). The default ends the reading
    /// with kUnsupported: data is not to be lost in silence.
    virtual Status on_foreign(const RdbKey& key, ByteView what);

protected:
    RdbSink() = default;
};

struct RdbReadOptions {
    /// Files that were written without a checksum are read in any case.
    bool verify_checksum = true;
};

/// Reads an RDB file (of Redis to 7.2, KeyDB 6.3, Valkey 9) that lies in memory, mapped or not,
/// without copying it. kCorruption: damaged, or of another version; kUnsupported: see
/// RdbSink::on_foreign().
///
///     RdbReader reader(bytes, sink);
///     KUMO_TRY(reader.read_all());
///
/// Thread rule: loop-owned.
class RdbReader {
public:
    RdbReader(ByteView bytes, RdbSink& sink, RdbReadOptions options = {});

    Status read_all();
    /// Reads on up to the end of a key; true: there is more. For loading in pieces.
    Result<bool> read_some();

    /// Bytes read; behind the end of the file that is where an AOF goes on.
    std::size_t position() const { return input_.position(); }

    std::uint64_t keys() const { return keys_; }

    /// Keys whose collections had no element: such keys are left out.
    std::uint64_t empty_keys() const { return empty_keys_; }

    int version() const { return version_; }

private:
    Status read_header();
    Status read_opcode(std::uint8_t opcode);
    Status read_aux();
    Status read_function();
    Status read_database();
    Status read_resize();
    Status read_slot_import();
    Status read_key(std::uint8_t type);
    Status read_value(std::uint8_t type);
    Status read_end();
    void sum_up();

    Error damage(ByteView what) const { return input_.damage(what); }

    ByteView bytes_;
    RdbInput input_;
    RdbSink& sink_;
    RdbReadOptions options_;
    int version_ = 0;
    bool ended_ = false;
    RdbKey key_;  ///< Of the key that comes next.
    std::string key_scratch_;
    std::uint64_t checksum_ = 0;
    std::size_t summed_ = 0;  ///< Bytes that checksum_ is of.
    std::uint64_t keys_ = 0;
    std::uint64_t empty_keys_ = 0;
};

/// Whether the bytes begin like an RDB file.
bool looks_like_rdb(ByteView bytes);

}  // namespace kumo::kv
