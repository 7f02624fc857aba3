#pragma once

#include "base/result.h"
#include "search/text/doc.h"
#include "search/text/internal/sealed_format.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

class SectionFileBuilder;

/// One term's postings, decoded. Position gaps lie behind each other, a document's first one
/// counted from 0.
struct TermPostings {
    std::vector<DocId> docs;
    std::vector<std::uint32_t> tfs;
    std::vector<std::uint32_t> position_gaps;

    void clear() {
        docs.clear();
        tfs.clear();
        position_gaps.clear();
    }
};

/// Writes the sections of a sealed text field, term by term. One owner.
class TextEncoder {
public:
    /// `norms` has doc_limit entries. Score bounds are stored for `average_length`, best the
    /// field's own; any other is only less tight.
    TextEncoder(DocId doc_limit, std::vector<std::uint8_t> norms, double average_length);

    /// Postings come in ascending document order, never empty, terms in ascending byte order:
    /// kCorruption if they do not, because a merge's inputs may be damaged.
    Status add(std::string_view term, const TermPostings& postings, float max_rank);

    /// Adds the sections, named `prefix` + part. The encoder is spent afterwards.
    Status finish(SectionFileBuilder& builder, std::string_view prefix);

private:
    std::string_view last_term() const;
    void encode_short(const TermPostings& postings);
    void encode_long(const TermPostings& postings);
    void encode_block(const TermPostings& postings, std::uint32_t block, DocId floor);
    void encode_bitset(const DocId* docs, DocId floor);
    void encode_tail(const TermPostings& postings, std::uint32_t first, DocId floor);
    void encode_positions(const std::vector<std::uint32_t>& gaps);
    void find_factors(const TermPostings& postings);
    float seed(std::uint32_t k);
    void note_factor(float factor);
    void put_long(LongHeader header, const LongLayout& layout);

    DocId doc_limit_;
    std::vector<std::uint8_t> norms_;
    std::uint64_t doc_count_ = 0;
    std::uint64_t token_count_ = 0;
    double average_length_;
    std::array<float, 256> weights_;
    std::string terms_;
    std::vector<std::uint32_t> term_offsets_{0};
    std::vector<TermMeta> meta_;
    std::string postings_;

    // The long term being encoded.
    std::vector<DocId> last_doc_;
    std::vector<std::uint32_t> offset_;
    std::vector<float> max_factor_;
    std::vector<std::uint32_t> first_pos_;
    std::vector<std::uint32_t> pos_offset_;
    std::string doc_codec_;
    std::string tf_bits_;
    std::string pos_bits_;
    std::string data_;
    std::string pos_data_;
    std::vector<float> factors_;  // the best, at least kSeedsMost of them if there are so many
    float factor_needed_ = 0;     // not more than this is not among them
};

}  // namespace kumo::search
