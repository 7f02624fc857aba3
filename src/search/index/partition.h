#pragma once

#include "base/bytes.h"
#include "wire/murmur3.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kumo::search {

/// The parts a collection can have.
inline constexpr std::uint32_t kPartitionsMax = 64;

/// Which of `count` parts of a collection a document is in: MurmurHash3_x86_32 of its id, modulo
/// `count`. Part of the formats (docs/formats/operation.md): it must never change. Requires count
/// of at least 1.
inline std::uint32_t partition_of(std::string_view id, std::uint32_t count) {
    return count == 1 ? 0 : wire::murmur3_32(id) % count;
}

/// One part of a collection. A value.
struct Partition {
    std::uint32_t number = 0;
    std::uint32_t count = 1;

    /// Whether documents with this id are in it.
    bool has(std::string_view id) const { return partition_of(id, count) == number; }
};

/// The part that a document is in by the `id` it brings; nothing if it brings none, or none that is
/// any good: whichever part gets it assigns one, or says what is wrong.
std::optional<std::uint32_t> partition_of_document(ByteView json, std::uint32_t count);

}  // namespace kumo::search
