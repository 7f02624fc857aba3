#include "kv/rdb/lzf.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace kumo::kv {

namespace {

constexpr std::size_t kLiteralsMax = 32;
constexpr std::size_t kDistanceMax = std::size_t{1} << 13U;
constexpr std::size_t kMatchMin = 3;
constexpr std::size_t kMatchMax = 264;
constexpr std::size_t kHashBits = 13;
/// Three bytes stand for kMatchMax of them.
constexpr std::size_t kExpansionMax = kMatchMax / 3;

std::uint8_t byte_at(ByteView bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::size_t hash_of(ByteView bytes, std::size_t at) {
    const std::uint32_t word = static_cast<std::uint32_t>(byte_at(bytes, at)) << 16U
                               | static_cast<std::uint32_t>(byte_at(bytes, at + 1)) << 8U
                               | byte_at(bytes, at + 2);
    return (word * 2654435761U) >> (32 - kHashBits);
}

void append_literals(ByteView literals, std::string* out) {
    while (!literals.empty()) {
        const ByteView run = literals.substr(0, kLiteralsMax);
        out->push_back(static_cast<char>(run.size() - 1));
        out->append(run);
        literals.remove_prefix(run.size());
    }
}

void append_match(std::size_t distance, std::size_t size, std::string* out) {
    const std::size_t far = distance - 1;
    const std::size_t length = size - 2;
    const std::size_t high = far >> 8U;
    if (length < 7) {
        out->push_back(static_cast<char>(length << 5U | high));
    } else {
        out->push_back(static_cast<char>(7U << 5U | high));
        out->push_back(static_cast<char>(length - 7));
    }
    out->push_back(static_cast<char>(far & 0xFFU));
}

std::size_t match_size(ByteView bytes, std::size_t from, std::size_t at) {
    const std::size_t most = std::min(bytes.size() - at, kMatchMax);
    std::size_t size = 0;
    while (size < most && bytes[from + size] == bytes[at + size]) {
        ++size;
    }
    return size;
}

/// Copies a match, whose source may overlap with what it makes. False: it is not there.
bool copy_match(std::size_t distance, std::size_t size, std::size_t out_bytes, std::string* out) {
    if (distance > out->size() || size > out_bytes - out->size()) {
        return false;
    }
    for (std::size_t from = out->size() - distance; size > 0; --size, ++from) {
        out->push_back((*out)[from]);
    }
    return true;
}

}  // namespace

std::optional<std::string> lzf_compress(ByteView bytes) {
    std::array<std::uint32_t, std::size_t{1} << kHashBits> last{};  // Positions plus one.
    if (bytes.size() > UINT32_MAX - 1) {
        return std::nullopt;
    }
    std::string out;
    std::size_t literals_from = 0;
    std::size_t at = 0;
    while (at + kMatchMin <= bytes.size()) {
        std::uint32_t& seen = last[hash_of(bytes, at)];
        const std::size_t from = seen == 0 ? at : seen - 1;
        seen = static_cast<std::uint32_t>(at + 1);
        const bool near = from < at && at - from <= kDistanceMax;
        const std::size_t size = near ? match_size(bytes, from, at) : 0;
        if (size < kMatchMin) {
            ++at;
            continue;
        }
        append_literals(bytes.substr(literals_from, at - literals_from), &out);
        append_match(at - from, size, &out);
        at += size;
        literals_from = at;
        if (out.size() + 4 > bytes.size()) {
            return std::nullopt;
        }
    }
    append_literals(bytes.substr(literals_from), &out);
    if (out.size() + 4 > bytes.size()) {
        return std::nullopt;
    }
    return out;
}

bool lzf_decompress(ByteView bytes, std::size_t out_bytes, std::string* out) {
    out->clear();
    if (out_bytes / kExpansionMax > bytes.size()) {
        return false;
    }
    out->reserve(out_bytes);
    while (!bytes.empty()) {
        const std::size_t control = byte_at(bytes, 0);
        bytes.remove_prefix(1);
        if (control < kLiteralsMax) {
            if (control + 1 > bytes.size() || control + 1 > out_bytes - out->size()) {
                return false;
            }
            out->append(bytes.substr(0, control + 1));
            bytes.remove_prefix(control + 1);
            continue;
        }
        std::size_t length = control >> 5U;
        if (length == 7 && !bytes.empty()) {
            length += byte_at(bytes, 0);
            bytes.remove_prefix(1);
        }
        if (bytes.empty()) {
            return false;
        }
        const std::size_t distance = ((control & 31U) << 8U | byte_at(bytes, 0)) + 1;
        bytes.remove_prefix(1);
        if (!copy_match(distance, length + 2, out_bytes, out)) {
            return false;
        }
    }
    return out->size() == out_bytes;
}

}  // namespace kumo::kv
