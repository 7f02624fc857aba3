#pragma once

#include "base/bytes.h"
#include "wire/resp.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace kumo::api_redis {

/// Reads what a master sends its replica, as it arrives in pieces: lines (the answers of the
/// handshake), then an RDB file with its length before it or a mark behind it, then commands. Pure:
/// no I/O, and whoever reads says when lines end and what comes next.
///
/// Thread rule: loop-owned.
class MasterStream {
public:
    enum class Event : std::uint8_t {
        kNeedMore,
        kLine,     ///< text() is an answer, without its end.
        kRdb,      ///< text() is a piece of the file.
        kRdbEnd,   ///< The file is complete; commands follow.
        kCommand,  ///< arguments(), text() are its bytes. Empty commands are told too.
        kError,    ///< error(); nothing more can be read.
    };

    MasterStream();

    /// Views given out before are invalid afterwards.
    void feed(ByteView bytes);
    Event next();

    /// After the line that announced a full synchronization.
    void expect_rdb();
    /// After the line that announced that the stream goes on.
    void expect_commands();

    ByteView text() const { return text_; }

    std::span<const ByteView> arguments() const { return commands_.arguments(); }

    const std::string& error() const { return error_; }

    /// The length of the file, if the master said it.
    std::optional<std::uint64_t> rdb_bytes() const { return rdb_bytes_; }

    /// A longer line is none of a master's.
    static constexpr std::size_t kLineBytesMax = std::size_t{16} * 1024;
    static constexpr std::size_t kMarkBytes = 40;

private:
    enum class State : std::uint8_t {
        kLines,
        kRdbHeader,
        kRdbOfLength,
        kRdbToMark,
        kCommands,
        kBroken
    };

    Event fail(std::string why);
    bool take_line(ByteView* line);
    Event next_line();
    Event next_rdb_header();
    Event next_of_length();
    Event next_to_mark();
    Event next_command();
    Event end_rdb();

    State state_ = State::kLines;
    std::string buffer_;     ///< Not of commands: those lie in commands_.
    std::size_t taken_ = 0;  ///< Bytes of it that were given out.
    ByteView text_;
    std::string mark_;
    std::optional<std::uint64_t> rdb_bytes_;
    std::uint64_t rdb_left_ = 0;
    wire::RespParser commands_;
    std::string error_;
};

}  // namespace kumo::api_redis
