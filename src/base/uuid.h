#pragma once

#include "base/bytes.h"
#include "base/random.h"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace kumo {

/// 128 bits that name one thing for ever. The default value names nothing. A plain value.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};

    // NOLINTNEXTLINE(modernize-use-nullptr): of the comparison with 0 in what the compiler writes
    auto operator<=>(const Uuid&) const = default;

    bool is_nil() const { return *this == Uuid{}; }

    /// The 36 characters of RFC 9562, lower case.
    std::string to_string() const;

    /// The 16 bytes, for formats.
    ByteView view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

/// A random one (version 4 of RFC 9562).
Uuid make_uuid(Random& random);

/// Reads what to_string() wrote, in either case. Nothing for anything else.
std::optional<Uuid> parse_uuid(ByteView text);

/// Nothing unless there are exactly 16 bytes.
std::optional<Uuid> uuid_from_bytes(ByteView bytes);

}  // namespace kumo

template <>
struct std::hash<kumo::Uuid> {
    std::size_t operator()(const kumo::Uuid& uuid) const noexcept {
        return kumo::load_unaligned<std::size_t>(uuid.bytes.data());
    }
};
