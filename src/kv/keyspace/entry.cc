#include "kv/keyspace/entry.h"

#include "base/assert.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <malloc.h>

namespace kumo::kv {

namespace {

constexpr std::size_t kEmbstrBytesMax = 44;

void* checked_malloc(std::size_t bytes) {
    // Variable size, resized in place.
    void* memory = std::malloc(bytes);  // NOLINT(*-no-malloc,*-owning-memory)
    KUMO_ASSERT(memory != nullptr);
    return memory;
}

}  // namespace

/// A string that is too long for its entry, or edited.
struct Entry::Raw {
    std::uint32_t size;
    std::uint32_t capacity;

    char* data() { return reinterpret_cast<char*>(this + 1); }

    static Raw* make(std::size_t size, std::size_t capacity) {
        auto* raw = static_cast<Raw*>(checked_malloc(sizeof(Raw) + capacity));
        raw->size = static_cast<std::uint32_t>(size);
        raw->capacity = static_cast<std::uint32_t>(capacity);
        return raw;
    }
};

/// What an entry is made of.
struct Entry::Shape {
    std::uint32_t access = 0;
    Type type = Type::kString;
    StringEncoding encoding = StringEncoding::kRaw;
    bool has_expiry = false;
    std::int64_t expire_at_ms = 0;
    ByteView key;
    bool embedded = false;
    ByteView string;          ///< If embedded.
    void* pointer = nullptr;  ///< Raw or Value.
};

Entry* Entry::allocate(std::size_t bytes) {
    return new (checked_malloc(bytes)) Entry();  // NOLINT(*-owning-memory): destroy() frees it
}

Entry* Entry::build(const Shape& shape) {
    const bool long_key = shape.key.size() >= kLongKey;
    const std::size_t total = kHeadBytes + (long_key ? 5 : 1) + (shape.has_expiry ? 8 : 0)
                              + shape.key.size() + (shape.embedded ? 1 + shape.string.size() : 8);
    Entry* entry = allocate(total);
    entry->set_access(shape.access);
    entry->flags_ = static_cast<std::uint8_t>(
        static_cast<unsigned>(shape.type) | (shape.has_expiry ? kHasExpiry : 0U)
        | (shape.embedded ? kEmbedded : 0U) | (static_cast<unsigned>(shape.encoding) << 5U)
    );
    char* at = entry->bytes() + kHeadBytes;
    if (long_key) {
        *at++ = static_cast<char>(kLongKey);
        const auto length = static_cast<std::uint32_t>(shape.key.size());
        std::memcpy(at, &length, sizeof(length));
        at += sizeof(length);
    } else {
        *at++ = static_cast<char>(shape.key.size());
    }
    if (shape.has_expiry) {
        std::memcpy(at, &shape.expire_at_ms, sizeof(shape.expire_at_ms));
        at += sizeof(shape.expire_at_ms);
    }
    std::memcpy(at, shape.key.data(), shape.key.size());
    at += shape.key.size();
    if (shape.embedded) {
        *at++ = static_cast<char>(shape.string.size());
        if (!shape.string.empty()) {
            std::memcpy(at, shape.string.data(), shape.string.size());
        }
    } else {
        std::memcpy(at, &shape.pointer, sizeof(shape.pointer));
    }
    return entry;
}

Entry::Shape Entry::shape() const {
    Shape shape;
    shape.access = access();
    shape.type = type();
    shape.encoding = string_encoding();
    shape.has_expiry = has_expiry();
    shape.expire_at_ms = has_expiry() ? expire_at_ms() : 0;
    shape.key = key();
    shape.embedded = (flags_ & kEmbedded) != 0;
    if (shape.embedded) {
        shape.string = string();
    } else {
        shape.pointer = pointer();
    }
    return shape;
}

Entry* Entry::rebuild(Entry* entry, const Shape& shape) {
    Entry* made = build(shape);
    std::free(entry);  // NOLINT(*-no-malloc,*-owning-memory)
    return made;
}

Entry* Entry::make_string(ByteView key, ByteView value, StringEncoding encoding) {
    Shape shape;
    shape.key = key;
    shape.encoding = encoding;
    shape.embedded = value.size() <= kEmbeddedStringBytesMax;
    if (shape.embedded) {
        shape.string = value;
    } else {
        Raw* raw = Raw::make(value.size(), value.size());
        std::memcpy(raw->data(), value.data(), value.size());
        shape.pointer = raw;
    }
    return build(shape);
}

Entry* Entry::make_value(ByteView key, std::unique_ptr<Value> value) {
    Shape shape;
    shape.key = key;
    shape.type = value->type();
    shape.pointer = value.release();
    return build(shape);
}

void Entry::release_payload() {
    if ((flags_ & kEmbedded) != 0) {
        return;
    }
    if (is_string()) {
        std::free(raw());  // NOLINT(*-no-malloc,*-owning-memory)
    } else {
        const std::unique_ptr<Value> dead(&value());
    }
}

void Entry::destroy(Entry* entry) {
    entry->release_payload();
    std::free(entry);  // NOLINT(*-no-malloc,*-owning-memory)
}

std::int64_t Entry::expire_at_ms() const {
    return load_unaligned<std::int64_t>(bytes() + expiry_offset());
}

void* Entry::pointer() const {
    return load_unaligned<void*>(bytes() + payload_offset());
}

void Entry::set_pointer(void* pointer) {
    std::memcpy(bytes() + payload_offset(), &pointer, sizeof(pointer));
}

Entry::Raw* Entry::raw() const {
    return static_cast<Raw*>(pointer());
}

Value& Entry::value() const {
    KUMO_ASSERT(!is_string());
    return *static_cast<Value*>(pointer());
}

ByteView Entry::string() const {
    KUMO_ASSERT(is_string());
    const std::size_t at = payload_offset();
    if ((flags_ & kEmbedded) != 0) {
        return {bytes() + at + 1, static_cast<std::uint8_t>(bytes()[at])};
    }
    return {raw()->data(), raw()->size};
}

std::uint32_t Entry::access() const {
    return access_[0] | (static_cast<std::uint32_t>(access_[1]) << 8U)
           | (static_cast<std::uint32_t>(access_[2]) << 16U);
}

void Entry::set_access(std::uint32_t access) {
    access_[0] = static_cast<std::uint8_t>(access);
    access_[1] = static_cast<std::uint8_t>(access >> 8U);
    access_[2] = static_cast<std::uint8_t>(access >> 16U);
}

std::size_t Entry::size() const {
    const std::size_t at = payload_offset();
    return at + ((flags_ & kEmbedded) != 0 ? 1 + string().size() : 8);
}

std::size_t Entry::memory_bytes() const {
    auto* self = const_cast<Entry*>(this);  // NOLINT(*-const-cast): malloc_usable_size's signature
    std::size_t bytes_used = malloc_usable_size(self);
    if ((flags_ & kEmbedded) != 0) {
        return bytes_used;
    }
    return bytes_used + (is_string() ? malloc_usable_size(pointer()) : value().memory_bytes());
}

Entry* Entry::with_string(Entry* entry, ByteView value, StringEncoding encoding) {
    const bool embed = value.size() <= kEmbeddedStringBytesMax;
    const std::size_t needed = entry->payload_offset() + (embed ? 1 + value.size() : 8);
    if (embed && entry->is_string() && (entry->flags_ & kEmbedded) != 0
        && needed <= malloc_usable_size(entry) && needed + 64 >= malloc_usable_size(entry)) {
        char* at = entry->bytes() + entry->payload_offset();
        *at = static_cast<char>(value.size());
        if (!value.empty()) {
            std::memmove(at + 1, value.data(), value.size());
        }
        entry->flags_ = static_cast<std::uint8_t>(
            (entry->flags_ & ~(3U << 5U)) | (static_cast<unsigned>(encoding) << 5U)
        );
        return entry;
    }
    Shape shape = entry->shape();
    shape.type = Type::kString;
    shape.encoding = encoding;
    shape.embedded = embed;
    shape.string = value;
    if (!embed) {
        Raw* raw = Raw::make(value.size(), value.size());
        std::memcpy(raw->data(), value.data(), value.size());
        shape.pointer = raw;
    }
    Entry* made = build(shape);
    destroy(entry);
    return made;
}

Entry* Entry::resize_string(Entry* entry, std::size_t size, char** data) {
    const std::size_t old_size = entry->string().size();
    if ((entry->flags_ & kEmbedded) != 0) {
        Raw* raw = Raw::make(old_size, std::max(size, old_size));
        std::memcpy(raw->data(), entry->string().data(), old_size);
        Shape shape = entry->shape();
        shape.embedded = false;
        shape.encoding = StringEncoding::kRaw;
        shape.pointer = raw;
        entry = rebuild(entry, shape);
    }
    Raw* raw = entry->raw();
    if (size > raw->capacity) {
        // Doubling below a megabyte, a megabyte more above: appends are cheap, waste is bounded.
        constexpr std::size_t kStep = std::size_t{1} << 20;
        const std::size_t wanted = size < kStep ? size * 2 : size + kStep;
        const std::size_t capacity = std::min<std::size_t>(wanted, UINT32_MAX);
        // NOLINTNEXTLINE(*-no-malloc,*-owning-memory)
        raw = static_cast<Raw*>(std::realloc(raw, sizeof(Raw) + capacity));
        KUMO_ASSERT(raw != nullptr);
        raw->capacity = static_cast<std::uint32_t>(capacity);
        entry->set_pointer(raw);
    }
    if (size > old_size) {
        std::memset(raw->data() + old_size, 0, size - old_size);
    }
    raw->size = static_cast<std::uint32_t>(size);
    entry->flags_ = static_cast<std::uint8_t>(
        (entry->flags_ & ~(3U << 5U)) | (static_cast<unsigned>(StringEncoding::kRaw) << 5U)
    );
    *data = raw->data();
    return entry;
}

Entry* Entry::with_value(Entry* entry, std::unique_ptr<Value> value) {
    Shape shape = entry->shape();
    shape.type = value->type();
    shape.embedded = false;
    shape.pointer = value.release();
    Entry* made = build(shape);
    destroy(entry);
    return made;
}

Entry* Entry::with_expiry(Entry* entry, std::int64_t at_ms) {
    if (entry->has_expiry()) {
        std::memcpy(entry->bytes() + entry->expiry_offset(), &at_ms, sizeof(at_ms));
        return entry;
    }
    Shape shape = entry->shape();
    shape.has_expiry = true;
    shape.expire_at_ms = at_ms;
    return rebuild(entry, shape);
}

Entry* Entry::without_expiry(Entry* entry) {
    if (!entry->has_expiry()) {
        return entry;
    }
    Shape shape = entry->shape();
    shape.has_expiry = false;
    return rebuild(entry, shape);
}

Entry* Entry::with_key(Entry* entry, ByteView key) {
    Shape shape = entry->shape();
    shape.key = key;
    return rebuild(entry, shape);
}

std::string_view encoding_name(const Entry& entry) {
    if (!entry.is_string()) {
        return entry.value().encoding();
    }
    switch (entry.string_encoding()) {
        case StringEncoding::kInt: return "int";
        case StringEncoding::kEmbstr: return "embstr";
        case StringEncoding::kRaw: return "raw";
    }
    return "raw";
}

StringEncoding natural_encoding(ByteView value) {
    if (value.size() <= 20 && parse_integer(value).has_value()) {
        return StringEncoding::kInt;
    }
    return value.size() <= kEmbstrBytesMax ? StringEncoding::kEmbstr : StringEncoding::kRaw;
}

}  // namespace kumo::kv
