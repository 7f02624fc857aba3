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
    HyperLogLog() = default;

    /// Whether a string looks like one (header, length if dense).
    static bool recognizes(ByteView text);
    /// Nothing: it is corrupt. REQUIRES recognizes(text).
    static std::optional<HyperLogLog> decode(ByteView text);
    /// The cardinality in the header, unless it is out of date. REQUIRES recognizes(text).
    static std::optional<std::uint64_t> cached_count(ByteView text);
    static void cache_count(std::string* text, std::uint64_t count);

    enum class Added : std::uint8_t {
        kSame,
        kChanged,
        kCorrupt
    };

    /// Adds an element to an encoded one in place: one register of a dense one, one run of a sparse
    /// one, which becomes dense if a register or the runs grow too large for it. The cached
    /// cardinality is out of date then. REQUIRES recognizes(*text).
    static Added add_to(std::string* text, ByteView element, std::size_t sparse_bytes_max);

    static bool is_dense(ByteView text) { return text[4] == 0; }

    /// The runs of a sparse one in words: "z:5", "Z:16000", "v:3,2". REQUIRES recognizes(text).
    static std::string describe_runs(ByteView text);

    /// True if a register changed.
    bool add(ByteView element);
    void merge(const HyperLogLog& other);
    std::uint64_t count() const;

    bool dense() const { return dense_; }

    void make_dense() { dense_ = true; }

    const std::array<std::uint8_t, kRegisters>& registers() const { return registers_; }

    /// Sparse while it was and fits. `count`: the cached cardinality; nothing: out of date.
    std::string encode(std::optional<std::uint64_t> count, std::size_t sparse_bytes_max) const;

private:
    bool decode_sparse(ByteView runs);
    bool encode_sparse(std::string* out, std::size_t sparse_bytes_max) const;

    std::array<std::uint8_t, kRegisters> registers_{};
    bool dense_ = false;
};

}  // namespace kumo::kv
