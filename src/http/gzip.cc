#include "http/internal/gzip.h"

#include "base/assert.h"
#include "wire/http1_fields.h"

#include <algorithm>
#include <limits>

#include <zlib.h>

namespace kumo::http {

namespace {

constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to say "gzip, not zlib".
constexpr int kMemoryLevel = 8;
constexpr std::size_t kOutStepBytes = std::size_t{16} << 10;

ByteView trim(ByteView text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == ByteView::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// "q=0", "q=0.000": not acceptable.
bool is_zero_weight(ByteView parameter) {
    parameter = trim(parameter);
    const bool is_weight = parameter.size() >= 3 && (parameter[0] | 0x20) == 'q'
                           && parameter[1] == '=' && parameter[2] == '0';
    return is_weight && parameter.find_first_not_of("0.", 2) == ByteView::npos;
}

Bytef* input_of(ByteView bytes) {
    auto* data = const_cast<char*>(bytes.data());  // NOLINT(*-const-cast): zlib only reads it
    return reinterpret_cast<Bytef*>(data);
}

}  // namespace

bool accepts_gzip(ByteView accept_encoding) noexcept {
    while (!accept_encoding.empty()) {
        const std::size_t comma = accept_encoding.find(',');
        const ByteView item = accept_encoding.substr(0, comma);
        const std::size_t semicolon = item.find(';');
        if (wire::equals_ignore_case(trim(item.substr(0, semicolon)), "gzip")) {
            return semicolon == ByteView::npos || !is_zero_weight(item.substr(semicolon + 1));
        }
        accept_encoding = comma == ByteView::npos ? ByteView() : accept_encoding.substr(comma + 1);
    }
    return false;
}

struct GzipCompressor::State {
    z_stream z{};
};

GzipCompressor::GzipCompressor(int level) : state_(std::make_unique<State>()) {
    const int code = deflateInit2(
        &state_->z,
        level,
        Z_DEFLATED,
        kGzipWindowBits,
        kMemoryLevel,
        Z_DEFAULT_STRATEGY
    );
    KUMO_ASSERT(code == Z_OK);
}

GzipCompressor::~GzipCompressor() {
    (void)deflateEnd(&state_->z);
}

void GzipCompressor::write(ByteView bytes, std::string& out) {
    run(bytes, Z_SYNC_FLUSH, out);
}

void GzipCompressor::finish(ByteView bytes, std::string& out) {
    run(bytes, Z_FINISH, out);
}

void GzipCompressor::run(ByteView bytes, int flush, std::string& out) {
    z_stream& z = state_->z;
    bool last = false;
    while (!last) {
        const std::size_t part = std::min<std::size_t>(bytes.size(), std::size_t{1} << 30);
        z.next_in = input_of(bytes);
        z.avail_in = static_cast<uInt>(part);
        bytes.remove_prefix(part);
        last = bytes.empty();
        do {
            const std::size_t before = out.size();
            out.resize(before + kOutStepBytes);
            z.next_out = reinterpret_cast<Bytef*>(out.data() + before);
            z.avail_out = kOutStepBytes;
            const int code = deflate(&z, last ? flush : Z_NO_FLUSH);
            KUMO_ASSERT(code != Z_STREAM_ERROR);
            out.resize(before + kOutStepBytes - z.avail_out);
        } while (z.avail_out == 0);
    }
}

struct GzipInflater::State {
    z_stream z{};
    bool at_member_end = false;
    std::string out;
};

GzipInflater::GzipInflater() : state_(std::make_unique<State>()) {
    state_->out.resize(kPieceBytes);
    KUMO_ASSERT(inflateInit2(&state_->z, kGzipWindowBits) == Z_OK);
}

GzipInflater::~GzipInflater() {
    (void)inflateEnd(&state_->z);
}

bool GzipInflater::complete() const noexcept {
    return state_->at_member_end;
}

Result<ByteView> GzipInflater::next(ByteView& input) {
    z_stream& z = state_->z;
    z.next_out = reinterpret_cast<Bytef*>(state_->out.data());
    z.avail_out = kPieceBytes;
    for (;;) {
        if (state_->at_member_end) {
            if (input.empty()) {
                break;
            }
            KUMO_ASSERT(inflateReset(&z) == Z_OK);
            state_->at_member_end = false;
        }
        const std::size_t part = std::min<std::size_t>(input.size(), std::size_t{1} << 30);
        z.next_in = input_of(input);
        z.avail_in = static_cast<uInt>(part);
        const int code = inflate(&z, Z_NO_FLUSH);
        input.remove_prefix(part - z.avail_in);
        if (code == Z_STREAM_END) {
            state_->at_member_end = true;
        } else if (code == Z_BUF_ERROR) {
            break;  // No progress without more input or more room.
        } else if (code != Z_OK) {
            return invalid_argument("damaged gzip stream");
        }
        if (z.avail_out == 0) {
            break;
        }
    }
    return ByteView(state_->out.data(), kPieceBytes - z.avail_out);
}

}  // namespace kumo::http
