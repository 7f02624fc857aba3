#pragma once

#include "base/bytes.h"
#include "wire/http1_fields.h"

#include <cstddef>
#include <cstdint>

namespace kumo::wire {

/// What one message may cost. Each limit answers with its own status.
struct HttpLimits {
    std::size_t start_line_bytes_max = 8192;            ///< 414
    std::size_t field_bytes_max = 16384;                ///< All header lines together: 431
    std::size_t fields_max = 100;                       ///< 431
    std::uint64_t body_bytes_max = 100U << 20;          ///< 413
    std::size_t chunk_line_bytes_max = 256;             ///< Size and extensions of one chunk: 400
    std::size_t chunk_extension_bytes_max = 16U << 10;  ///< Of all chunks of one body: 400
    std::size_t trailer_bytes_max = 8192;               ///< 431
};

/// Splits "name: value" and checks both by RFC 9110's grammar. status 0 if it is good.
HttpError parse_field_line(ByteView line, HttpField& field) noexcept;

/// Collects the start line and the fields of one message into an HttpHead, line by line, and finds
/// out how the body is framed. Shared by the request and the response parser. Loop-owned.
class HttpHeadReader {
public:
    enum class Step : std::uint8_t {
        kNeedMore,
        kStartLine,  ///< start_line() is there to be parsed; go on with next() after it.
        kEnd,        ///< The empty line was read; call finish().
        kError,
    };

    enum class Expect : std::uint8_t {
        kNothing,
        kContinue,
        kUnknown,
    };

    explicit HttpHeadReader(const HttpLimits& limits) : limits_(limits) {}

    /// Makes ready for the next message; `head` keeps its memory.
    void reset(HttpHead& head) noexcept;

    Step next(ByteView& input, HttpHead& head);

    ByteView start_line(const HttpHead& head) const noexcept { return head.view(start_line_); }

    /// Where the start line's bytes begin: for slices into it.
    std::uint32_t start_line_offset() const noexcept { return start_line_.offset; }

    /// Checks the framing fields against each other and fills in the head's view of them.
    /// The minor version must be known. status 0 if they are good.
    HttpError finish(HttpHead& head, int minor_version) const noexcept;

    HttpError error() const noexcept { return error_; }

    /// Nothing of the message has arrived.
    bool empty() const noexcept { return !started_; }

    Expect expect() const noexcept { return expect_; }

    std::size_t hosts() const noexcept { return hosts_; }

    HttpSlice host() const noexcept { return host_; }

private:
    enum class Take : std::uint8_t {
        kPartial,
        kLine,
        kBad,
    };

    Take take_line(ByteView& input, HttpHead& head, HttpSlice& line);
    bool over_limit(std::size_t total_bytes) noexcept;
    HttpError add_field(HttpHead& head, HttpSlice line);
    HttpError note_field(HttpHead& head, const HttpFieldSlices& slices);
    HttpError note_length(HttpHead& head, ByteView value) noexcept;
    HttpError note_coding(ByteView value) noexcept;

    HttpLimits limits_;
    HttpError error_;
    HttpSlice start_line_;
    HttpSlice host_;
    std::uint32_t line_begin_ = 0;    ///< Where the line being read begins in the head's bytes.
    std::uint32_t fields_begin_ = 0;  ///< Where the first field line begins; 0 before.
    std::uint32_t empty_lines_ = 0;   ///< Seen before the start line.
    std::size_t hosts_ = 0;
    Expect expect_ = Expect::kNothing;
    bool started_ = false;
    bool close_ = false;
    bool keep_alive_ = false;
    bool chunked_ = false;
    bool length_seen_ = false;
};

}  // namespace kumo::wire
