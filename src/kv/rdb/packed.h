#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>

namespace kumo::kv {

// Redis's packed forms of small collections, as they stand in RDB files and DUMP payloads: one blob
// each. These readers check everything they rely on (every length, every back link, the counts), so
// that a blob of a stranger is read to its proper end or refused; they allocate nothing.
//
// All of them are used alike:
//
//     while (reader.next(&element)) { ... }
//     if (!reader.ok()) { it was damaged }

/// An element: bytes of the blob, or a number. Numbers have both forms.
class PackedElement {
public:
    /// Valid as long as the blob and this element are.
    ByteView view() const { return is_number_ ? ByteView(digits_, size_) : ByteView(data_, size_); }

    bool is_number() const { return is_number_; }

    /// Requires: is_number().
    std::int64_t number() const { return number_; }

    void set_text(ByteView text);
    void set_number(std::int64_t number);

private:
    const char* data_ = nullptr;
    std::int64_t number_ = 0;
    std::size_t size_ = 0;
    bool is_number_ = false;
    char digits_[20] = {};
};

/// How many bytes say behind an element of a listpack that it has `size` bytes. Redis takes one
/// more than it needs for 16383, 2097151 and 268435455, and so must everybody.
constexpr std::size_t listpack_back_bytes(std::size_t size) {
    return size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
}

/// Listpack (Redis 7): bytes (4), elements (2; 65535: not known), each element with its own length
/// behind it, 0xFF.
class ListpackReader {
public:
    explicit ListpackReader(ByteView blob);
    bool next(PackedElement* element);

    /// After next() gave false: whether that was the end.
    bool ok() const { return ok_; }

    bool at_end() const { return !ok_ || rest_.empty(); }

private:
    bool take(PackedElement* element, std::size_t* bytes);
    bool take_text(std::size_t header_bytes, std::size_t size, PackedElement* element);

    ByteView rest_;  ///< Without the 0xFF.
    std::size_t read_ = 0;
    std::size_t announced_ = 0;
    bool ok_ = false;
};

/// Ziplist (before Redis 7): bytes (4), offset of the last element (4), elements (2; 65535: not
/// known), each element with the length of the one before it, 0xFF.
class ZiplistReader {
public:
    explicit ZiplistReader(ByteView blob);
    bool next(PackedElement* element);

    bool ok() const { return ok_; }

private:
    bool take_previous_size();
    bool take(PackedElement* element);

    ByteView blob_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;  ///< Where the 0xFF is.
    std::size_t last_at_ = 0;
    std::size_t last_bytes_ = 0;
    std::size_t read_ = 0;
    std::size_t announced_ = 0;
    std::size_t tail_ = 0;
    bool ok_ = false;
};

/// Intset: width (4; 2, 4 or 8), count (4), numbers in ascending order, each once.
class IntsetReader {
public:
    explicit IntsetReader(ByteView blob);
    bool next(PackedElement* element);

    bool ok() const { return ok_; }

private:
    ByteView rest_;
    std::size_t width_ = 0;
    std::int64_t last_ = 0;
    bool first_ = true;
    bool ok_ = false;
};

/// Zipmap (before Redis 2.6), the small hash: count (1; 254: not known), then field, value, field,
/// ..., 0xFF. A value has unused bytes behind it. Elements alternate.
class ZipmapReader {
public:
    explicit ZipmapReader(ByteView blob);
    bool next(PackedElement* element);

    bool ok() const { return ok_; }

private:
    bool take_size(std::size_t* size);

    ByteView rest_;
    std::size_t read_ = 0;
    std::size_t announced_ = 0;
    bool ok_ = false;
};

}  // namespace kumo::kv
