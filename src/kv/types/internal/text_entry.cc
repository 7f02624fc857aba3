#include "kv/types/internal/text_entry.h"

#include "kv/types/internal/packed.h"

#include <cstring>
#include <new>

namespace kumo::kv::internal {

namespace {

std::size_t put_length(char* at, std::size_t value) {
    std::size_t size = 0;
    while (value >= 0x80) {
        at[size++] = static_cast<char>((value & 0x7fU) | 0x80U);
        value >>= 7;
    }
    at[size++] = static_cast<char>(value);
    return size;
}

std::size_t get_length(const char*& at) {
    std::size_t value = 0;
    unsigned shift = 0;
    for (;;) {
        const auto byte = static_cast<unsigned char>(*at++);
        value |= static_cast<std::size_t>(byte & 0x7fU) << shift;
        if (byte < 0x80) {
            return value;
        }
        shift += 7;
    }
}

}  // namespace

void TextEntry::Deleter::operator()(TextEntry* entry) const {
    ::operator delete(entry);
}

TextEntry::Owned TextEntry::make(ByteView key, ByteView value) {
    char head[20];
    std::size_t head_bytes = put_length(head, key.size());
    head_bytes += put_length(head + head_bytes, value.size());
    void* block = ::operator new(head_bytes + key.size() + value.size());
    char* at = static_cast<char*>(block);
    std::memcpy(at, head, head_bytes);
    // copy(), for an empty view may have no address, which memcpy must not be given.
    key.copy(at + head_bytes, key.size());
    value.copy(at + head_bytes + key.size(), value.size());
    return Owned(static_cast<TextEntry*>(block));
}

TextEntry::Parts TextEntry::parts() const {
    const char* at = bytes();
    Parts parts{};
    parts.key_bytes = get_length(at);
    parts.value_bytes = get_length(at);
    parts.head_bytes = static_cast<std::size_t>(at - bytes());
    return parts;
}

ByteView TextEntry::key() const {
    const Parts p = parts();
    return {bytes() + p.head_bytes, p.key_bytes};
}

ByteView TextEntry::value() const {
    const Parts p = parts();
    return {bytes() + p.head_bytes + p.key_bytes, p.value_bytes};
}

std::size_t TextEntry::memory_bytes() const {
    const Parts p = parts();
    return allocation_bytes(p.head_bytes + p.key_bytes + p.value_bytes);
}

bool TextEntry::overwrite(ByteView value) {
    const Parts p = parts();
    if (value.size() != p.value_bytes) {
        return false;
    }
    std::memmove(
        reinterpret_cast<char*>(this) + p.head_bytes + p.key_bytes,
        value.data(),
        value.size()
    );
    return true;
}

}  // namespace kumo::kv::internal
