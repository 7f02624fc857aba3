#pragma once

#include "base/bytes.h"
#include "base/uuid.h"
#include "wire/varint.h"

#include <cstdint>
#include <string>

namespace kumo::wire {

/// Takes values off bytes that may be damaged. After the first one that is not there, every value
/// is zero or empty and ok() is false, so that a decoder checks once, at its end.
class ByteReader {
public:
    explicit ByteReader(ByteView bytes) : rest_(bytes) {}

    std::uint64_t number() {
        const auto value = read_varint(rest_);
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
        const auto bytes = read_sized(rest_);
        ok_ = ok_ && bytes.has_value();
        return ok_ ? *bytes : ByteView();
    }

    std::string text() { return std::string(sized()); }

    /// What has not been taken yet.
    ByteView rest() const { return ok_ ? rest_ : ByteView(); }

    /// Sixteen bytes, or nothing.
    Uuid uuid() {
        const bool there = rest_.size() >= sizeof(Uuid::bytes);
        ok_ = ok_ && there;
        if (!ok_) {
            return {};
        }
        const auto uuid = uuid_from_bytes(rest_.substr(0, sizeof(Uuid::bytes)));
        rest_.remove_prefix(sizeof(Uuid::bytes));
        return *uuid;
    }

    bool ok() const { return ok_; }

    /// Everything was there, and nothing behind it.
    bool at_end() const { return ok_ && rest_.empty(); }

private:
    ByteView rest_;
    bool ok_ = true;
};

}  // namespace kumo::wire
