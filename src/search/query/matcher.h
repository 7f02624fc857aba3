#pragma once

#include "search/column/bitmap.h"
#include "search/index/index.h"
#include "search/query/candidates.h"
#include "search/query/combination.h"
#include "search/query/deadline.h"
#include "search/query/found_words.h"
#include "search/query/query_text.h"
#include "search/query/request.h"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace kumo::search {

/// What matched in one segment.
struct PartMatches {
    Bitmap allowed;  ///< Candidates before the query's words: filter, not deleted.
    Bitmap matched;
    std::vector<Match> matches;  ///< After Matcher::run(): by document, each once, best score.
};

/// Of one search: where words are looked for, and what for. Refers to all of it.
struct MatchInputs {
    const Snapshot& snapshot;
    const SearchRequest& request;
    const QueryForms& forms;
    std::vector<PartMatches>& parts;  ///< One a segment of the snapshot, with `allowed` set.
    Deadline& deadline;
};

/// Finds the documents that a query's words match, by the contract's enumeration: for each vector
/// of typo costs in odometer order, for each combination of candidate words, the documents that
/// have all of them; until there are enough. Then, only if still short, joined and split words;
/// the query in synonyms; and, if still short, fewer words. Words of scripts without spaces have to
/// stand together as they do in the query, unless too few do. One search's, one thread.
///
/// Source: the behaviour described in the kumosearch contract, section 2.
class Matcher {
public:
    /// Cost vectors tried for one set of words, and word combinations tried for one cost vector.
    static constexpr std::size_t kVectorsMax = 10;
    static constexpr std::size_t kCombinationsMax = 10;
    static constexpr std::size_t kExhaustiveMax = 10'000;
    static constexpr std::size_t kDropTokensMax = 20;

    explicit Matcher(const MatchInputs& in);

    void run(const QueryText& query);

    FoundWords take_found() { return std::move(found_); }

private:
    using Words = std::vector<std::string>;

    struct Attempt {
        Words words;
        Words dropped;
        bool last_is_prefix = true;
        bool synonym = false;  ///< Not the query's own words; those have no typos.
        /// Of `words`: which are to stand right behind the one before. Empty: none.
        std::vector<bool> joined{};
    };

    void try_words(const Attempt& attempt);
    bool
    try_costs(const Attempt& attempt, const std::vector<std::uint32_t>& costs, std::size_t& empty);
    void
    try_combinations(const Attempt& attempt, std::vector<std::vector<const Candidate*>> choices);
    void run_combination(const Attempt& attempt, std::vector<const Candidate*> words);
    std::vector<const Candidate*>
    co_occurring(const Candidate& previous, const std::vector<Candidate>& last);
    std::vector<Bitmap> docs_with(const Candidate& word) const;
    void try_split_and_join(const Words& words);
    std::vector<Words> synonyms_of(const Words& words) const;
    void try_fewer(const Attempt& whole);
    void drop_from(const Attempt& whole, bool right);
    void note_words(const Attempt& attempt, const std::vector<const Candidate*>& words);
    void finish();

    const MatchInputs in_;
    CandidateFinder candidates_;
    std::deque<CombinationRunner> runners_;
    FoundWords found_;
    std::size_t query_words_ = 0;
    std::uint64_t found_docs_ = 0;
};

}  // namespace kumo::search
