#include "kv/rdb/rdb_input.h"

#include "kv/rdb/lzf.h"
#include "kv/rdb/rdb_format.h"

#include <cstdlib>
#include <limits>

namespace kumo::kv {

ByteView RdbInput::raw(std::uint64_t size) {
    ok_ = ok_ && size <= bytes_.size() - at_;
    if (!ok_) {
        return {};
    }
    const ByteView taken = bytes_.substr(at_, static_cast<std::size_t>(size));
    at_ += taken.size();
    return taken;
}

std::uint8_t RdbInput::byte() {
    const ByteView taken = raw(1);
    return taken.empty() ? 0 : static_cast<std::uint8_t>(taken[0]);
}

std::int64_t RdbInput::signed64() {
    const ByteView taken = raw(sizeof(std::int64_t));
    return taken.empty() ? 0 : load_unaligned<std::int64_t>(taken.data());
}

double RdbInput::real() {
    const ByteView taken = raw(sizeof(double));
    return taken.empty() ? 0 : load_unaligned<double>(taken.data());
}

double RdbInput::real_text() {
    const std::uint8_t size = byte();
    switch (size) {
        case 253: return std::numeric_limits<double>::quiet_NaN();
        case 254: return std::numeric_limits<double>::infinity();
        case 255: return -std::numeric_limits<double>::infinity();
        default: break;
    }
    const std::string text(raw(size));
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    ok_ = ok_ && !text.empty() && end == text.c_str() + text.size();
    return ok_ ? value : 0;
}

std::uint64_t RdbInput::big_endian(std::size_t width) {
    std::uint64_t value = 0;
    for (const char c : raw(width)) {
        value = value << 8U | static_cast<unsigned char>(c);
    }
    return value;
}

/// The two upper bits of the first byte: 0, the other six are the length; 1, fourteen bits are; 2,
/// four bytes follow (0x80) or eight (0x81); 3, no length.
std::uint64_t RdbInput::length_or_encoding(bool* encoded) {
    const std::uint64_t head = byte();
    *encoded = (head >> 6U) == 3;
    switch (head >> 6U) {
        case 0: return head;
        case 1: return (head & 0x3FU) << 8U | byte();
        case 2: ok_ = ok_ && head <= 0x81; return big_endian(head == 0x80 ? 4 : 8);
        default: return head & 0x3FU;
    }
}

std::uint64_t RdbInput::length() {
    bool encoded = false;
    const std::uint64_t value = length_or_encoding(&encoded);
    ok_ = ok_ && !encoded;
    return ok_ ? value : 0;
}

std::uint64_t RdbInput::count(std::uint64_t bytes_each) {
    const std::uint64_t value = length();
    ok_ = ok_ && value <= (bytes_.size() - at_) / bytes_each;
    return ok_ ? value : 0;
}

ByteView RdbInput::string(std::string* scratch) {
    bool encoded = false;
    const std::uint64_t size = length_or_encoding(&encoded);
    return encoded ? encoded_string(size, scratch) : raw(size);
}

ByteView RdbInput::encoded_string(std::uint64_t encoding, std::string* scratch) {
    scratch->clear();
    switch (encoding) {
        case static_cast<std::uint64_t>(RdbStringEncoding::kInt8):
            *scratch = std::to_string(static_cast<std::int8_t>(byte()));
            break;
        case static_cast<std::uint64_t>(RdbStringEncoding::kInt16):
            if (const ByteView taken = raw(2); ok_) {
                *scratch = std::to_string(load_unaligned<std::int16_t>(taken.data()));
            }
            break;
        case static_cast<std::uint64_t>(RdbStringEncoding::kInt32):
            if (const ByteView taken = raw(4); ok_) {
                *scratch = std::to_string(load_unaligned<std::int32_t>(taken.data()));
            }
            break;
        case static_cast<std::uint64_t>(RdbStringEncoding::kLzf): {
            const std::uint64_t packed_bytes = length();
            const std::uint64_t bytes = length();
            const ByteView packed = raw(packed_bytes);
            ok_ = ok_ && lzf_decompress(packed, static_cast<std::size_t>(bytes), scratch);
            break;
        }
        default: ok_ = false;
    }
    return ok_ ? ByteView(*scratch) : ByteView();
}

void RdbInput::skip_string() {
    bool encoded = false;
    const std::uint64_t size = length_or_encoding(&encoded);
    if (!encoded) {
        raw(size);
        return;
    }
    if (size == static_cast<std::uint64_t>(RdbStringEncoding::kLzf)) {
        const std::uint64_t packed_bytes = length();
        length();
        raw(packed_bytes);
        return;
    }
    ok_ = ok_ && size < static_cast<std::uint64_t>(RdbStringEncoding::kLzf);
    raw(std::uint64_t{1} << (ok_ ? size : 0));
}

Error RdbInput::damage(ByteView what) const {
    return corruption(std::string(what) + " (at byte " + std::to_string(at_) + ")");
}

}  // namespace kumo::kv
