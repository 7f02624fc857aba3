#pragma once

#include "search/query/request.h"

#include <cstdint>
#include <span>
#include <vector>

namespace kumo::search {

/// The text-match score: how well one field of one document answers a query, most significant
/// part first, each in a byte of a 48-bit number: words inside the best window of kWindowPositions
/// positions; distinct words in the field; 255 - cost (2 an edit, 1 a word only reached by its
/// beginning); 100 - spread of that window; then, in 4, 8 and 4 bits, the field is exactly the
/// query, earliness, and that it was not found by a demoted synonym.

inline constexpr std::uint32_t kWindowPositions = 10;

/// Where one query word occurs in a field, ascending.
struct WordPositions {
    std::vector<std::uint32_t> positions;
};

struct Window {
    std::uint32_t words = 0;   ///< Distinct query words inside.
    std::uint32_t spread = 0;  ///< Last first-occurrence minus the window's start.
    std::uint32_t start = 0;   ///< Position of its first word.
};

/// The window with most words, of those the one with the least spread, of those the first.
/// Words without positions are not in the field. Scratch is `order`.
Window best_window(
    std::span<const WordPositions> words,
    std::vector<std::pair<std::uint32_t, std::uint32_t>>& order
);

struct FieldMatch {
    Window window;
    std::uint32_t distinct_words = 0;
    std::uint32_t cost = 0;
    bool exact = false;
    bool use_position = false;  ///< prioritize_token_position
    std::uint32_t last_position = 0;
    bool demoted = false;  ///< Found by a synonym that is to rank behind the query's own words.
};

std::uint64_t field_score(const FieldMatch& match);

/// The parts that a document's 64-bit score is put together from.
struct DocumentMatch {
    std::uint32_t tokens_matched = 0;
    std::uint64_t best_field_score = 0;
    std::uint32_t best_field_weight = 0;
    std::uint64_t weighted_sum = 0;
    std::uint32_t fields_matched = 0;
};

/// Tokens matched (4 bits), best field score (48), its weight (8), fields matched (3).
std::uint64_t max_score(const DocumentMatch& match);

/// The same with weight before score.
std::uint64_t max_weight(const DocumentMatch& match);

/// Tokens matched, then the sum of weight x field score over the fields.
std::uint64_t sum_score(const DocumentMatch& match);

/// The one that the type names. 0 for kBm25, which is no score of words' places.
std::uint64_t document_score(TextMatchType type, const DocumentMatch& match);

}  // namespace kumo::search
