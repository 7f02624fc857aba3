#include "search/text/internal/text_encoder.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "search/text/internal/bit_pack.h"
#include "search/text/internal/trie_builder.h"
#include "search/text/norm.h"
#include "search/text/section_file.h"
#include "wire/varint.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <type_traits>

namespace kumo::search {
namespace {

constexpr std::uint64_t kU32Max = std::numeric_limits<std::uint32_t>::max();

template <typename T>
ByteView bytes_of(const std::vector<T>& array) {
    static_assert(std::is_trivially_copyable_v<T>);
    return {reinterpret_cast<const char*>(array.data()), array.size() * sizeof(T)};
}

void append_packed(std::string& out, const std::uint32_t* values, std::uint32_t bits) {
    alignas(16) std::uint8_t packed[packed_bytes(32)];
    pack(values, bits, packed);
    out.append(reinterpret_cast<const char*>(packed), packed_bytes(bits));
}

Error too_large(const char* what) {
    return Error{
        ErrorCode::kLimitExceeded,
        std::string("text field: more ") + what + " than a segment holds"};
}

/// Slots of a power of two, at most three quarters full, holding term + 1.
std::vector<std::uint32_t>
build_hash(std::string_view terms, const std::vector<std::uint32_t>& offsets) {
    auto count = static_cast<std::uint32_t>(offsets.size() - 1);
    std::uint64_t size = std::bit_ceil(std::uint64_t{count} * 4 / 3 + 1);
    std::vector<std::uint32_t> slots(size, 0);
    for (std::uint32_t term = 0; term < count; ++term) {
        std::uint64_t hash =
            term_hash(terms.data() + offsets[term], offsets[term + 1] - offsets[term]);
        std::uint64_t at = hash & (size - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (size - 1);
        }
        slots[at] = term + 1;
    }
    return slots;
}

}  // namespace

TextEncoder::TextEncoder(DocId doc_limit, std::vector<std::uint8_t> norms, double average_length)
    : doc_limit_(doc_limit),
      norms_(std::move(norms)),
      average_length_(average_length),
      weights_(norm_weights(kStoredK1, kStoredB, average_length)) {
    KUMO_ASSERT(norms_.size() == doc_limit);
    doc_count_ =
        norms_.size() - static_cast<std::uint64_t>(std::count(norms_.begin(), norms_.end(), 0));
}

Status TextEncoder::add(std::string_view term, const TermPostings& postings, float max_rank) {
    KUMO_ASSERT(!postings.docs.empty() && postings.docs.size() == postings.tfs.size());
    KUMO_ASSERT(postings.docs.back() < doc_limit_ && term.size() <= kTermBytesMax);
    if (!meta_.empty() && term <= last_term()) {
        return corruption("segment: text field: terms are not in order");
    }
    std::uint64_t ttf = postings.position_gaps.size();
    if (ttf > kU32Max) {
        return too_large("occurrences of one term");
    }
    if (terms_.size() + term.size() > kU32Max || meta_.size() >= kNoTerm - 1) {
        return too_large("terms");
    }
    const auto df = static_cast<std::uint32_t>(postings.docs.size());
    if (df >= kPostingBlock) {
        postings_.resize(align16(postings_.size()), '\0');
    }
    meta_.push_back(TermMeta{postings_.size(), df, static_cast<std::uint32_t>(ttf), max_rank, 0});
    terms_.append(term);
    term_offsets_.push_back(static_cast<std::uint32_t>(terms_.size()));
    token_count_ += ttf;
    if (df < kPostingBlock) {
        encode_short(postings);
        return {};
    }
    encode_long(postings);
    if (data_.size() > kU32Max || pos_data_.size() > kU32Max) {
        return too_large("postings of one term");
    }
    return {};
}

std::string_view TextEncoder::last_term() const {
    return std::string_view(terms_).substr(term_offsets_[term_offsets_.size() - 2]);
}

void TextEncoder::encode_short(const TermPostings& postings) {
    data_.clear();
    encode_tail(postings, 0, 0);
    postings_.append(data_);
    for (std::uint32_t gap : postings.position_gaps) {
        wire::append_varint(postings_, gap);
    }
}

void TextEncoder::encode_long(const TermPostings& postings) {
    for (auto* array : {&last_doc_, &offset_, &first_pos_, &pos_offset_}) {
        array->clear();
    }
    for (auto* bytes : {&doc_codec_, &tf_bits_, &pos_bits_, &data_, &pos_data_}) {
        bytes->clear();
    }
    find_factors(postings);
    const LongLayout layout(
        static_cast<std::uint32_t>(postings.docs.size()),
        static_cast<std::uint32_t>(postings.position_gaps.size())
    );
    DocId floor = 0;
    std::uint32_t occurrences = 0;
    for (std::uint32_t block = 0; block < layout.blocks; ++block) {
        std::uint64_t first = std::uint64_t{block} * kPostingBlock;
        std::uint64_t end = std::min<std::uint64_t>(first + kPostingBlock, postings.docs.size());
        last_doc_.push_back(postings.docs[end - 1]);
        offset_.push_back(static_cast<std::uint32_t>(data_.size()));
        first_pos_.push_back(occurrences);
        for (std::uint64_t i = first; i < end; ++i) {
            occurrences += postings.tfs[i];
        }
        encode_block(postings, block, floor);
        floor = last_doc_.back() + 1;
    }
    encode_positions(postings.position_gaps);
    LongHeader header{0, 0, 0, static_cast<std::uint32_t>(data_.size())};
    header.best_factor = *std::max_element(max_factor_.begin(), max_factor_.end());
    if (postings.docs.size() >= kSeedDocsMin) {
        header.seed100 = seed(kSeedsMost);
        header.seed10 = seed(kSeedsFew);
    }
    put_long(header, layout);
}

void TextEncoder::put_long(LongHeader header, const LongLayout& layout) {
    const std::uint64_t start = postings_.size();
    append_fixed(postings_, header);
    postings_.append(bytes_of(last_doc_));
    postings_.append(bytes_of(offset_));
    postings_.append(bytes_of(max_factor_));
    postings_.append(bytes_of(first_pos_));
    postings_.append(bytes_of(pos_offset_));
    postings_.append(doc_codec_);
    postings_.append(tf_bits_);
    postings_.append(pos_bits_);
    KUMO_ASSERT(align16(postings_.size() - start) == layout.data);
    postings_.resize(start + layout.data, '\0');
    postings_.append(data_);
    postings_.resize(align16(postings_.size()), '\0');
    postings_.append(pos_data_);
}

void TextEncoder::encode_block(const TermPostings& postings, std::uint32_t block, DocId floor) {
    const std::uint32_t first = block * kPostingBlock;
    if (postings.docs.size() - first < kPostingBlock) {
        doc_codec_.push_back(static_cast<char>(kCodecTail));
        tf_bits_.push_back('\0');
        encode_tail(postings, first, floor);
        return;
    }
    const DocId* docs = postings.docs.data() + first;
    std::uint32_t values[kPostingBlock];
    if (docs[kPostingBlock - 1] / 64 - floor / 64 + 1 <= kBitsetWordsMax) {
        doc_codec_.push_back(static_cast<char>(kCodecBitset));
        encode_bitset(docs, floor);
    } else {
        for (std::uint32_t i = 0; i < kPostingBlock; ++i) {
            values[i] = docs[i] - (i == 0 ? floor : docs[i - 1] + 1);
        }
        std::uint32_t bits = bits_needed(values, kPostingBlock);
        doc_codec_.push_back(static_cast<char>(bits));
        append_packed(data_, values, bits);
    }
    for (std::uint32_t i = 0; i < kPostingBlock; ++i) {
        values[i] = postings.tfs[first + i] - 1;
    }
    std::uint32_t bits = bits_needed(values, kPostingBlock);
    tf_bits_.push_back(static_cast<char>(bits));
    append_packed(data_, values, bits);
}

void TextEncoder::encode_bitset(const DocId* docs, DocId floor) {
    std::uint64_t words[kBitsetWordsMax] = {};
    const DocId base = floor & ~63U;
    for (std::uint32_t i = 0; i < kPostingBlock; ++i) {
        DocId at = docs[i] - base;
        words[at / 64] |= std::uint64_t{1} << (at % 64);
    }
    const DocId used = (docs[kPostingBlock - 1] - base) / 64 + 1;
    data_.append(reinterpret_cast<const char*>(words), std::size_t{used} * 8);
}

void TextEncoder::encode_tail(const TermPostings& postings, std::uint32_t first, DocId floor) {
    DocId next = floor;
    for (std::uint64_t i = first; i < postings.docs.size(); ++i) {
        std::uint32_t tf = postings.tfs[i];
        wire::append_varint(data_, ((postings.docs[i] - next) << 1U) | (tf == 1 ? 1U : 0U));
        if (tf != 1) {
            wire::append_varint(data_, tf);
        }
        next = postings.docs[i] + 1;
    }
}

void TextEncoder::encode_positions(const std::vector<std::uint32_t>& gaps) {
    for (std::uint64_t first = 0; first < gaps.size(); first += kPackCount) {
        std::uint32_t values[kPackCount] = {};
        std::uint64_t count = std::min<std::uint64_t>(kPackCount, gaps.size() - first);
        std::memcpy(values, gaps.data() + first, count * sizeof(values[0]));
        std::uint32_t bits = bits_needed(values, kPackCount);
        pos_offset_.push_back(static_cast<std::uint32_t>(pos_data_.size()));
        pos_bits_.push_back(static_cast<char>(bits));
        append_packed(pos_data_, values, bits);
    }
}

void TextEncoder::find_factors(const TermPostings& postings) {
    factors_.clear();
    factor_needed_ = 0;
    max_factor_.assign((postings.docs.size() + kPostingBlock - 1) / kPostingBlock, 0);
    for (std::uint64_t i = 0; i < postings.docs.size(); ++i) {
        auto tf = static_cast<float>(postings.tfs[i]);
        float factor = tf / (tf + weights_[norms_[postings.docs[i]]]);
        if (factor > factor_needed_) {
            note_factor(factor);
        }
        float& best = max_factor_[i / kPostingBlock];
        best = std::max(best, factor);
    }
}

/// Keeps the best factors of the current term, and forgets the others now and then.
void TextEncoder::note_factor(float factor) {
    factors_.push_back(factor);
    if (factors_.size() == std::size_t{kSeedsMost} * 4) {
        factor_needed_ = seed(kSeedsMost);
        factors_.resize(kSeedsMost);
    }
}

/// The k-th best factor of the current term. Puts the best k first.
float TextEncoder::seed(std::uint32_t k) {
    std::nth_element(
        factors_.begin(),
        factors_.begin() + (k - 1),
        factors_.end(),
        std::greater<>()
    );
    return factors_[k - 1];
}

Status TextEncoder::finish(SectionFileBuilder& builder, std::string_view prefix) {
    const auto term_count = static_cast<std::uint32_t>(meta_.size());
    meta_.push_back(TermMeta{postings_.size(), 0, 0, 0, 0});
    TrieArrays trie = build_trie(terms_, term_offsets_);
    if (trie.term.size() > kU32Max) {
        return too_large("terms");
    }
    TextInfo info{
        kTextVersion,
        doc_limit_,
        doc_count_,
        token_count_,
        average_length_,
        term_count,
        static_cast<std::uint32_t>(trie.term.size())};
    const std::string head(prefix);
    builder.add(head + "info", {reinterpret_cast<const char*>(&info), sizeof(info)});
    builder.add(head + "norms", bytes_of(norms_));
    builder.add(head + "terms", terms_);
    builder.add(head + "term_offsets", bytes_of(term_offsets_));
    builder.add(head + "term_meta", bytes_of(meta_));
    builder.add(head + "hash", bytes_of(build_hash(terms_, term_offsets_)));
    builder.add(head + "trie_child", bytes_of(trie.child));
    builder.add(head + "trie_term", bytes_of(trie.term));
    builder.add(head + "trie_label", trie.label);
    builder.add(head + "postings", postings_);
    return {};
}

}  // namespace kumo::search
