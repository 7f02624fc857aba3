#pragma once

#include "search/index/index.h"
#include "search/query/query_forms.h"
#include "search/query/request.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kumo::search {

/// A word of the index that a query word may stand for.
struct Candidate {
    std::string term;
    std::uint32_t cost = 0;    ///< Edits.
    bool prefix_only = false;  ///< Only a beginning of `term` is `cost` edits away.
    /// The query word itself, as each form of the query's fields writes it, if they differ.
    std::vector<std::string> forms{};

    const std::string& in(std::size_t form) const { return forms.empty() ? term : forms[form]; }
};

/// Finds, per query word and exact cost, the words of the index that it may stand for: over all
/// query fields and segments, best first (the word itself, then by the highest default sorting
/// value or, without one, by document frequency), and keeps what it found for the same search.
/// One search's, one thread.
class CandidateFinder {
public:
    CandidateFinder(
        const Snapshot& snapshot,
        const SearchRequest& request,
        const QueryForms& forms
    );

    /// The words at exactly `cost` edits from `word`, at most `max`; with `prefix`, words that
    /// start that way too.
    const std::vector<Candidate>& find(const std::string& word, std::uint32_t cost, bool prefix);

    /// Whether the word itself is in the index.
    bool contains(const std::string& word) const;

    /// The most edits that `word` may be off: 0, 1 or 2 by its length and the request.
    std::uint32_t edits_allowed(std::string_view word) const;

    std::size_t candidates_max() const { return candidates_max_; }

    /// How many candidates are collected before the best ones are chosen.
    static constexpr std::size_t kCollectedMax = 200'000;

private:
    struct Found {
        std::uint64_t df = 0;
        float rank = 0;
        bool prefix_only = false;
    };

    using FoundTerms = std::map<std::string, Found, std::less<>>;

    void collect_prefixed(const TextReader& text, std::string_view prefix, FoundTerms& out) const;
    void add_up(FoundTerms& found) const;
    void collect(
        const TextReader& text,
        std::string_view word,
        std::uint32_t cost,
        bool prefix,
        FoundTerms& out
    ) const;
    std::vector<Candidate>
    best(const FoundTerms& found, const std::string& word, std::uint32_t cost) const;

    const Snapshot& snapshot_;
    const SearchRequest& request_;
    const QueryForms& forms_;
    std::size_t candidates_max_;
    std::size_t kept_max_;  ///< More than are used: co-occurrence thins out the last word's.
    bool ranked_;           ///< By max rank, not by document frequency.
    std::map<std::pair<std::string, std::uint32_t>, std::vector<Candidate>> cache_;
};

}  // namespace kumo::search
