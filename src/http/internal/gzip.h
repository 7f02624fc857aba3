#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

/// gzip (RFC 1952) by zlib, streaming both ways. Loop-owned objects.
namespace kumo::http {

/// Whether an Accept-Encoding value lets the server answer in gzip.
bool accepts_gzip(ByteView accept_encoding) noexcept;

inline constexpr ByteView kGzipMagic = "\x1f\x8b";

class GzipCompressor {
public:
    /// `level` is zlib's, 1 to 9.
    explicit GzipCompressor(int level);
    ~GzipCompressor();
    GzipCompressor(const GzipCompressor&) = delete;
    GzipCompressor& operator=(const GzipCompressor&) = delete;

    /// Appends the compressed form of `bytes`, flushed so that the peer can read all of it now.
    void write(ByteView bytes, std::string& out);

    /// Appends the compressed form of `bytes` and the end. Last call.
    void finish(ByteView bytes, std::string& out);

private:
    void run(ByteView bytes, int flush, std::string& out);

    struct State;
    std::unique_ptr<State> state_;
};

/// Inflates a gzip stream of one or more members, piece by piece, so that neither memory nor time
/// of one step grows with the ratio.
class GzipInflater {
public:
    /// What one piece holds at most.
    static constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

    GzipInflater();
    ~GzipInflater();
    GzipInflater(const GzipInflater&) = delete;
    GzipInflater& operator=(const GzipInflater&) = delete;

    /// The next piece, taking what it used off the front of `input`. Empty: `input` is used up and
    /// more is needed. kInvalidArgument if the stream is damaged. The piece lives until the next
    /// call.
    Result<ByteView> next(ByteView& input);

    /// Whether the stream may end here.
    bool complete() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kumo::http
