#include "search/text/postings_cursor.h"

#include "search/text/internal/bit_pack.h"
#include "search/text/internal/live_term.h"
#include "search/text/internal/posting_list.h"
#include "search/text/internal/varint.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kumo::search {
namespace {

/// More than the rounding errors of computing the same factor in another order.
constexpr float kRoundingSlack = 1.000001F;

}  // namespace

PostingsCursor::PostingsCursor() = default;
PostingsCursor::~PostingsCursor() = default;
PostingsCursor::PostingsCursor(PostingsCursor&&) noexcept = default;
PostingsCursor& PostingsCursor::operator=(PostingsCursor&&) noexcept = default;

void PostingsCursor::reset(Kind kind) {
    view_ = PostingsView{};
    kind_ = kind;
    block_ = 0;
    index_ = 0;
    size_ = 0;
    loaded_docs_ = kNotLoaded;
    loaded_tfs_ = kNotLoaded;
    summed_block_ = kNotLoaded;
    current_ = kNoDoc;
}

DocId PostingsCursor::start() {
    if (view_.blocks == 0) {
        return current_ = kNoDoc;
    }
    load_docs();
    index_ = 0;
    return current_ = docs_[0];
}

DocId PostingsCursor::finish() {
    block_ = view_.blocks;
    index_ = size_;
    return current_ = kNoDoc;
}

DocId PostingsCursor::next_block() {
    if (current_ == kNoDoc || block_ + 1 >= view_.blocks) {
        return finish();
    }
    ++block_;
    return start();
}

DocId PostingsCursor::advance(DocId target) {
    if (current_ == kNoDoc || current_ >= target) {
        return current_;
    }
    std::uint32_t before = block_;
    if (!seek_block(target)) {
        return finish();
    }
    load_docs();
    const DocId* from = docs_.data() + (block_ == before ? index_ : 0);
    const DocId* found =
        std::lower_bound(from, static_cast<const DocId*>(docs_.data()) + size_, target);
    index_ = static_cast<std::uint32_t>(found - docs_.data());
    if (index_ == size_) {
        return next_block();
    }
    return current_ = docs_[index_];
}

bool PostingsCursor::seek_block(DocId target) {
    const DocId* last = view_.last_doc;
    const std::uint32_t count = view_.blocks;
    if (block_ >= count) {
        return false;
    }
    if (last[block_] >= target) {
        return true;
    }
    // Gallop, then halve: most moves are short, some cross half the list.
    std::uint32_t low = block_;
    std::uint32_t step = 1;
    while (low + step < count && last[low + step] < target) {
        low += step;
        step *= 2;
    }
    std::uint32_t high = std::min(low + step, count);
    while (high - low > 1) {
        std::uint32_t middle = low + (high - low) / 2;
        (last[middle] < target ? low : high) = middle;
    }
    block_ = high;
    return block_ < count;
}

std::uint32_t PostingsCursor::block_count_of(std::uint32_t block) const {
    return std::min(kPostingBlock, view_.df - block * kPostingBlock);
}

void PostingsCursor::decode_docs() {
    loaded_docs_ = block_;
    index_ = 0;
    size_ = block_count_of(block_);
    const std::uint8_t codec = view_.doc_codec[block_];
    if (codec == kCodecBitset) {
        decode_bitset();
    } else if (codec == kCodecTail) {
        decode_tail();
    } else if (codec == kCodecRaw) {
        std::memcpy(
            docs_.data(),
            own_docs_.data() + std::uint64_t{block_} * kPostingBlock,
            std::size_t{size_} * 4
        );
    } else {
        unpack_gaps(view_.data + view_.offset[block_], codec, block_floor() - 1, docs_.data());
        // Below 25 bits the sum of 128 gaps cannot wrap, so the last one proves them all.
        bool good = docs_[kPostingBlock - 1] == block_last()
                    && (codec < 25 || std::is_sorted(docs_.begin(), docs_.begin() + kPostingBlock));
        if (!good) {
            invent_docs();
        }
    }
    std::fill_n(docs_.begin() + size_, 16, kPadDoc);
}

/// The segment's bytes lie (only a bug or malice gets past the checksums): any ascending documents
/// inside the block's checked range keep everybody's arrays safe.
void PostingsCursor::invent_docs() {
    for (std::uint32_t i = 0; i < size_; ++i) {
        docs_[i] = block_last() - (size_ - 1) + i;
    }
}

void PostingsCursor::set_bits(std::uint64_t* words) {
    for (std::uint32_t block = 0; block < view_.blocks; ++block) {
        set_block(block);
        if (is_bitset()) {
            std::uint64_t* out = words + bitset_base() / 64;
            for (std::uint32_t w = 0, n = bitset_words(); w < n; ++w) {
                out[w] |= bitset_word(w);
            }
            continue;
        }
        load_docs();
        for (std::uint32_t i = 0; i < size_; ++i) {
            words[docs_[i] / 64] |= std::uint64_t{1} << (docs_[i] % 64);
        }
    }
}

void PostingsCursor::decode_bitset() {
    const DocId base = bitset_base();
    const std::uint32_t words = bitset_words();
    std::uint32_t n = 0;
    for (std::uint32_t w = 0; w < words; ++w) {
        std::uint64_t bits = bitset_word(w);
        if (w == 0) {
            bits &= ~std::uint64_t{0} << (block_floor() & 63U);
        }
        if (w + 1 == words) {
            bits &= ~std::uint64_t{0} >> (63U - (block_last() & 63U));
        }
        for (; bits != 0 && n < kPostingBlock; bits &= bits - 1) {
            docs_[n++] = base + w * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
        }
    }
    if (n != kPostingBlock) {
        invent_docs();
    }
}

