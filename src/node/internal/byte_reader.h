#pragma once

#include "base/bytes.h"
#include "wire/varint.h"

#include <cstdint>
#include <string>

namespace kumo::node {

/// Takes values off bytes that may be damaged. After the first one that is not there, every value
/// is zero or empty and ok() is false, so that a decoder checks once, at its end.
class ByteReader {
public:
    explicit ByteReader(ByteView bytes) : rest_(bytes) {}

    std::uint64_t number() {
        const auto value = wire::read_varint(rest_);
        ok_ = ok_ && value.has_value();
        return ok_ ? *value : 0;
    }

    /// A number of things that follow, each at least a byte long.
    std::size_t count() {
        const std::uint64_t value = number();
        ok_ = ok_ && value <= rest_.size();
        return ok_ ? static_cast<std::size_t>(value) : 0;
    }

    /// At most `max`.
    std::uint64_t below_or_at(std::uint64_t max) {
        const std::uint64_t value = number();
        ok_ = ok_ && value <= max;
        return ok_ ? value : 0;
    }

    ByteView sized() {
        const auto bytes = wire::read_sized(rest_);
        ok_ = ok_ && bytes.has_value();
        return ok_ ? *bytes : ByteView();
    }

    std::string text() { return std::string(sized()); }

    bool ok() const { return ok_; }

    /// Everything was there, and nothing behind it.
    bool at_end() const { return ok_ && rest_.empty(); }

private:
    ByteView rest_;
    bool ok_ = true;
};

}  // namespace kumo::node
