#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace kumo::wire {

// The Redis serialization protocol, versions 2 and 3: what clients send and what they are answered.
// Pure; no I/O. Specification: https://redis.io/docs/reference/protocol-spec/ (as of Redis 7.0).

/// What one connection may announce and send.
struct RespLimits {
    std::size_t bulk_bytes_max = std::size_t{512} * 1024 * 1024;
    std::size_t arguments_max = std::numeric_limits<std::int32_t>::max();
    std::size_t inline_bytes_max = std::size_t{64} * 1024;
};

/// What a connection that has not authenticated may send: nobody makes us allocate before that.
inline constexpr std::size_t kRespUnauthenticatedArgumentsMax = 10;
inline constexpr std::size_t kRespUnauthenticatedBulkBytesMax = std::size_t{16} * 1024;

/// Reads requests out of a stream of bytes that arrives in pieces: arrays of bulk strings, and
/// inline commands (words, quoted as in Redis). Memory grows with the bytes that arrive, never with
/// what a header announces.
///
/// Thread rule: loop-owned.
class RespParser {
public:
    enum class Outcome : std::uint8_t {
        kRequest,  ///< arguments() is the next request; it may be empty (an empty line, `*0`): skip
                   ///< it.
        kNeedMore,  ///< Give more bytes.
        kError,     ///< error() says what; nothing more can be read from this connection.
    };

    explicit RespParser(RespLimits limits = {});

    /// Limits can change at any time (authentication); what has been announced stays as it was
    /// judged.
    void set_limits(const RespLimits& limits);
    /// Below the limits for the unauthenticated the texts of the errors differ, as Redis's do:
    /// "Protocol error: unauthenticated multibulk length", "... unauthenticated bulk length".
    void set_authenticated(bool authenticated);

    /// Appends bytes. Views given out before are invalid afterwards.
    void feed(ByteView bytes);

    /// The next request. Views of the previous one are invalid afterwards.
    Outcome next();

    const std::vector<ByteView>& arguments() const { return arguments_; }

    /// The bytes that request came as, valid as long as arguments().
    ByteView request() const {
        return ByteView(buffer_).substr(consumed_ - request_bytes_, request_bytes_);
    }

    /// As Redis words it, without the leading "ERR ": "Protocol error: invalid multibulk length",
    /// ...
    const std::string& error() const { return error_; }

    /// Bytes of the request that is not complete yet, and of those not looked at.
    std::size_t buffered_bytes() const { return buffer_.size() - consumed_; }

    /// What the buffer holds in memory.
    std::size_t memory_bytes() const { return buffer_.capacity(); }

    /// The bulk that is being waited for is that long (0: none): for CLIENT LIST's multi-mem
    /// figures and to size reads.
    std::size_t awaited_bytes() const;

private:
    Outcome next_array();
    Outcome next_inline();
    Outcome read_count();
    Outcome read_bulk();
    Outcome finish_array();
    Outcome fail(std::string text);
    Outcome need_line(ByteView too_long);
    bool find_line(char end, ByteView* line);
    void drop_consumed();
    void make_room(std::size_t bytes);

    RespLimits limits_;
    bool authenticated_ = true;
    std::string buffer_;
    std::size_t consumed_ =
        0;  ///< Bytes of complete requests; feed() drops them when that is cheap.
    std::size_t request_bytes_ = 0;     ///< Of the last request, before consumed_.
    std::size_t position_ = 0;          ///< Where reading goes on.
    std::size_t scanned_ = 0;           ///< No end of line lies between position_ and here.
    std::int64_t arguments_left_ = -1;  ///< -1: between requests.
    std::int64_t bulk_left_ = -1;       ///< -1: the bulk's header comes next.
    std::vector<std::pair<std::size_t, std::size_t>> spans_;  ///< Offset from consumed_, length.
    std::vector<ByteView> arguments_;
    std::string unquoted_;  ///< The words of an inline command.
    std::string error_;
};

/// Splits an inline command, a line of redis.conf or of a script into words: quotes "..." with
/// escapes (\n, \r, \t, \b, \a, \\, \", \xHH) and '...' with \'. False: unbalanced quotes.
bool split_quoted(ByteView line, std::vector<std::string>* words);

/// Writes answers. One writer per connection and answer; the protocol version decides how maps,
/// sets, nulls, doubles and booleans look. Appends to one buffer.
///
/// Thread rule: loop-owned.
class RespWriter {
public:
    explicit RespWriter(int protocol = 2) : protocol_(protocol) {}

    int protocol() const { return protocol_; }

    void set_protocol(int protocol) { protocol_ = protocol; }

    /// "+OK".
    void simple(ByteView text);

    void ok() { simple("OK"); }

    /// The whole text with its code: error("WRONGTYPE Operation against ..."). Line breaks become
    /// spaces.
    void error(ByteView text);
    void integer(std::int64_t value);
    void bulk(ByteView bytes);
    /// An integer as a bulk string.
    void bulk_integer(std::int64_t value);
    /// "$-1", or "_" in RESP3.
    void null();
    /// "*-1", or "_" in RESP3.
    void null_array();
    void array(std::size_t size);
    /// `pairs` keys and values follow: "%pairs", or an array of twice as many in RESP2.
    void map(std::size_t pairs);
    void set(std::size_t size);
    /// Out-of-band data: ">", an array in RESP2.
    void push(std::size_t size);
    /// "|pairs"; RESP3 only, the caller leaves it and its pairs out otherwise.
    void attribute(std::size_t pairs);
    /// "#t"/"#f", or ":1"/":0".
    void boolean(bool value);
    /// ",1.5", or a bulk string. 17 significant digits at most, "inf", "-inf", "nan".
    void real(double value);
    /// "(123", or a bulk string.
    void big_number(ByteView digits);
    /// "=15\r\ntxt:...", or a bulk string. `format` has three characters.
    void verbatim(ByteView format, ByteView text);

    /// Bytes that are already RESP.
    void raw(ByteView bytes) { out_.append(bytes); }

    /// Where an answer begins whose length is known only when its parts have been written: take the
    /// mark, write the parts, then insert_array() and its like put the header before them.
    std::size_t mark() const { return out_.size(); }

    void insert_array(std::size_t mark, std::size_t size);
    void insert_map(std::size_t mark, std::size_t pairs);
    void insert_set(std::size_t mark, std::size_t size);

    /// Takes back everything written since the mark.
    void rewind(std::size_t mark) { out_.resize(mark); }

    const std::string& bytes() const { return out_; }

    std::string& buffer() { return out_; }

    std::string take();

    bool empty() const { return out_.empty(); }

    void clear() { out_.clear(); }

private:
    void header(char type, std::int64_t value);
    void insert_header(std::size_t mark, char type, std::size_t value);

    int protocol_;
    std::string out_;
};

/// The double as Redis 7.0 answers it (ZSCORE and its like): %.17g, so 0.1 is 0.10000000000000001
/// and 1e17 is 1e+17; "inf", "-inf", "nan". INCRBYFLOAT and HINCRBYFLOAT print otherwise.
std::string format_double(double value);

}  // namespace kumo::wire
