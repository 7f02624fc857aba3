#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "kv/rdb/rdb_reader.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kumo::kv {

/// Takes the commands of an append-only file, in its order. An error ends the reading.
class AofSink {
public:
    virtual ~AofSink() = default;
    AofSink(const AofSink&) = delete;
    AofSink& operator=(const AofSink&) = delete;

    /// At least a name. Views into the file. MULTI and EXEC are not among them: what they enclose
    /// is told only when the EXEC is there.
    virtual Status on_command(std::span<const ByteView> arguments) = 0;

    /// The commands that follow were written at this second (`aof-timestamp-enabled`).
    virtual Status on_timestamp(std::int64_t /*unix_seconds*/) { return {}; }

protected:
    AofSink() = default;
};

struct AofReadOptions {
    /// A file that ends within a command or a transaction is taken up to there
    /// (`aof-load-truncated`); only the last file of a set may. Otherwise that is kCorruption.
    bool allow_truncated = true;
    RdbReadOptions rdb;
};

/// Reads one append-only file that lies in memory, mapped or not: commands as RESP, behind an RDB
/// file if it begins with one. kCorruption: bytes that are neither, in Redis's words.
///
/// Thread rule: loop-owned.
class AofReader {
public:
    AofReader(ByteView bytes, RdbSink& keys, AofSink& commands, AofReadOptions options = {});

    Status read_all();
    /// Reads on by a key or a command or transaction; true: there is more.
    Result<bool> read_some();

    /// Up to where everything was read: what a truncated file is to be cut to before one appends.
    std::size_t valid_bytes() const { return valid_; }

    bool truncated() const { return truncated_; }

    /// Told to the sink.
    std::uint64_t commands() const { return command_count_; }

private:
    enum class Parsed : std::uint8_t {
        kDone,
        kCutOff,
        kDamaged
    };

    Result<bool> read_preamble();
    Status read_transaction();
    Status read_annotation();
    Status emit(std::span<const ByteView> arguments);
    Parsed parse_command(std::vector<ByteView>* arguments);
    Parsed take_count(char type, std::size_t* count);
    Status stopped(Parsed why);

    ByteView bytes_;
    AofSink& commands_;
    AofReadOptions options_;
    RdbReader rdb_;
    bool in_preamble_;
    std::size_t at_ = 0;
    std::size_t valid_ = 0;
    bool truncated_ = false;
    std::uint64_t command_count_ = 0;
    std::vector<ByteView> arguments_;
};

}  // namespace kumo::kv
