#pragma once

#include "search/text/doc.h"
#include "search/text/postings_cursor.h"

#include <array>
#include <cstdint>

/// The layout of a sealed text field, shared by the encoder and the reader; docs/formats/segment.md
/// describes it for people. Little-endian, arrays aligned to their elements.
namespace kumo::search {

inline constexpr std::uint32_t kTextVersion = 1;
inline constexpr std::uint32_t kNoTerm = 0xFFFFFFFFU;

/// Blocks whose documents span at most this many 64-document words become bitsets: membership and
/// rank without decoding are worth up to twice the space.
inline constexpr std::uint32_t kBitsetWordsMax = 16;

/// From this many documents on, a term stores its 10th and 100th best factor.
inline constexpr std::uint32_t kSeedDocsMin = 512;

inline constexpr std::uint32_t kSeedsFew = 10;
inline constexpr std::uint32_t kSeedsMost = 100;

/// The averages and factors in a segment are for these parameters.
inline constexpr float kStoredK1 = 1.2F;
inline constexpr float kStoredB = 0.75F;

/// Section "info".
struct TextInfo {
    std::uint32_t version;
    DocId doc_limit;
    std::uint64_t doc_count;
    std::uint64_t token_count;
    double bound_length;  // the average length that stored bounds are for
    std::uint32_t term_count;
    std::uint32_t node_count;
};

static_assert(sizeof(TextInfo) == 40);

/// Section "term_meta", one per term in byte order, and one more whose offset is the end.
struct TermMeta {
    std::uint64_t offset;  // of its postings in section "postings"
    std::uint32_t df;
    std::uint32_t ttf;
    float max_rank;
    std::uint32_t reserved;
};

static_assert(sizeof(TermMeta) == 24);

/// The start of a long term's postings (df >= kPostingBlock), at a multiple of 16. Then the arrays
/// of PostingsView in the order of LongLayout, the blocks' data, and the positions.
struct LongHeader {
    float seed10;
    float seed100;
    float best_factor;
    std::uint32_t data_bytes;
};

static_assert(sizeof(LongHeader) == 16);

constexpr std::uint64_t align16(std::uint64_t n) {
    return (n + 15) & ~std::uint64_t{15};
}

/// Where the arrays of a long term lie, relative to its LongHeader.
struct LongLayout {
    std::uint64_t blocks;
    std::uint64_t pos_groups;
    std::uint64_t last_doc;
    std::uint64_t offset;
    std::uint64_t max_factor;
    std::uint64_t first_pos;
    std::uint64_t pos_offset;
    std::uint64_t doc_codec;
    std::uint64_t tf_bits;
    std::uint64_t pos_bits;
    std::uint64_t data;

    constexpr LongLayout(std::uint32_t df, std::uint32_t ttf)
        : blocks((std::uint64_t{df} + 127) / 128),
          pos_groups((std::uint64_t{ttf} + 127) / 128),
          last_doc(sizeof(LongHeader)),
          offset(last_doc + blocks * 4),
          max_factor(offset + blocks * 4),
          first_pos(max_factor + blocks * 4),
          pos_offset(first_pos + blocks * 4),
          doc_codec(pos_offset + pos_groups * 4),
          tf_bits(doc_codec + blocks),
          pos_bits(tf_bits + blocks),
          data(align16(pos_bits + pos_groups)) {}
};

/// weight[norm] of the factor tf / (tf + weight[norm]).
std::array<float, 256> norm_weights(float k1, float b, double average_length);

/// How the exact-term hash hashes.
std::uint64_t term_hash(const char* bytes, std::uint64_t size);

}  // namespace kumo::search
