#include "kv/rdb/rdb_output.h"

#include "kv/rdb/lzf.h"
#include "kv/rdb/rdb_format.h"
#include "wire/decimal.h"

#include <limits>

namespace kumo::kv {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;
/// Shorter texts do not get shorter.
constexpr std::size_t kCompressedBytesMin = 21;
/// "-2147483648".
constexpr std::size_t kShortNumberBytesMax = 11;

constexpr std::uint8_t encoded(RdbStringEncoding encoding) {
    return static_cast<std::uint8_t>(0xC0U | static_cast<unsigned>(encoding));
}

void append_big_endian(std::uint64_t value, std::size_t width, std::string* out) {
    for (std::size_t i = width; i-- > 0;) {
        out->push_back(static_cast<char>(value >> (8 * i) & 0xFFU));
    }
}

template <typename Small>
bool fits(std::int64_t value) {
    return value >= std::numeric_limits<Small>::min() && value <= std::numeric_limits<Small>::max();
}

}  // namespace

void RdbOutput::flush() {
    if (drain_ && !buffer_.empty()) {
        drain_(buffer_);
        buffer_.clear();
    }
}

void RdbOutput::drain_if_full() {
    if (drain_ && buffer_.size() >= kPieceBytes) {
        flush();
    }
}

void RdbOutput::length(std::uint64_t value) {
    if (value < 64) {
        byte(static_cast<std::uint8_t>(value));
    } else if (value < 16384) {
        byte(static_cast<std::uint8_t>(0x40U | value >> 8U));
        byte(static_cast<std::uint8_t>(value & 0xFFU));
    } else if (value <= std::numeric_limits<std::uint32_t>::max()) {
        byte(0x80);
        append_big_endian(value, 4, &buffer_);
    } else {
        byte(0x81);
        append_big_endian(value, 8, &buffer_);
    }
}

bool RdbOutput::short_number(ByteView bytes) {
    if (bytes.size() > kShortNumberBytesMax) {
        return false;
    }
    const auto value = wire::parse_decimal(bytes);
    if (!value || !fits<std::int32_t>(*value)) {
        return false;
    }
    if (fits<std::int8_t>(*value)) {
        byte(encoded(RdbStringEncoding::kInt8));
        append_fixed(buffer_, static_cast<std::int8_t>(*value));
    } else if (fits<std::int16_t>(*value)) {
        byte(encoded(RdbStringEncoding::kInt16));
        append_fixed(buffer_, static_cast<std::int16_t>(*value));
    } else {
        byte(encoded(RdbStringEncoding::kInt32));
        append_fixed(buffer_, static_cast<std::int32_t>(*value));
    }
    return true;
}

void RdbOutput::string(ByteView bytes) {
    if (short_number(bytes)) {
        drain_if_full();
        return;
    }
    if (compress_ && bytes.size() >= kCompressedBytesMin) {
        if (const auto packed = lzf_compress(bytes)) {
            byte(encoded(RdbStringEncoding::kLzf));
            length(packed->size());
            length(bytes.size());
            raw(*packed);
            return;
        }
    }
    length(bytes.size());
    raw(bytes);
}

void RdbOutput::number_string(std::int64_t value) {
    string(std::to_string(value));
}

void RdbOutput::raw(ByteView bytes) {
    if (drain_ && bytes.size() >= kPieceBytes) {
        flush();
        drain_(bytes);
        return;
    }
    buffer_.append(bytes);
    drain_if_full();
}

}  // namespace kumo::kv
