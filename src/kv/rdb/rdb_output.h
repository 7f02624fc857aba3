#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace kumo::kv {

/// Appends RDB's primitive values, to a string that grows, or through a small buffer to somebody
/// who takes piece after piece: then nothing large lies in memory twice.
///
/// Thread rule: loop-owned.
class RdbOutput {
public:
    using Drain = std::function<void(ByteView)>;

    /// Everything stays in buffer().
    RdbOutput() = default;

    /// `drain` gets pieces of about 64 KiB, larger ones for large strings, and the rest at flush().
    explicit RdbOutput(Drain drain) : drain_(std::move(drain)) {}

    void byte(std::uint8_t value) { buffer_.push_back(static_cast<char>(value)); }

    void fixed64(std::uint64_t value) { append_fixed(buffer_, value); }

    void real(double value) { append_fixed(buffer_, value); }

    void length(std::uint64_t value);
    /// A short number is written as one; a long text is compressed if compress() was asked for and
    /// helps.
    void string(ByteView bytes);
    /// The decimal text of a number, as a string.
    void number_string(std::int64_t value);
    void raw(ByteView bytes);

    void compress(bool wanted) { compress_ = wanted; }

    void flush();

    std::string& buffer() { return buffer_; }

private:
    bool short_number(ByteView bytes);
    void drain_if_full();

    Drain drain_;
    std::string buffer_;
    bool compress_ = false;
};

}  // namespace kumo::kv
