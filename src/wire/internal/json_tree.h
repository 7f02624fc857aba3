#pragma once

#include "wire/json.h"

#include <cstddef>
#include <cstdint>

/// How a parsed document lies in memory: one block of
///
///     JsonTree | nodes | source text | zeros | unescaped strings
///
/// Nodes stand in document order; an array is followed by its elements, an object by name, value,
/// name, value, ... `skip` steps over a node and all below it.
namespace kumo::wire::internal {

/// Readers of the text may load this many bytes from any position inside it.
inline constexpr std::size_t kTextPaddingBytes = 32;

struct StringSlice {
    std::uint32_t offset;
    std::uint32_t size;
};

struct JsonNode {
    std::uint32_t begin;  ///< Of the value in the text.
    std::uint32_t end;
    std::uint32_t skip;  ///< In nodes; 1 for a scalar.
    JsonType type;
    bool unescaped;  ///< A string whose bytes are in the strings area, not in the text.

    union {
        bool boolean;
        std::int64_t int64;
        std::uint64_t uint64;
        double number;
        StringSlice string;
        std::uint32_t count;  ///< Elements or members.
    };
};

static_assert(sizeof(JsonNode) == 24);

struct JsonTree {
    std::size_t block_bytes;
    std::uint32_t text_bytes;
    JsonNode* nodes;
    char* text;
    char* strings;

    ByteView string_of(const JsonNode& node) const noexcept {
        return {(node.unescaped ? strings : text) + node.string.offset, node.string.size};
    }
};

}  // namespace kumo::wire::internal
