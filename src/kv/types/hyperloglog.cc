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

/// What an element says: this register is at least that rank.
struct Observation {
    std::size_t index;
    std::uint8_t rank;
};

Observation observe(ByteView element) {
    std::uint64_t hash = murmur(element);
    const std::size_t index = hash & (HyperLogLog::kRegisters - 1);
    hash = (hash >> kIndexBits) | (std::uint64_t{1} << kRankMax);
    return {index, static_cast<std::uint8_t>(std::countr_zero(hash) + 1)};
}

bool raise_dense(std::string* text, const Observation& seen) {
    const std::size_t bit = seen.index * kRegisterBits;
    const std::size_t byte = kHeaderBytes + bit / 8;
    const unsigned shift = bit % 8;
    const bool two = byte + 1 < text->size();
    unsigned word = static_cast<unsigned char>((*text)[byte]);
    word |= two ? static_cast<unsigned>(static_cast<unsigned char>((*text)[byte + 1])) << 8U : 0U;
    if (((word >> shift) & 63U) >= seen.rank) {
        return false;
    }
    word = (word & ~(63U << shift)) | (static_cast<unsigned>(seen.rank) << shift);
    (*text)[byte] = static_cast<char>(word & 255U);
    if (two) {
        (*text)[byte + 1] = static_cast<char>(word >> 8U);
    }
    return true;
}

/// `length` registers of one value, as `bytes` bytes of a sparse one.
struct SparseRun {
    std::size_t length = 0;
    std::uint8_t value = 0;
    std::size_t bytes = 0;
};

/// Nothing: it ends within the run.
std::optional<SparseRun> read_run(ByteView runs, std::size_t at) {
    const unsigned code = static_cast<unsigned char>(runs[at]);
    if ((code & 0x80U) != 0) {
        return SparseRun{(code & 3U) + 1, static_cast<std::uint8_t>(((code >> 2U) & 31U) + 1), 1};
    }
    if ((code & 0x40U) == 0) {
        return SparseRun{(code & 63U) + 1, 0, 1};
    }
    if (at + 1 == runs.size()) {
        return std::nullopt;
    }
    const unsigned low = static_cast<unsigned char>(runs[at + 1]);
    return SparseRun{(((code & 63U) << 8U) | low) + 1, 0, 2};
}

/// REQUIRES length >= 1, as long as one run can be.
void write_run(std::size_t length, unsigned value, std::string* out) {
    const std::size_t coded = length - 1;
    if (value != 0) {
        out->push_back(static_cast<char>(0x80U | ((value - 1) << 2U) | coded));
    } else if (length <= kZeroMax) {
        out->push_back(static_cast<char>(coded));
    } else {
        out->push_back(static_cast<char>(0x40U | (coded >> 8U)));
        out->push_back(static_cast<char>(coded & 255U));
    }
}

enum class Raised : std::uint8_t {
    kSame,
    kChanged,
    kDoesNotFit,
    kCorrupt
};

