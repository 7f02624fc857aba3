#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace kumo::wire {

/// One line of a byte stream, without its end.
struct Line {
    ByteView text;             ///< Empty for a line that was too long. Valid until the next call.
    std::uint64_t number = 0;  ///< From 1, every line counted.
    bool too_long = false;     ///< The line passed the limit; its bytes were skipped.
};

/// Cuts a stream that arrives in arbitrary pieces into lines ending in LF or CRLF (NDJSON).
/// Holds at most one unfinished line of at most `line_bytes_max` bytes.
///
///     while (const auto line = splitter.next(chunk)) { ... }
///
/// Thread rule: loop-owned.
class LineSplitter {
public:
    /// `line_bytes_max` counts the line without its LF.
    explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

    /// The next complete line, taking what it used off the front of `chunk`. Nothing when `chunk`
    /// is used up; the tail is kept for the next chunk. A line that lies in one chunk is not
    /// copied.
    std::optional<Line> next(ByteView& chunk);

    /// The stream has ended: the last line if it had no LF. Nothing if the stream ended in LF.
    std::optional<Line> finish();

    /// Bytes of the unfinished line that are held.
    std::size_t buffered_bytes() const noexcept { return partial_.size(); }

private:
    Line emit(ByteView text);

    std::size_t line_bytes_max_;
    std::string partial_;
    std::string returned_;  ///< Keeps the bytes of the last line that was put together.
    std::uint64_t lines_ = 0;
    bool skipping_ = false;  ///< The unfinished line is too long already.
    bool started_ = false;   ///< The unfinished line has at least one byte.
};

}  // namespace kumo::wire
