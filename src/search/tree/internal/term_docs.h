#pragma once

#include "search/tree/evaluation.h"
#include "search/tree/internal/bm25.h"
#include "search/tree/tree.h"

#include <string_view>
#include <vector>

namespace kumo::search::tree {

/// The documents of one segment that have a term, or any of several, and how often.
struct TermDocs {
    std::vector<DocId> docs;
    std::vector<float> frequencies;  ///< None at all: once.

    float frequency(std::size_t i) const { return frequencies.empty() ? 1 : frequencies[i]; }
};

/// Those of a term, in every segment. Frequencies if `frequencies`, of a field of text.
std::vector<TermDocs> find_term_docs(
    const Evaluation& evaluation,
    std::size_t field,
    std::string_view text,
    bool frequencies
);

std::uint64_t count_docs(const std::vector<TermDocs>& parts);

/// Both, with frequencies added up.
TermDocs unite(const TermDocs& a, const TermDocs& b);

/// The norms of a field in a segment, or null if every document counts as one token long.
const std::uint8_t*
norms_of(const Evaluation& evaluation, std::size_t part, std::size_t field, TermScoring scoring);

/// Scores the documents of each segment.
AllMatches score_docs(
    const Evaluation& evaluation,
    std::size_t field,
    std::vector<TermDocs> parts,
    const TermWeight& weight,
    TermScoring scoring
);

/// Without scores.
AllMatches only_docs(std::vector<TermDocs> parts, float score);

}  // namespace kumo::search::tree
