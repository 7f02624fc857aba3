#pragma once

#include "base/bytes.h"
#include "search/text/doc.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace kumo::search {

struct ChainMark;

/// Postings come in blocks of this many documents; the last block of a term may be shorter.
inline constexpr std::uint32_t kPostingBlock = 128;

/// What the tail of a decoded block is filled with: larger than any document, positive as a signed
/// lane.
inline constexpr DocId kPadDoc = 0x7FFFFFFFU;

/// A term's block metadata and data, wherever it lies. Arrays have `blocks` entries.
struct PostingsView {
    std::uint32_t df = 0;
    std::uint32_t blocks = 0;
    std::uint32_t occurrences = 0;
    float best_factor = 0;                     ///< The largest max_factor.
    const DocId* last_doc = nullptr;           ///< Last document of each block.
    const std::uint32_t* offset = nullptr;     ///< Where its bytes start in `data`.
    const float* max_factor = nullptr;         ///< Upper bound of a document's factor in it.
    const std::uint32_t* first_pos = nullptr;  ///< Occurrences before it.
    const std::uint8_t* doc_codec = nullptr;   ///< Bits per gap, or one of DocCodec.
    const std::uint8_t* tf_bits = nullptr;
    const std::uint8_t* data = nullptr;
    std::uint32_t data_bytes = 0;
    const std::uint32_t* pos_offset = nullptr;  ///< Per 128 positions: where they start.
    const std::uint8_t* pos_bits = nullptr;
    const std::uint8_t* pos_data = nullptr;
};

/// How a block's documents are coded, beside 0 to 32 bits per gap.
enum DocCodec : std::uint8_t {
    kCodecRaw = 253,     ///< Live: decoded when the cursor was opened.
    kCodecTail = 254,    ///< Varints, documents and frequencies together; fewer than 128.
    kCodecBitset = 255,  ///< A bit per document of the block's range.
};

/// Reads one term's postings in one segment, sealed or live, in document order. One concrete class,
/// no virtual call per posting; 2 KiB, made to be reused for many terms. One owner, not
/// thread-safe; the reader it was opened on must outlive its use.
///
/// Two ways to use it, not to be mixed between two open() calls:
///  - document by document: doc(), next(), advance(), tf(), positions();
///  - block by block (the BM25 paths): seek_block(), load_docs(), load_tfs(), tf_at(), ...
class PostingsCursor {
public:
    PostingsCursor();
    ~PostingsCursor();
    PostingsCursor(PostingsCursor&&) noexcept;
    PostingsCursor& operator=(PostingsCursor&&) noexcept;

    /// Exact number of documents, for a live term too (those below the reader's limit).
    std::uint32_t doc_count() const { return view_.df; }

    /// The current document; kNoDoc past the last one and on a cursor that was never opened.
    DocId doc() const { return current_; }

    DocId next() {
        if (++index_ < size_) {
            return current_ = docs_[index_];
        }
        return next_block();
    }

    /// The first document >= target at or after the current one.
    DocId advance(DocId target);

    /// Occurrences in the current document. Requires doc() != kNoDoc, as does positions().
    std::uint32_t tf() { return tf_at(index_); }

    /// Replaces `out` with the current document's positions, ascending.
    void positions(std::vector<std::uint32_t>& out) { positions_at(index_, out); }

    // ---- block by block

    const PostingsView& view() const { return view_; }

    std::uint32_t block() const { return block_; }

    /// First document that the current block could hold.
    DocId block_floor() const { return block_ == 0 ? 0 : view_.last_doc[block_ - 1] + 1; }

    DocId block_last() const { return view_.last_doc[block_]; }

    /// Moves to the first block that ends at or after target, from the current one on, without
    /// decoding. False past the end.
    bool seek_block(DocId target);

    /// Makes `block` the current one. The end, view().blocks, is allowed.
    void set_block(std::uint32_t block) { block_ = block; }

    bool docs_loaded() const { return loaded_docs_ == block_; }

