#pragma once

#include "base/bytes.h"
#include "http/internal/gzip.h"
#include "wire/http1_fields.h"

#include <cstdint>
#include <optional>
#include <string>

namespace kumo::http {

/// Undoes a request body's content coding: gzip is recognised by its first two bytes, whatever the
/// headers say; everything else passes through. Loop-owned; one per body.
class BodyDecoder {
public:
    enum class Step : std::uint8_t {
        kNeedMore,
        kPiece,
        kError,
    };

    /// `bytes_max` bounds what comes out.
    explicit BodyDecoder(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

    /// Takes what it used off the front of `input`.
    Step next(ByteView& input, ByteView& piece);

    /// The body is over: kPiece with a last piece, kNeedMore if there is none, or kError.
    Step finish(ByteView& piece);

    wire::HttpError error() const noexcept { return error_; }

private:
    enum class Kind : std::uint8_t {
        kUnknown,
        kPlain,
        kGzip,
    };

    Step fail(int status, std::string_view reason) noexcept;
    Step inflate(ByteView& input, ByteView& piece);

    std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    Kind kind_ = Kind::kUnknown;
    bool held_ = false;  ///< The first byte of the magic came alone.
    std::optional<GzipInflater> inflater_;
    wire::HttpError error_;
};

}  // namespace kumo::http
