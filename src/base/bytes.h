#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace kumo {

/// Bytes that somebody else owns. std::string_view, because every library we use speaks it.
using ByteView = std::string_view;

/// Reads a trivially copyable value from unaligned memory. Requires sizeof(T) readable bytes.
template <typename T>
T load_unaligned(const void* from) noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    std::memcpy(&value, from, sizeof(T));
    return value;
}

/// Appends the value's bytes in host order. Our on-disk formats are little-endian, and so is every
/// platform we build for.
template <typename T>
void append_fixed(std::string& out, T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

}  // namespace kumo
