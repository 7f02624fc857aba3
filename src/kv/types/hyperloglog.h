#pragma once

#include "base/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace kumo::kv {

/// A HyperLogLog: 16384 registers of 6 bits, as Redis keeps it in a string: 16 bytes of header
/// ("HYLL", encoding, the cached cardinality) and either packed registers or runs ("sparse").
/// Pure; any thread.
class HyperLogLog {
public:
    static constexpr std::size_t kRegisters = 16384;
    static constexpr std::size_t kSparseBytesMax = 3000;

    HyperLogLog() = default;

    /// Whether a string looks like one (header, length if dense).
    static bool recognizes(ByteView text);
    /// Nothing: it is corrupt. REQUIRES recognizes(text).
    static std::optional<HyperLogLog> decode(ByteView text);
    /// The cardinality in the header, unless it is out of date. REQUIRES recognizes(text).
    static std::optional<std::uint64_t> cached_count(ByteView text);

    /// True if a register changed.
    bool add(ByteView element);
    void merge(const HyperLogLog& other);
    std::uint64_t count() const;

    bool dense() const { return dense_; }

    void make_dense() { dense_ = true; }

    /// Sparse while it was and fits. `count`: the cached cardinality; nothing: out of date.
    std::string encode(std::optional<std::uint64_t> count) const;

private:
    bool decode_sparse(ByteView runs);
    bool encode_sparse(std::string* out) const;

    std::array<std::uint8_t, kRegisters> registers_{};
    bool dense_ = false;
};

}  // namespace kumo::kv
