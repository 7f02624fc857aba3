#pragma once

#include "search/column/bitmap.h"
#include "search/text/doc.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kumo::search::tree {

/// The documents of one segment that match, ascending, and how well. Plain value.
struct Matches {
    std::vector<DocId> docs;
    std::vector<float> scores;  ///< One for each document, or none at all: each has `score`.
    float score = 0;

    std::size_t size() const { return docs.size(); }

    float score_at(std::size_t i) const { return scores.empty() ? score : scores[i]; }

    void add(DocId doc, float value) {
        docs.push_back(doc);
        scores.push_back(value);
    }
};

/// All of one evaluation: one entry a segment, in the snapshot's order.
using AllMatches = std::vector<Matches>;

/// What has a bit, with one score for all.
Matches matches_of(const Bitmap& bits, float score);

/// Sets the bits of the documents.
void set_bits(const Matches& matches, Bitmap& out);

/// Those of `left` that are in `right`, with left's scores.
Matches keep(Matches left, const Matches& right);

/// Those of `left` that are not in `right`, with left's scores.
Matches drop(Matches left, const Matches& right);

/// Adds up the matches of several clauses over the documents of one segment: by a list while they
/// are few, by an array of all documents from then on. One owner.
class ClauseSum {
public:
    explicit ClauseSum(DocId doc_count) : doc_count_(doc_count) {}

    /// The clauses' order is the order in which scores are added.
    void add(const Matches& clause);

    /// Documents in at least `clauses_min` clauses (1 or more), with the sum of their scores.
    Matches sum(std::uint32_t clauses_min);

    /// Documents in any clause, with the best score and `tie_breaker` times the others.
    Matches best(float tie_breaker);

private:
    struct Entry {
        double sum = 0;
        float best = 0;
        std::uint32_t clauses = 0;
    };

    struct Listed {
        DocId doc;
        float score;
    };

    /// More of the documents than one in so many: an array is smaller than a list.
    static constexpr std::size_t kListedPart = 8;

    static void count(float score, Entry& entry);
    void spread();
    template <typename Visit>
    void for_each(Visit visit);

    DocId doc_count_;
    std::vector<Listed> list_;
    std::vector<Entry> dense_;
};

}  // namespace kumo::search::tree
