#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace kumo::kv {

/// Takes RDB's primitive values off bytes that may be damaged. After the first one that is not
/// there or not sound, every value is zero or empty and ok() is false, so that a reader checks once
/// a loop.
///
/// Thread rule: loop-owned.
class RdbInput {
public:
    explicit RdbInput(ByteView bytes) : bytes_(bytes) {}

    std::uint8_t byte();
    std::int64_t signed64();
    double real();
    /// "1.5" behind a byte with its length; 253, 254, 255: NaN, inf, -inf.
    double real_text();
    /// A length that is none but a string's encoding is damage.
    std::uint64_t length();
    /// How many things of at least `bytes_each` bytes follow: not more than there are bytes for.
    std::uint64_t count(std::uint64_t bytes_each = 1);
    /// A view of the input where the string lies there as it is; of *scratch where it was a number
    /// or compressed.
    ByteView string(std::string* scratch);
    ByteView raw(std::uint64_t size);
    /// A string, not decompressed.
    void skip_string();

    bool ok() const { return ok_; }

    void fail() { ok_ = false; }

    std::size_t position() const { return at_; }

    bool at_end() const { return at_ == bytes_.size(); }

    /// kCorruption, with the place.
    Error damage(ByteView what) const;

private:
    std::uint64_t length_or_encoding(bool* encoded);
    ByteView encoded_string(std::uint64_t encoding, std::string* scratch);
    std::uint64_t big_endian(std::size_t width);

    ByteView bytes_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

}  // namespace kumo::kv
