#include "http/internal/body_decoder.h"

#include <utility>

namespace kumo::http {

BodyDecoder::Step BodyDecoder::fail(int status, std::string_view reason) noexcept {
    error_ = {status, reason};
    return Step::kError;
}

BodyDecoder::Step BodyDecoder::next(ByteView& input, ByteView& piece) {
    if (kind_ == Kind::kUnknown) {
        if (input.empty()) {
            return Step::kNeedMore;
        }
        if (!held_ && input == kGzipMagic.substr(0, 1)) {
            held_ = true;
            input = {};
            return Step::kNeedMore;
        }
        const ByteView expected = held_ ? kGzipMagic.substr(1) : kGzipMagic;
        const bool is_gzip = input.substr(0, expected.size()) == expected;
        kind_ = is_gzip ? Kind::kGzip : Kind::kPlain;
        if (is_gzip) {
            inflater_.emplace();
        }
        if (std::exchange(held_, false)) {
            piece = kGzipMagic.substr(0, 1);
            if (!is_gzip) {
                bytes_ += piece.size();
                return Step::kPiece;
            }
            ByteView first = piece;
            (void)inflater_->next(first);
        }
    }
    if (kind_ == Kind::kGzip) {
        return inflate(input, piece);
    }
    if (input.empty()) {
        return Step::kNeedMore;
    }
    piece = std::exchange(input, ByteView());
    bytes_ += piece.size();
    return bytes_ > bytes_max_ ? fail(413, "body too large") : Step::kPiece;
}

BodyDecoder::Step BodyDecoder::inflate(ByteView& input, ByteView& piece) {
    const Result<ByteView> inflated = inflater_->next(input);
    if (!inflated.ok()) {
        return fail(400, "damaged gzip body");
    }
    piece = inflated.value();
    bytes_ += piece.size();
    if (bytes_ > bytes_max_) {
        return fail(413, "inflated body too large");
    }
    return piece.empty() ? Step::kNeedMore : Step::kPiece;
}

BodyDecoder::Step BodyDecoder::finish(ByteView& piece) {
    if (std::exchange(held_, false)) {
        piece = kGzipMagic.substr(0, 1);
        return Step::kPiece;
    }
    if (kind_ == Kind::kGzip && !inflater_->complete()) {
        return fail(400, "the gzip body is cut short");
    }
    return Step::kNeedMore;
}

}  // namespace kumo::http
