#pragma once

#include "search/column/bitmap.h"
#include "search/index/index.h"
#include "search/query/candidates.h"
#include "search/query/combination.h"
#include "search/query/deadline.h"
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

/// A word of the index that hits were found by, for highlighting.
struct FoundWord {
    std::size_t prefix_points = 0;  ///< Only this many leading code points matched; 0: all of it.
};

/// Finds the documents that a query's words match, by the contract's enumeration: for each vector
/// of typo costs in odometer order, for each combination of candidate words, the documents that
/// have all of them; until there are enough. Then, only if still short, joined and split words;
/// the query in synonyms; and, if still short, fewer words. One search's, one thread.
///
/// Source: the behaviour described in the kumosearch contract, section 2.
class Matcher {
public:
    /// Cost vectors tried for one set of words, and word combinations tried for one cost vector.
    static constexpr std::size_t kVectorsMax = 10;
    static constexpr std::size_t kCombinationsMax = 10;
    static constexpr std::size_t kExhaustiveMax = 10'000;
    static constexpr std::size_t kDropTokensMax = 20;

    /// `parts` has one entry a segment of the snapshot, with `allowed` set.
    Matcher(
        const Snapshot& snapshot,
        const SearchRequest& request,
        const QueryForms& forms,
        std::vector<PartMatches>& parts,
        Deadline& deadline
    );

    void run(const QueryText& query);

    const std::map<std::string, FoundWord, std::less<>>& found_words() const {
        return found_words_;
    }

private:
    using Words = std::vector<std::string>;

    struct Attempt {
        Words words;
        Words dropped;
        bool last_is_prefix = true;
        bool synonym = false;  ///< Not the query's own words; those have no typos.
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
    void try_fewer(const Words& words, bool synonym);
    void drop_from(const Words& words, bool right, bool synonym);
    void note_words(const Attempt& attempt, const std::vector<const Candidate*>& words);
    void finish();

    const Snapshot& snapshot_;
    const SearchRequest& request_;
    const QueryForms& forms_;
    std::vector<PartMatches>& parts_;
    Deadline& deadline_;
    CandidateFinder candidates_;
    std::deque<CombinationRunner> runners_;
    std::map<std::string, FoundWord, std::less<>> found_words_;
    std::size_t query_words_ = 0;
    std::uint64_t found_ = 0;
};

}  // namespace kumo::search
