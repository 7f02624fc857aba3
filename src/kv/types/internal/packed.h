#pragma once

#include "base/bytes.h"
#include "kv/types/element.h"
#include "wire/decimal.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace kumo::kv::internal {

/// What is looked for among packed elements: text that is a number is compared as one.
struct Needle {
    explicit Needle(ByteView bytes) : text(bytes), integer(wire::parse_decimal(bytes)) {}

    ByteView text;
    std::optional<std::int64_t> integer;
};

/// A sequence of short texts, numbers and doubles in one block of memory, walkable both ways: the
/// small form of lists, hashes, sets and sorted sets. One word here; the block is as large as the
/// allocator's class for what is in it, so growing by a few bytes usually moves nothing.
///
/// An element is its head, its payload, and its length once more, readable from behind:
///     00-7f     the number 0..127
///     80-bf     text of 0..63 bytes
///     c0-df x   text of 64..8255 bytes (5 + 8 bits, minus 64)
///     e0-e7     a number of 1..8 bytes, two's complement, little endian
///     e8        text, its length in 4 bytes
///     e9, ea    a double of 8 bytes, or of 4 that say the same
///     f0-ff x   the numbers 128..4223 (4 + 8 bits, minus 128)
/// Texts that are canonical numbers are kept as numbers, always: equal texts have equal bytes.
///
/// Offsets are byte offsets of elements; bytes() is the end. Thread rule: as its owner.
class Packed {
public:
    Packed() = default;
    Packed(const Packed& other);
    Packed& operator=(const Packed&) = delete;
    Packed(Packed&&) noexcept = default;
    Packed& operator=(Packed&&) noexcept = default;
    ~Packed() = default;

    std::size_t count() const;
    /// Of all elements.
    std::size_t bytes() const;
    /// On the heap.
    std::size_t memory_bytes() const;

    /// REQUIRES an element at `offset` for these.
    std::size_t next(std::size_t offset) const;
    Element element(std::size_t offset) const;
    double real(std::size_t offset) const;
    bool equals(std::size_t offset, const Needle& needle) const;
    /// <0, 0, >0: the element against `text`, by bytes.
    int compare(std::size_t offset, ByteView text) const;

    /// REQUIRES an element before `offset`.
    std::size_t previous(std::size_t offset) const;
    /// From the nearer end. REQUIRES index <= count().
    std::size_t seek(std::size_t index) const;
    /// The offset of the first element equal to `needle` among every `step`-th one; bytes() if
    /// none.
    std::size_t find(const Needle& needle, std::size_t step) const;

    void insert(std::size_t offset, ByteView text);
    void insert(std::size_t offset, std::int64_t value);
    void insert_real(std::size_t offset, double value);

    void append(ByteView text) { insert(bytes(), text); }

    void replace(std::size_t offset, ByteView text);
    /// REQUIRES that so many are there.
    void erase(std::size_t offset, std::size_t elements);
    /// Takes all elements from `offset` on away, into another one.
    Packed split(std::size_t offset);
    /// Adds copies of all elements of `other` at the end.
    void append_all(const Packed& other);

    /// How many bytes `text` takes as an element.
    static std::size_t element_bytes(ByteView text);

    /// Sets of integers use the same block with elements of their own making: raw bytes at raw
    /// offsets, and a mark (1..14) that says so and is the size of each; 0: elements as above.
    unsigned mark() const;
    void set_mark(unsigned mark);
    char* data();
    const char* data() const;
    void replace_bytes(
        std::size_t offset,
        std::size_t removed,
        ByteView inserted,
        std::ptrdiff_t count_change
    );

    /// What a block needs besides its elements.
    static constexpr std::size_t kHeaderBytes = 6;

private:
    /// Makes room for `inserted` bytes in place of `removed` ones; where they belong.
    char* open_gap(
        std::size_t offset,
        std::size_t removed,
        std::size_t inserted,
        std::ptrdiff_t count_change
    );
    unsigned tag() const;
    void set_tag(unsigned tag);
    std::size_t walked_count() const;

    /// Bytes of the elements (4), a tag (2: their count; from kTagsFrom on: a mark, or too many to
    /// count here), the elements. Null: empty.
    std::unique_ptr<char[]> block_;
};

/// How many bytes of elements one block may have; larger collections get another form.
inline constexpr std::size_t kPackedBytesMax = std::size_t{1} << 28;

/// The size an allocation of `bytes` takes in the allocator (jemalloc's classes).
std::size_t allocation_bytes(std::size_t bytes);

}  // namespace kumo::kv::internal
