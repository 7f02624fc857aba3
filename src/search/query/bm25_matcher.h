#pragma once

#include "search/index/index.h"
#include "search/query/candidates.h"
#include "search/query/deadline.h"
#include "search/query/found_words.h"
#include "search/query/matcher.h"
#include "search/query/query_forms.h"
#include "search/query/query_text.h"
#include "search/query/request.h"
#include "search/text/postings_cursor.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kumo::search {

/// Scores documents that have any of a query's words by BM25 (k1 1.2, b 0.75). The query's fields
/// count as one text, in which each stands as often as its relative weight says (BM25F's simple
/// form: frequencies and lengths are added up, not scores): a word's second field adds less than
/// another word, and one field is plain BM25.
///
/// A word that the index does not have stands for the nearest that it has, each of which counts
/// half for each edit; the last word, if it is the beginning of others, for those. Words that stand
/// together in a script without spaces count in neighbouring pairs; of other words that stand side
/// by side in query and document, the pair counts a tenth. Of a query and its synonyms, a document
/// has the best.
///
/// A match's score is its BM25 in millionths. One search's, one thread.
class Bm25Matcher {
public:
    explicit Bm25Matcher(const MatchInputs& in);

    void run(const QueryText& query);

    FoundWords take_found() { return std::move(found_); }

    static constexpr double kScoreUnit = 1e6;

private:
    using Words = std::vector<std::string>;

    /// One thing that counts: a word as each form writes it, or a pair that stands together.
    struct Term {
        std::vector<Words> forms;  ///< Per form, one or two words.
        double weight = 1;
        bool neighbours = false;  ///< A pair that need not be there, but is better if it is.
    };

    void score_words(const Words& words, const std::vector<bool>& joined, bool last_is_prefix);
    std::vector<Term> terms_of(const Words& words, const std::vector<bool>& joined, bool prefix);
    void add_near(const std::string& word, bool prefix, std::vector<Term>& out);
    Term term_of(const Candidate& word, double weight) const;
    void note(const Term& term, std::size_t prefix_points);
    void gather(std::size_t part, const Term& term);
    void gather_field(std::size_t part, std::size_t query_field, const Term& term);
    void count_pairs(PostingsCursor& left, PostingsCursor& right, float weight);
    void add_tf(DocId doc, float tf);
    Term pair_of(const std::string& left, const std::string& right) const;
    bool has_common_word(const Term& pair) const;
    std::uint64_t doc_frequency(const Term& term);
    std::uint64_t word_frequency(const Term& term, std::size_t word) const;
    void add_scores(std::size_t part, const Term& term);
    void forget();
    float length(std::size_t part, DocId doc);
    void collect(std::size_t part);

    const MatchInputs in_;
    CandidateFinder candidates_;
    FoundWords found_;
    std::vector<float> field_weights_;
    double average_length_ = 1;
    std::uint64_t doc_count_ = 0;

    // Of the part that is being scored, per document.
    std::vector<float> scores_;
    std::vector<std::uint8_t> words_;  ///< Words that it has.
    std::vector<float> lengths_;       ///< Weighted; negative: not known yet.

    // Of one term in one part.
    std::vector<float> tf_;
    std::vector<DocId> touched_;
    PostingsCursor left_;
    PostingsCursor right_;
    std::vector<std::uint32_t> left_at_;
    std::vector<std::uint32_t> right_at_;
};

}  // namespace kumo::search