void PostingsCursor::decode_tail() {
    const std::uint8_t* at = view_.data + view_.offset[block_];
    std::uint32_t n = decode_short_list(
        at,
        view_.data + view_.data_bytes,
        block_floor(),
        block_last(),
        std::span(docs_.data(), size_),
        tfs_.data()
    );
    if (n != size_ || docs_[n - 1] != block_last()) {
        invent_docs();
        std::fill_n(tfs_.begin(), size_, 1U);
    }
    loaded_tfs_ = block_;
}

const std::uint8_t* PostingsCursor::tf_data() const {
    const std::uint8_t* block = view_.data + view_.offset[block_];
    return is_bitset() ? block + std::uint64_t{bitset_words()} * 8
                       : block + packed_bytes(view_.doc_codec[block_]);
}

void PostingsCursor::load_tfs() {
    if (loaded_tfs_ == block_) {
        return;
    }
    const std::uint8_t codec = view_.doc_codec[block_];
    if (codec == kCodecTail) {
        decode_docs();
        return;
    }
    if (codec == kCodecRaw) {
        std::memcpy(
            tfs_.data(),
            own_tfs_.data() + std::uint64_t{block_} * kPostingBlock,
            std::size_t{block_count_of(block_)} * 4
        );
    } else {
        unpack_plus(tf_data(), view_.tf_bits[block_], 1, tfs_.data());
    }
    loaded_tfs_ = block_;
}

std::uint32_t PostingsCursor::tf_at(std::uint32_t i) {
    if (loaded_tfs_ == block_) {
        return tfs_[i];
    }
    const std::uint8_t codec = view_.doc_codec[block_];
    if (codec == kCodecRaw) {
        return own_tfs_[std::uint64_t{block_} * kPostingBlock + i];
    }
    if (codec == kCodecTail) {
        load_tfs();
        return tfs_[i];
    }
    return unpack_one(tf_data(), view_.tf_bits[block_], i) + 1;
}

void PostingsCursor::positions_at(std::uint32_t i, std::vector<std::uint32_t>& out) {
    out.clear();
    switch (kind_) {
        case Kind::kPacked: packed_positions(i, out); break;
        case Kind::kShort: short_positions(i, out); break;
        case Kind::kLive: live_positions(i, out); break;
    }
}

/// Occurrences in the current block before its i-th document. Goes on from the last answer:
/// documents are mostly asked for in order.
std::uint32_t PostingsCursor::occurrences_before(std::uint32_t i) {
    if (summed_block_ != block_ || i < summed_docs_) {
        summed_block_ = block_;
        summed_docs_ = 0;
        summed_ = 0;
    }
    while (summed_docs_ < i) {
        summed_ += tfs_[summed_docs_++];
    }
    return summed_;
}

void PostingsCursor::packed_positions(std::uint32_t i, std::vector<std::uint32_t>& out) {
    load_tfs();
    std::uint64_t entry = std::uint64_t{view_.first_pos[block_]} + occurrences_before(i);
    const std::uint64_t end = std::min<std::uint64_t>(entry + tfs_[i], view_.occurrences);
    std::uint32_t position = 0;
    while (entry < end) {
        const std::uint64_t group = entry / kPackCount;
        const std::uint8_t* data = view_.pos_data + view_.pos_offset[group];
        const std::uint32_t bits = view_.pos_bits[group];
        const std::uint64_t group_end = std::min(end, (group + 1) * kPackCount);
        for (; entry < group_end; ++entry) {
            position += unpack_one(data, bits, static_cast<std::uint32_t>(entry % kPackCount));
            out.push_back(position);
        }
    }
}

void PostingsCursor::short_positions(std::uint32_t i, std::vector<std::uint32_t>& out) {
    const std::uint8_t* at = short_pos_;
    std::uint32_t gap = 0;
    for (std::uint32_t j = 0; j < i; ++j) {
        for (std::uint32_t n = tfs_[j]; n != 0; --n) {
            if (!read_varint(at, short_end_, gap)) {
                return;
            }
        }
    }
    std::uint32_t position = 0;
    for (std::uint32_t n = tfs_[i]; n != 0 && read_varint(at, short_end_, gap); --n) {
        position += gap;
        out.push_back(position);
    }
}

void PostingsCursor::live_positions(std::uint32_t i, std::vector<std::uint32_t>& out) {
    ChainReader reader(marks_[block_]);
    DocId doc = 0;
    for (std::uint32_t j = 0; j < i; ++j) {
        reader.skip(reader.next_document(doc));
    }
    std::uint32_t position = 0;
    for (std::uint32_t n = reader.next_document(doc); n != 0; --n) {
        position += reader.get();
        out.push_back(position);
    }
}

void PostingsCursor::prepare_bounds(const std::uint8_t* norms, std::span<const float, 256> weight) {
    if (kind_ == Kind::kPacked) {
        return;
    }
    const DocId* docs = kind_ == Kind::kLive ? own_docs_.data() : docs_.data();
    const std::uint32_t* tfs = kind_ == Kind::kLive ? own_tfs_.data() : tfs_.data();
    own_max_factor_.assign(view_.blocks, 0);
    for (std::uint32_t i = 0; i < view_.df; ++i) {
        // tf / (tf + w) grows with tf / w: compare those, divide once a block.
        auto ratio = static_cast<float>(tfs[i]) / weight[norms[docs[i]]];
        float& best = own_max_factor_[i / kPostingBlock];
        best = std::max(best, ratio);
    }
    for (float& factor : own_max_factor_) {
        factor = factor / (1 + factor) * kRoundingSlack;
        view_.best_factor = std::max(view_.best_factor, factor);
    }
    view_.max_factor = own_max_factor_.data();
}

}  // namespace kumo::search
