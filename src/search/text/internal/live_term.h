#pragma once

#include "search/text/doc.h"
#include "search/text/internal/arena.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>

/// The postings of a live term are a chain of chunks, 24 bytes doubling to 16 KiB, whose last 8
/// bytes hold the address of the next one. A record per document, all varints:
///     (gap << 1) | (tf == 1), [tf], tf position gaps
/// where a gap counts from the previous document or position (from 0 at first).
namespace kumo::search {

inline constexpr std::uint32_t kChunkFirstBytes = 24;
inline constexpr std::uint32_t kChunkMaxBytes = 16384;
inline constexpr std::uint32_t kChunkLinkBytes = 8;

/// A term of the live dictionary. Everything above `writer` is read by other threads: the plain
/// fields are written before the term is published, and the chain's bytes before the `df` that
/// counts them.
struct LiveTerm {
    const char* bytes = nullptr;
    std::uint32_t length = 0;
    DocId first_doc = kNoDoc;
    const std::uint8_t* head = nullptr;
    std::atomic<std::uint32_t> df{0};
    std::atomic<std::uint64_t> ttf{0};
    std::atomic<float> max_rank{0};

    // Writer only: the end of the chain, and the tokens of the document being added as a list
    // through LiveIndex's next_token_.
    std::uint8_t* write = nullptr;
    std::uint8_t* limit = nullptr;
    std::uint32_t chunk_bytes = 0;
    DocId last_doc = 0;
    std::uint32_t pending_first = 0;
    std::uint32_t pending_last = 0;
    std::uint32_t pending_count = 0;

    std::string_view text() const { return {bytes, length}; }
};

inline std::uint32_t next_chunk_bytes(std::uint32_t bytes) {
    return std::min(bytes * 2, kChunkMaxBytes);
}

/// Appends to a term's chain.
class ChainWriter {
public:
    ChainWriter(LiveTerm& term, Arena& arena) : term_(term), arena_(arena) {}

    void put(std::uint32_t value) {
        while (value >= 0x80) {
            put_byte(static_cast<std::uint8_t>(value | 0x80U));
            value >>= 7U;
        }
        put_byte(static_cast<std::uint8_t>(value));
    }

private:
    void put_byte(std::uint8_t byte) {
        if (term_.write == term_.limit) {
            add_chunk();
        }
        *term_.write++ = byte;
    }

    void add_chunk() {
        bool first = term_.chunk_bytes == 0;
        std::uint32_t bytes = first ? kChunkFirstBytes : next_chunk_bytes(term_.chunk_bytes);
        std::uint8_t* chunk = arena_.allocate(bytes);
        if (first) {
            term_.head = chunk;
        } else {
            std::memcpy(term_.limit, &chunk, kChunkLinkBytes);
        }
        term_.write = chunk;
        term_.limit = chunk + bytes - kChunkLinkBytes;
        term_.chunk_bytes = bytes;
    }

    LiveTerm& term_;
    Arena& arena_;
};

/// A place in a chain, to go on reading from.
struct ChainMark {
    const std::uint8_t* at = nullptr;
    const std::uint8_t* limit = nullptr;
    std::uint32_t chunk_bytes = 0;
};

/// Reads a chain from its head or a mark. The caller knows how many values were published.
class ChainReader {
public:
    explicit ChainReader(const LiveTerm& term)
        : mark_{term.head, term.head + kChunkFirstBytes - kChunkLinkBytes, kChunkFirstBytes} {}

    explicit ChainReader(const ChainMark& mark) : mark_(mark) {}

    const ChainMark& mark() const { return mark_; }

    std::uint32_t get() {
        std::uint32_t byte = next_byte();
        std::uint32_t value = byte & 0x7FU;
        for (std::uint32_t shift = 7; byte >= 0x80; shift += 7) {
            byte = next_byte();
            value |= (byte & 0x7FU) << shift;
        }
        return value;
    }

    /// The next record up to its positions: moves `doc` on, returns the frequency.
    std::uint32_t next_document(DocId& doc) {
        std::uint32_t head = get();
        doc += head >> 1U;
        return (head & 1U) != 0 ? 1 : get();
    }

    void skip(std::uint32_t values) {
        while (values != 0) {
            values -= next_byte() < 0x80 ? 1U : 0U;
        }
    }

private:
    std::uint32_t next_byte() {
        if (mark_.at == mark_.limit) {
            std::memcpy(&mark_.at, mark_.limit, kChunkLinkBytes);
            mark_.chunk_bytes = next_chunk_bytes(mark_.chunk_bytes);
            mark_.limit = mark_.at + mark_.chunk_bytes - kChunkLinkBytes;
        }
        return *mark_.at++;
    }

    ChainMark mark_;
};

}  // namespace kumo::search
