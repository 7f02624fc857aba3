#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace kumo::kv::internal {

/// A key and a value (which may be empty) in one allocation, for hash tables: the lengths as
/// varints and the bytes. It has no fields: an object is the start of its block.
///
/// Thread rule: as its owner.
class TextEntry {
public:
    struct Deleter {
        void operator()(TextEntry* entry) const;
    };

    using Owned = std::unique_ptr<TextEntry, Deleter>;

    static Owned make(ByteView key, ByteView value);
    TextEntry(const TextEntry&) = delete;
    TextEntry& operator=(const TextEntry&) = delete;

    ByteView key() const;
    ByteView value() const;
    std::size_t memory_bytes() const;
    /// Puts the value in place if it has the same length as the old one.
    bool overwrite(ByteView value);

private:
    TextEntry() = default;
    ~TextEntry() = default;

    struct Parts {
        std::size_t key_bytes;
        std::size_t value_bytes;
        std::size_t head_bytes;
    };

    Parts parts() const;

    const char* bytes() const { return reinterpret_cast<const char*>(this); }
};

}  // namespace kumo::kv::internal
