#include "kv/rdb/listpack_writer.h"

#include "kv/rdb/packed.h"
#include "wire/decimal.h"

#include <algorithm>
#include <cstring>

namespace kumo::kv {

namespace {

constexpr std::size_t kHeaderBytes = 6;
constexpr std::size_t kUnknownCount = 0xFFFF;
/// The digits of a 64-bit number and its sign.
constexpr std::size_t kNumberBytesMax = 20;

bool in_range(std::int64_t value, int bits) {
    const std::int64_t half = std::int64_t{1} << (bits - 1);
    return value >= -half && value < half;
}

void append_le(std::int64_t value, std::size_t width, std::string* out) {
    const auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < width; ++i) {
        out->push_back(static_cast<char>(bits >> (8 * i) & 0xFFU));
    }
}

}  // namespace

void ListpackWriter::clear() {
    blob_.assign(kHeaderBytes, '\0');
    count_ = 0;
}

void ListpackWriter::text(ByteView bytes) {
    const std::size_t begin = blob_.size();
    const std::size_t size = bytes.size();
    if (size < 64) {
        blob_.push_back(static_cast<char>(0x80U | size));
    } else if (size < 4096) {
        blob_.push_back(static_cast<char>(0xE0U | size >> 8U));
        blob_.push_back(static_cast<char>(size & 0xFFU));
    } else {
        blob_.push_back(static_cast<char>(0xF0));
        append_le(static_cast<std::int64_t>(size), 4, &blob_);
    }
    blob_.append(bytes);
    end_element(begin);
}

void ListpackWriter::number(std::int64_t value) {
    const std::size_t begin = blob_.size();
    if (value >= 0 && value < 128) {
        blob_.push_back(static_cast<char>(value));
    } else if (in_range(value, 13)) {
        const auto bits = static_cast<std::uint64_t>(value) & 0x1FFFU;
        blob_.push_back(static_cast<char>(0xC0U | bits >> 8U));
        blob_.push_back(static_cast<char>(bits & 0xFFU));
    } else {
        const std::size_t width = in_range(value, 16)   ? 2
                                  : in_range(value, 24) ? 3
                                  : in_range(value, 32) ? 4
                                                        : 8;
        blob_.push_back(static_cast<char>(0xF0U + (width == 8 ? 4 : width - 1)));
        append_le(value, width, &blob_);
    }
    end_element(begin);
}

void ListpackWriter::element(ByteView bytes) {
    const auto value = bytes.size() <= kNumberBytesMax ? wire::parse_decimal(bytes) : std::nullopt;
    value ? number(*value) : text(bytes);
}

void ListpackWriter::end_element(std::size_t begin) {
    const std::size_t size = blob_.size() - begin;
    for (std::size_t left = listpack_back_bytes(size); left-- > 0;) {
        const std::size_t bits = size >> (7 * left) & 127U;
        const bool first = left + 1 == listpack_back_bytes(size);
        blob_.push_back(static_cast<char>(first ? bits : bits | 128U));
    }
    ++count_;
}

ByteView ListpackWriter::finish() {
    blob_.push_back(static_cast<char>(0xFF));
    const auto bytes = static_cast<std::uint32_t>(blob_.size());
    const auto count = static_cast<std::uint16_t>(std::min(count_, kUnknownCount));
    std::memcpy(blob_.data(), &bytes, sizeof(bytes));
    std::memcpy(blob_.data() + sizeof(bytes), &count, sizeof(count));
    return blob_;
}

}  // namespace kumo::kv