    /// Decodes the current block's documents: docs()[0..size()), then at least 16 kPadDoc.
    void load_docs() {
        if (loaded_docs_ != block_) {
            decode_docs();
        }
    }

    const DocId* docs() const { return docs_.data(); }

    std::uint32_t size() const { return size_; }

    /// Decodes the current block's frequencies too.
    void load_tfs();

    const std::uint32_t* tfs() const { return tfs_.data(); }

    /// Frequency of the i-th document of the current block; cheap without load_tfs().
    std::uint32_t tf_at(std::uint32_t i);

    /// Positions of the i-th document of the current block.
    void positions_at(std::uint32_t i, std::vector<std::uint32_t>& out);

    /// True if the current block is a bitset: bit d - bitset_base() says whether it has d.
    bool is_bitset() const { return view_.doc_codec[block_] == kCodecBitset; }

    DocId bitset_base() const { return block_floor() & ~63U; }

    std::uint32_t bitset_words() const { return block_last() / 64 - bitset_base() / 64 + 1; }

    std::uint64_t bitset_word(std::uint32_t i) const {
        return load_unaligned<std::uint64_t>(
            view_.data + view_.offset[block_] + std::uint64_t{i} * 8
        );
    }

    /// Sets the bits of all documents in a bitmap. Leaves the cursor anywhere.
    void set_bits(std::uint64_t* words);

    /// An index into the block from bits counted in a bitset, which may hold more than it should if
    /// the segment is damaged.
    static std::uint32_t rank_in_block(std::uint32_t rank) { return rank & (kPostingBlock - 1); }

    /// True if view().max_factor came with the segment: bounds for the segment's own average
    /// length. Otherwise prepare_bounds() must be called before they are read.
    bool stores_bounds() const { return kind_ == Kind::kPacked; }

    /// Computes view()'s factors of a live or short term: factor = tf / (tf + weight[norm]).
    void prepare_bounds(const std::uint8_t* norms, std::span<const float, 256> weight);

private:
    friend class PostingsOpener;

    enum class Kind : std::uint8_t {
        kPacked,  ///< Sealed, 128 documents or more.
        kShort,   ///< Sealed, fewer: one block, decoded by open().
        kLive,
    };

    static constexpr std::uint32_t kNotLoaded = 0xFFFFFFFFU;

    void reset(Kind kind);
    DocId start();
    DocId finish();
    DocId next_block();
    void decode_docs();
    void decode_bitset();
    void decode_tail();
    void invent_docs();
    std::uint32_t block_count_of(std::uint32_t block) const;
    const std::uint8_t* tf_data() const;
    std::uint32_t occurrences_before(std::uint32_t i);
    void packed_positions(std::uint32_t i, std::vector<std::uint32_t>& out);
    void short_positions(std::uint32_t i, std::vector<std::uint32_t>& out);
    void live_positions(std::uint32_t i, std::vector<std::uint32_t>& out);

    PostingsView view_;
    Kind kind_ = Kind::kPacked;
    std::uint32_t block_ = 0;
    std::uint32_t index_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t loaded_docs_ = kNotLoaded;
    std::uint32_t loaded_tfs_ = kNotLoaded;
    std::uint32_t summed_block_ = kNotLoaded;  // see occurrences_before()
    std::uint32_t summed_docs_ = 0;
    std::uint32_t summed_ = 0;
    DocId current_ = kNoDoc;
    alignas(64) std::array<DocId, kPostingBlock + 16> docs_{};
    alignas(64) std::array<std::uint32_t, kPostingBlock + 16> tfs_{};

    // What short and live terms need beside the view.
    std::vector<DocId> own_docs_;
    std::vector<std::uint32_t> own_tfs_;
    std::vector<DocId> own_last_doc_;
    std::vector<float> own_max_factor_;
    std::vector<std::uint8_t> own_codec_;
    std::vector<ChainMark> marks_;  // where each block's records begin
    const std::uint8_t* short_pos_ = nullptr;
    const std::uint8_t* short_end_ = nullptr;
};

}  // namespace kumo::search
