#pragma once

#include "base/bytes.h"
#include "wire/http1_fields.h"
#include "wire/http1_head.h"

#include <cstdint>
#include <string>

namespace kumo::wire {

/// Takes one message body out of a byte stream: by length, chunked (extensions and trailers
/// checked and dropped), or until the connection closes. Hands out pieces of the input without
/// copying; what it holds itself is one unfinished chunk or trailer line. Loop-owned.
class HttpBodyReader {
public:
    enum class Step : std::uint8_t {
        kNeedMore,
        kPiece,
        kEnd,
        kError,
    };

    void begin_empty() noexcept;
    void begin_length(std::uint64_t length, const HttpLimits& limits) noexcept;
    void begin_chunked(const HttpLimits& limits) noexcept;
    void begin_until_close(const HttpLimits& limits) noexcept;

    /// Replaces HttpLimits::body_bytes_max for this body. Call after begin_x.
    void set_limit(std::uint64_t bytes) noexcept { limit_ = bytes; }

    /// On kPiece, `piece` points into `input`'s memory. On kError, error() says why.
    Step next(ByteView& input, ByteView& piece);

    HttpError error() const noexcept { return error_; }

    bool ends_by_close() const noexcept { return state_ == State::kUntilClose; }

private:
    enum class State : std::uint8_t {
        kEmpty,
        kLength,
        kUntilClose,
        kChunkLine,
        kChunkData,
        kChunkEnd,
        kTrailer,
        kFailed,
    };

    Step fail(int status, std::string_view reason) noexcept;
    Step take_data(ByteView& input, ByteView& piece);
    bool step_line(ByteView& input, Step& step);
    bool take_line(ByteView& input, std::size_t limit, HttpError over);
    bool parse_chunk_line() noexcept;
    bool parse_trailer_line() noexcept;

    State state_ = State::kEmpty;
    HttpLimits limits_;
    std::uint64_t limit_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t left_ = 0;  ///< Of the body (kLength) or of the chunk (kChunkData).
    std::uint64_t extension_bytes_ = 0;
    std::uint64_t trailer_bytes_ = 0;
    std::string line_;  ///< The chunk or trailer line so far, without its end.
    HttpError error_;
};

}  // namespace kumo::wire
