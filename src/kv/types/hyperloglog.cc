#include "kv/types/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace kumo::kv {

namespace {

constexpr std::size_t kHeaderBytes = 16;
constexpr unsigned kRegisterBits = 6;
constexpr unsigned kIndexBits = 14;
constexpr unsigned kRankMax = 64 - kIndexBits;
constexpr std::size_t kDenseBytes = kHeaderBytes + HyperLogLog::kRegisters * kRegisterBits / 8;
constexpr std::uint64_t kHashSeed = 0xadc83b19U;
constexpr std::size_t kXzeroMax = 16384;
constexpr std::size_t kZeroMax = 64;
constexpr std::size_t kValueRunMax = 4;
constexpr unsigned kSparseValueMax = 32;

/// MurmurHash2, 64-bit variant A, little endian (Austin Appleby, public domain algorithm).
std::uint64_t murmur(ByteView text) {
    constexpr std::uint64_t kMultiplier = 0xc6a4a7935bd1e995U;
    std::uint64_t hash = kHashSeed ^ (text.size() * kMultiplier);
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, 8);
        word *= kMultiplier;
        word ^= word >> 47U;
        hash = (hash ^ (word * kMultiplier)) * kMultiplier;
    }
    if (at < text.size()) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, text.size() - at);
        hash = (hash ^ word) * kMultiplier;
    }
    hash ^= hash >> 47U;
    hash *= kMultiplier;
    return hash ^ (hash >> 47U);
}

// The two series of Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog
// sketches", 2017).

double sigma(double x) {
    if (x == 1.0) {
        return INFINITY;
    }
    double weight = 1;
    double sum = x;
    double before = 0;
    do {
        x *= x;
        before = sum;
        sum += x * weight;
        weight += weight;
    } while (before != sum);
    return sum;
}

double tau(double x) {
    if (x == 0.0 || x == 1.0) {
        return 0;
    }
    double weight = 1;
    double sum = 1 - x;
    double before = 0;
    do {
        x = std::sqrt(x);
        before = sum;
        weight *= 0.5;
        sum -= (1 - x) * (1 - x) * weight;
    } while (before != sum);
    return sum / 3;
}

}  // namespace

bool HyperLogLog::recognizes(ByteView text) {
    return text.size() >= kHeaderBytes && text.substr(0, 4) == "HYLL"
           && static_cast<unsigned char>(text[4]) <= 1
           && (text[4] != 0 || text.size() == kDenseBytes);
}

std::optional<std::uint64_t> HyperLogLog::cached_count(ByteView text) {
    std::uint64_t count = 0;
    std::memcpy(&count, text.data() + 8, 8);
    return (count >> 63U) != 0 ? std::nullopt : std::optional(count);
}

std::optional<HyperLogLog> HyperLogLog::decode(ByteView text) {
    HyperLogLog made;
    const ByteView body = text.substr(kHeaderBytes);
    if (text[4] == 1) {
        return made.decode_sparse(body) ? std::optional(made) : std::nullopt;
    }
    made.dense_ = true;
    unsigned pending = 0;
    unsigned bits = 0;
    std::size_t at = 0;
    for (std::uint8_t& value : made.registers_) {
        if (bits < kRegisterBits) {
            pending |= static_cast<unsigned>(static_cast<unsigned char>(body[at++])) << bits;
            bits += 8;
        }
        value = static_cast<std::uint8_t>(pending & 63U);
        pending >>= kRegisterBits;
        bits -= kRegisterBits;
    }
    return made;
}

bool HyperLogLog::decode_sparse(ByteView runs) {
    std::size_t index = 0;
    for (std::size_t at = 0; at < runs.size(); ++at) {
        const unsigned code = static_cast<unsigned char>(runs[at]);
        std::size_t length = (code & 63U) + 1;
        unsigned value = 0;
        if ((code & 0x80U) != 0) {
            length = (code & 3U) + 1;
            value = ((code >> 2U) & 31U) + 1;
        } else if ((code & 0x40U) != 0) {
            if (++at == runs.size()) {
                return false;
            }
            length = (((code & 63U) << 8U) | static_cast<unsigned char>(runs[at])) + 1;
        }
        if (length > kRegisters - index) {
            return false;
        }
        std::fill_n(registers_.begin() + static_cast<std::ptrdiff_t>(index), length, value);
        index += length;
    }
    return index == kRegisters;
}

bool HyperLogLog::add(ByteView element) {
    std::uint64_t hash = murmur(element);
    const std::size_t index = hash & (kRegisters - 1);
    hash = (hash >> kIndexBits) | (std::uint64_t{1} << kRankMax);
    const auto rank = static_cast<std::uint8_t>(std::countr_zero(hash) + 1);
    if (registers_[index] >= rank) {
        return false;
    }
    registers_[index] = rank;
    return true;
}

void HyperLogLog::merge(const HyperLogLog& other) {
    for (std::size_t i = 0; i < kRegisters; ++i) {
        registers_[i] = std::max(registers_[i], other.registers_[i]);
    }
    dense_ = dense_ || other.dense_;
}

std::uint64_t HyperLogLog::count() const {
    constexpr double kAlpha = 0.721347520444481703680;
    constexpr auto kSize = static_cast<double>(kRegisters);
    std::array<std::uint32_t, 64> histogram{};
    for (const std::uint8_t value : registers_) {
        ++histogram[value & 63U];
    }
    double z = kSize * tau((kSize - histogram[kRankMax + 1]) / kSize);
    for (unsigned rank = kRankMax; rank >= 1; --rank) {
        z = (z + histogram[rank]) * 0.5;
    }
    z += kSize * sigma(histogram[0] / kSize);
    return static_cast<std::uint64_t>(std::llround(kAlpha * kSize * kSize / z));
}

bool HyperLogLog::encode_sparse(std::string* out) const {
    for (std::size_t at = 0; at < kRegisters;) {
        const unsigned value = registers_[at];
        const std::size_t longest = value == 0 ? kXzeroMax : kValueRunMax;
        std::size_t length = 1;
        while (length < longest && at + length < kRegisters && registers_[at + length] == value) {
            ++length;
        }
        const std::size_t coded = length - 1;
        if (value > kSparseValueMax) {
            return false;
        }
        if (value != 0) {
            out->push_back(static_cast<char>(0x80U | ((value - 1) << 2U) | coded));
        } else if (length <= kZeroMax) {
            out->push_back(static_cast<char>(coded));
        } else {
            out->push_back(static_cast<char>(0x40U | (coded >> 8U)));
            out->push_back(static_cast<char>(coded & 255U));
        }
        if (out->size() > kHeaderBytes + kSparseBytesMax) {
            return false;
        }
        at += length;
    }
    return true;
}

std::string HyperLogLog::encode(std::optional<std::uint64_t> count) const {
    const std::uint64_t card = count.value_or(std::uint64_t{1} << 63U);
    std::string out("HYLL\0\0\0\0", 8);
    out.append(reinterpret_cast<const char*>(&card), 8);
    if (!dense_) {
        out[4] = 1;
        if (encode_sparse(&out)) {
            return out;
        }
        out.resize(kHeaderBytes);
        out[4] = 0;
    }
    unsigned pending = 0;
    unsigned bits = 0;
    for (const std::uint8_t value : registers_) {
        pending |= static_cast<unsigned>(value) << bits;
        bits += kRegisterBits;
        for (; bits >= 8; bits -= 8, pending >>= 8U) {
            out.push_back(static_cast<char>(pending & 255U));
        }
    }
    return out;
}

}  // namespace kumo::kv
