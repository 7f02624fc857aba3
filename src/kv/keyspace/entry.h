#pragma once

#include "base/bytes.h"
#include "kv/types/value.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace kumo::kv {

/// How a string lies in memory, as OBJECT ENCODING tells it: a number, a short text, a text that
/// was edited or is long.
enum class StringEncoding : std::uint8_t {
    kInt,
    kEmbstr,
    kRaw
};

/// The longest string that lies in the entry itself.
inline constexpr std::size_t kEmbeddedStringBytesMax = 192;

/// One key with its value: a single allocation of
///
///     access clock (3 bytes) | type, flags (1) | key length (1, or 255 and 4) | expiry (8, if any)
///     | key | embedded string: length (1) and bytes; otherwise a pointer (8)
///
/// so that a key of 16 bytes with a string of 64 takes 86. Anything that changes its length gives a
/// new address back, which the table must learn: only Database does that.
///
/// Thread rule: loop-owned.
class Entry {
public:
    static Entry* make_string(ByteView key, ByteView value, StringEncoding encoding);
    static Entry* make_value(ByteView key, std::unique_ptr<Value> value);
    /// With its value.
    static void destroy(Entry* entry);

    ByteView key() const {
        const std::size_t length = static_cast<std::uint8_t>(bytes()[kHeadBytes]);
        const bool is_long = length == kLongKey;
        const std::size_t at = kHeadBytes + (is_long ? 5U : 1U) + (has_expiry() ? 8U : 0U);
        return {
            bytes() + at,
            is_long ? load_unaligned<std::uint32_t>(bytes() + kHeadBytes + 1) : length};
    }

    Type type() const { return static_cast<Type>(flags_ & 7U); }

    bool is_string() const { return type() == Type::kString; }

    bool has_expiry() const { return (flags_ & kHasExpiry) != 0; }

    /// Milliseconds since the Unix epoch. Requires: has_expiry().
    std::int64_t expire_at_ms() const;

    bool expired(std::int64_t now_ms) const { return has_expiry() && expire_at_ms() <= now_ms; }

    /// Requires: is_string(). Valid until the key is changed.
    ByteView string() const;

    StringEncoding string_encoding() const {
        return static_cast<StringEncoding>((flags_ >> 5U) & 3U);
    }

    /// Requires: !is_string().
    Value& value() const;

    /// 24 bits that eviction and OBJECT IDLETIME/FREQ use.
    std::uint32_t access() const;
    void set_access(std::uint32_t access);

    /// Bytes on the heap, without the table's share.
    std::size_t memory_bytes() const;

    // The following return the entry's address, which may be another than before.

    static Entry* with_string(Entry* entry, ByteView value, StringEncoding encoding);
    /// Makes the string `size` bytes long (new ones are zero), raw, and editable through *data.
    static Entry* resize_string(Entry* entry, std::size_t size, char** data);
    static Entry* with_value(Entry* entry, std::unique_ptr<Value> value);
    static Entry* with_expiry(Entry* entry, std::int64_t at_ms);
    static Entry* without_expiry(Entry* entry);
    static Entry* with_key(Entry* entry, ByteView key);

private:
    struct Raw;
    struct Shape;
    static constexpr std::size_t kHeadBytes = 4;
    static constexpr std::uint8_t kLongKey = 255;  ///< The length follows.
    static constexpr std::uint8_t kHasExpiry = 1U << 3;
    static constexpr std::uint8_t kEmbedded = 1U << 4;

    Entry() = default;
    static Entry* allocate(std::size_t bytes);
    static Entry* build(const Shape& shape);
    Shape shape() const;
    static Entry* rebuild(Entry* entry, const Shape& shape);
    void release_payload();

    const char* bytes() const { return reinterpret_cast<const char*>(this); }

    char* bytes() { return reinterpret_cast<char*>(this); }

    std::size_t expiry_offset() const {
        const bool is_long = static_cast<std::uint8_t>(bytes()[kHeadBytes]) == kLongKey;
        return kHeadBytes + (is_long ? 5U : 1U);
    }

    std::size_t payload_offset() const {
        const ByteView of_key = key();
        return static_cast<std::size_t>(of_key.data() - bytes()) + of_key.size();
    }

    Raw* raw() const;
    void* pointer() const;
    void set_pointer(void* pointer);
    std::size_t size() const;

    std::uint8_t access_[3] = {};
    std::uint8_t flags_ = 0;
};

/// What OBJECT ENCODING answers.
std::string_view encoding_name(const Entry& entry);

/// What encoding Redis gives a string that was set: kInt for canonical 64-bit numbers of at most 20
/// characters, kEmbstr up to 44 bytes, else kRaw.
StringEncoding natural_encoding(ByteView value);

}  // namespace kumo::kv
