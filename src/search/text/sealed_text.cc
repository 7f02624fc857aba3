#include "search/text/sealed_text.h"

#include "base/assert.h"
#include "search/text/internal/fuzzy_walk.h"
#include "search/text/internal/postings_opener.h"
#include "search/text/internal/sealed_parts.h"
#include "search/text/section_file.h"

#include <algorithm>

namespace kumo::search {
namespace {

TermInfo info_of(const SealedParts& parts, std::uint32_t term) {
    const TermMeta& meta = parts.meta[term];
    return {meta.df, meta.ttf, meta.max_rank};
}

/// The first term >= bound.
std::uint32_t lower_bound(const SealedParts& parts, std::string_view bound) {
    std::uint32_t low = 0;
    std::uint32_t high = parts.info.term_count;
    while (low < high) {
        std::uint32_t middle = low + (high - low) / 2;
        if (parts.text(middle) < bound) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

class SealedEnum final : public TermEnum {
public:
    explicit SealedEnum(const SealedParts& parts) : parts_(parts) {}

    bool seek(std::string_view bound) override {
        at_ = lower_bound(parts_, bound);
        return at_ < parts_.info.term_count;
    }

    bool next() override { return ++at_ < parts_.info.term_count; }

    std::string_view term() const override { return parts_.text(at_); }

    TermHandle handle() const override { return {at_}; }

    TermInfo info() const override { return info_of(parts_, at_); }

private:
    const SealedParts& parts_;
    std::uint32_t at_ = 0;
};

/// The static trie as FuzzyWalk wants it.
class SealedTrie {
public:
    using Node = std::uint32_t;
    static constexpr std::uint32_t kNoTerm = search::kNoTerm;

    SealedTrie(const SealedParts& parts, const FuzzyCallback& found)
        : parts_(parts), found_(found) {}

    Node root() const { return 0; }

    bool is_leaf(Node node) const { return parts_.trie_child[node] == parts_.trie_child[node + 1]; }

    std::uint32_t term(Node node) const { return parts_.trie_term[node]; }

    std::string_view text(std::uint32_t term) const { return parts_.text(term); }

    template <typename Visit>
    bool for_children(Node node, Visit visit) const {
        const std::uint32_t end = parts_.trie_child[node + 1];
        for (std::uint32_t child = parts_.trie_child[node]; child < end; ++child) {
            if (!visit(child, parts_.trie_label[child])) {
                return false;
            }
        }
        return true;
    }

    /// A subtree's terms are consecutive: from its leftmost to its rightmost one.
    template <typename Visit>
    bool for_subtree(Node node, Visit visit) const {
        Node first = node;
        while (term(first) == kNoTerm) {
            first = parts_.trie_child[first];
        }
        Node last = node;
        while (!is_leaf(last)) {
            last = parts_.trie_child[last + 1] - 1;
        }
        for (std::uint32_t t = term(first); t <= term(last); ++t) {
            if (!visit(t)) {
                return false;
            }
        }
        return true;
    }

    bool report(std::uint32_t term, std::uint32_t cost, bool prefix_only) const {
        return found_({parts_.text(term), {term}, info_of(parts_, term), cost, prefix_only});
    }

private:
    const SealedParts& parts_;
    const FuzzyCallback& found_;
};

}  // namespace

SealedText::SealedText(std::unique_ptr<const SealedParts> parts) : parts_(std::move(parts)) {}

SealedText::SealedText(SealedText&&) noexcept = default;
SealedText& SealedText::operator=(SealedText&&) noexcept = default;
SealedText::~SealedText() = default;

Result<SealedText> SealedText::open(const SectionFile& file, std::string_view prefix) {
    KUMO_TRY_ASSIGN(SealedParts parts, SealedParts::open(file, prefix));
    return SealedText(std::make_unique<const SealedParts>(parts));
}

DocId SealedText::doc_limit() const {
    return parts_->info.doc_limit;
}

std::uint64_t SealedText::doc_count() const {
    return parts_->info.doc_count;
}

std::uint64_t SealedText::token_count() const {
    return parts_->info.token_count;
}

double SealedText::bound_length() const {
    return parts_->info.bound_length;
}

const std::uint8_t* SealedText::norms() const {
    return parts_->norms;
}

std::uint32_t SealedText::term_count() const {
    return parts_->info.term_count;
}

std::optional<TermHandle> SealedText::find(std::string_view term) const {
    const std::uint64_t hash = term_hash(term.data(), term.size());
    // Bounded: a damaged table may have no free slot.
    for (std::uint64_t i = 0; i <= parts_->hash_mask; ++i) {
        const std::uint32_t slot = parts_->hash[(hash + i) & parts_->hash_mask];
        if (slot == 0 || slot > parts_->info.term_count) {
            return std::nullopt;
        }
        if (parts_->text(slot - 1) == term) {
            return TermHandle{slot - 1};
        }
    }
    return std::nullopt;
}

TermInfo SealedText::info(TermHandle term) const {
    KUMO_ASSERT(term.value < parts_->info.term_count);
    return info_of(*parts_, term.value);
}

std::string_view SealedText::text(TermHandle term) const {
    KUMO_ASSERT(term.value < parts_->info.term_count);
    return parts_->text(term.value);
}

float SealedText::seed_factor(TermHandle term, std::uint32_t k) const {
    KUMO_ASSERT(term.value < parts_->info.term_count);
    if (parts_->meta[term.value].df < kSeedDocsMin || k > 100) {
        return 0;
    }
    const LongHeader& header = parts_->long_header(term.value);
    return k <= 10 ? header.seed10 : header.seed100;
}

void SealedText::open(TermHandle term, PostingsCursor& cursor) const {
    KUMO_ASSERT(term.value < parts_->info.term_count);
    const TermMeta& meta = parts_->meta[term.value];
    if (meta.df >= kPostingBlock) {
        PostingsOpener::open_packed(cursor, parts_->long_view(term.value));
        return;
    }
    const std::uint64_t bytes = parts_->meta[term.value + 1].offset - meta.offset;
    PostingsOpener::open_short(
        cursor,
        {parts_->postings + meta.offset, bytes},
        meta.df,
        meta.ttf,
        doc_limit()
    );
}

std::unique_ptr<TermEnum> SealedText::terms() const {
    return std::make_unique<SealedEnum>(*parts_);
}

WalkEnd SealedText::fuzzy(
    std::string_view query,
    const FuzzyOptions& options,
    const FuzzyCallback& found
) const {
    std::vector<std::uint32_t> points = code_points(query);
    if (points.size() > kFuzzyLengthMax) {
        return find_uncorrected(*this, query, options, found);
    }
    SealedTrie trie(*parts_, found);
    return fuzzy_walk(trie, points, options);
}

}  // namespace kumo::search
