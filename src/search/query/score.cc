#include "search/query/score.h"

#include <algorithm>

namespace kumo::search {

namespace {

constexpr std::uint32_t kTokensShift = 59;

std::uint64_t tokens_part(const DocumentMatch& match) {
    return std::uint64_t{std::min(match.tokens_matched, 15U)} << kTokensShift;
}

std::uint64_t fields_part(const DocumentMatch& match) {
    return std::min(match.fields_matched, 7U);
}

}  // namespace

Window best_window(
    std::span<const WordPositions> words,
    std::vector<std::pair<std::uint32_t, std::uint32_t>>& order
) {
    order.clear();
    for (std::uint32_t word = 0; word < words.size(); ++word) {
        for (const std::uint32_t position : words[word].positions) {
            order.emplace_back(position, word);
        }
    }
    std::sort(order.begin(), order.end());
    Window best;
    for (std::size_t i = 0; i < order.size(); ++i) {
        std::uint64_t seen = 0;
        Window window{0, 0, order[i].first};
        for (std::size_t j = i; j < order.size(); ++j) {
            if (order[j].first - window.start >= kWindowPositions) {
                break;
            }
            const std::uint64_t bit = std::uint64_t{1} << (order[j].second % 64);
            if ((seen & bit) == 0) {
                seen |= bit;
                ++window.words;
                window.spread = order[j].first - window.start;
            }
        }
        if (window.words > best.words
            || (window.words == best.words && window.spread < best.spread)) {
            best = window;
        }
        if (best.words == words.size() && best.spread + 1 == best.words) {
            break;
        }
    }
    return best;
}

std::uint64_t field_score(const FieldMatch& match) {
    const std::uint64_t words = std::min(match.window.words, 255U);
    const std::uint64_t distinct = std::min(match.distinct_words, 255U);
    const std::uint64_t cost = 255U - std::min(match.cost, 255U);
    const std::uint64_t proximity = 100U - std::min(match.window.spread, 100U);
    const std::uint64_t exact = match.exact ? 1 : 0;
    const std::uint64_t earliness =
        match.use_position ? 255U - std::min(match.last_position, 255U) : 0;
    const std::uint64_t own = match.demoted ? 0 : 1;
    return words << 40U | distinct << 32U | cost << 24U | proximity << 16U | exact << 12U
           | earliness << 4U | own;
}

std::uint64_t max_score(const DocumentMatch& match) {
    return tokens_part(match) | match.best_field_score << 11U
           | std::uint64_t{match.best_field_weight} << 3U | fields_part(match);
}

std::uint64_t max_weight(const DocumentMatch& match) {
    return tokens_part(match) | std::uint64_t{match.best_field_weight} << 51U
           | match.best_field_score << 3U | fields_part(match);
}

std::uint64_t sum_score(const DocumentMatch& match) {
    constexpr std::uint64_t kSumMax = (std::uint64_t{1} << kTokensShift) - 1;
    return tokens_part(match) | std::min(match.weighted_sum, kSumMax);
}

std::uint64_t document_score(TextMatchType type, const DocumentMatch& match) {
    switch (type) {
        case TextMatchType::kMaxScore: return max_score(match);
        case TextMatchType::kMaxWeight: return max_weight(match);
        case TextMatchType::kSumScore: return sum_score(match);
        case TextMatchType::kBm25: return 0;
    }
    return 0;
}

}  // namespace kumo::search
