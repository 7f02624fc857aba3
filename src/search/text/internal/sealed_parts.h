#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/text/internal/sealed_format.h"
#include "search/text/postings_cursor.h"

#include <cstdint>
#include <string_view>

namespace kumo::search {

class SectionFile;

/// The sections of a sealed field as typed arrays. Immutable; points into the file.
struct SealedParts {
    TextInfo info{};
    const std::uint8_t* norms = nullptr;
    const char* terms = nullptr;
    const std::uint32_t* term_offsets = nullptr;
    const TermMeta* meta = nullptr;
    const std::uint32_t* hash = nullptr;
    std::uint64_t hash_mask = 0;
    const std::uint32_t* trie_child = nullptr;
    const std::uint32_t* trie_term = nullptr;
    const std::uint8_t* trie_label = nullptr;
    const std::uint8_t* postings = nullptr;

    /// Finds the sections and checks all that reads rely on.
    static Result<SealedParts> open(const SectionFile& file, std::string_view prefix);

    std::string_view text(std::uint32_t term) const {
        return {terms + term_offsets[term], term_offsets[term + 1] - term_offsets[term]};
    }

    /// Both require df >= kPostingBlock.
    const LongHeader& long_header(std::uint32_t term) const {
        return *reinterpret_cast<const LongHeader*>(postings + meta[term].offset);
    }

    PostingsView long_view(std::uint32_t term) const;

private:
    Status check_info() const;
    Status check_terms(std::uint64_t terms_bytes, std::uint64_t postings_bytes) const;
    Status check_trie() const;
    bool long_term_is_sound(std::uint32_t term) const;
};

}  // namespace kumo::search