/// Splits the run that has the register in up to three, and joins the new one with a neighbour of
/// its value.
Raised raise_sparse(std::string* text, const Observation& seen, std::size_t bytes_max) {
    std::size_t first = 0;  // Of the registers of the run at `at`.
    std::size_t at = kHeaderBytes;
    std::size_t before = 0;  // Where the run before it lies; 0: there is none.
    std::optional<SparseRun> run;
    for (; at < text->size(); before = at, at += run->bytes, first += run->length) {
        run = read_run(*text, at);
        if (!run.has_value() || first + run->length > HyperLogLog::kRegisters) {
            return Raised::kCorrupt;
        }
        if (seen.index < first + run->length) {
            break;
        }
    }
    if (at >= text->size()) {
        return Raised::kCorrupt;
    }
    if (run->value >= seen.rank) {
        return Raised::kSame;
    }
    if (seen.rank > kSparseValueMax) {
        return Raised::kDoesNotFit;
    }
    std::string made;
    std::size_t from = at;
    std::size_t to = at + run->bytes;
    std::size_t length = 1;
    if (seen.index > first) {
        write_run(seen.index - first, run->value, &made);
    } else if (before != 0) {
        const SparseRun left = *read_run(*text, before);
        if (left.value == seen.rank && left.length < kValueRunMax) {
            from = before;
            length += left.length;
        }
    }
    const std::size_t after = first + run->length - seen.index - 1;
    if (after == 0 && to < text->size()) {
        const auto right = read_run(*text, to);
        if (right.has_value() && right->value == seen.rank
            && length + right->length <= kValueRunMax) {
            to += right->bytes;
            length += right->length;
        }
    }
    write_run(length, seen.rank, &made);
    if (after > 0) {
        write_run(after, run->value, &made);
    }
    if (text->size() - (to - from) + made.size() > kHeaderBytes + bytes_max) {
        return Raised::kDoesNotFit;
    }
    text->replace(from, to - from, made);
    return Raised::kChanged;
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

void HyperLogLog::cache_count(std::string* text, std::uint64_t count) {
    std::memcpy(text->data() + 8, &count, 8);
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
    for (std::size_t at = 0; at < runs.size();) {
        const auto run = read_run(runs, at);
        if (!run.has_value() || run->length > kRegisters - index) {
            return false;
        }
        std::fill_n(
            registers_.begin() + static_cast<std::ptrdiff_t>(index),
            run->length,
            run->value
        );
        index += run->length;
        at += run->bytes;
    }
    return index == kRegisters;
}

std::string HyperLogLog::describe_runs(ByteView text) {
    std::string out;
    for (std::size_t at = kHeaderBytes; at < text.size();) {
        const auto run = read_run(text, at);
        if (!run.has_value()) {
            break;
        }
        out.append(out.empty() ? "" : " ");
        out.append(
            run->value != 0  ? "v:" + std::to_string(run->value) + ","
            : run->bytes > 1 ? "Z:"
                             : "z:"
        );
        out.append(std::to_string(run->length));
        at += run->bytes;
    }
    return out;
}

// Adding one element --------------------------------------------------------------------------

bool HyperLogLog::add(ByteView element) {
    const Observation seen = observe(element);
    if (registers_[seen.index] >= seen.rank) {
        return false;
    }
    registers_[seen.index] = seen.rank;
    return true;
}

HyperLogLog::Added
HyperLogLog::add_to(std::string* text, ByteView element, std::size_t sparse_bytes_max) {
    const Observation seen = observe(element);
    if (is_dense(*text)) {
        if (!raise_dense(text, seen)) {
            return Added::kSame;
        }
    } else {
        const Raised outcome = raise_sparse(text, seen, sparse_bytes_max);
        if (outcome == Raised::kSame) {
            return Added::kSame;
        }
        if (outcome == Raised::kCorrupt) {
            return Added::kCorrupt;
        }
        if (outcome == Raised::kDoesNotFit) {
            auto decoded = decode(*text);
            if (!decoded.has_value()) {
                return Added::kCorrupt;
            }
            decoded->make_dense();
            *text = decoded->encode(std::nullopt, 0);
            raise_dense(text, seen);
        }
    }
    (*text)[kHeaderBytes - 1] = static_cast<char>((*text)[kHeaderBytes - 1] | '\x80');
    return Added::kChanged;
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

bool HyperLogLog::encode_sparse(std::string* out, std::size_t sparse_bytes_max) const {
    for (std::size_t at = 0; at < kRegisters;) {
        const unsigned value = registers_[at];
        const std::size_t longest = value == 0 ? kXzeroMax : kValueRunMax;
        std::size_t length = 1;
        while (length < longest && at + length < kRegisters && registers_[at + length] == value) {
            ++length;
        }
        if (value > kSparseValueMax) {
            return false;
        }
        write_run(length, value, out);
        if (out->size() > kHeaderBytes + sparse_bytes_max) {
            return false;
        }
        at += length;
    }
    return true;
}

std::string HyperLogLog::encode(std::optional<std::uint64_t> count, std::size_t sparse_bytes_max)
    const {
    const std::uint64_t card = count.value_or(std::uint64_t{1} << 63U);
    std::string out("HYLL\0\0\0\0", 8);
    out.append(reinterpret_cast<const char*>(&card), 8);
    if (!dense_) {
        out[4] = 1;
        if (encode_sparse(&out, sparse_bytes_max)) {
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
