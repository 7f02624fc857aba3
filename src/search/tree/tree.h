#pragma once

#include "search/geo/geo_point.h"
#include "search/geo/geo_region.h"
#include "search/tree/evaluation.h"
#include "search/tree/pattern.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The nodes of a query (evaluation.h runs it). Functions of this header make nodes; all are
/// stateless, any thread. A field is its position in the schema of the index that the node is for;
/// a field of text is looked for in its text index, one of exact strings, numbers, points or
/// vectors in its column.
///
/// Scores are Lucene's: BM25 (k1 1.2, b 0.75) with the factor k1 + 1 for terms and phrases, 1 for
/// what only matches or not, times the boosts on the way down.
namespace kumo::search::tree {

NodePtr match_all();
NodePtr match_none();

/// Scores of `child` times `boost`.
NodePtr boosted(NodePtr child, float boost);

/// 1 for what `child` matches.
NodePtr constant(NodePtr child);

// ---- terms

/// How a term is scored.
struct TermScoring {
    bool norms = true;        ///< False: every document counts as one token long.
    bool frequencies = true;  ///< False: a term is in a document once or not at all.
    bool bm25 = true;         ///< False: 1.
};

NodePtr term(std::size_t field, std::string text, TermScoring scoring = {});

/// One term that is written in several ways: frequencies are added, the rarest counts no more than
/// the most frequent.
NodePtr synonyms(std::size_t field, std::vector<std::string> texts, TermScoring scoring = {});

/// Any of the terms; 1.
NodePtr terms(std::size_t field, std::vector<std::string> texts);

/// Any term that looks so; 1.
NodePtr pattern(std::size_t field, PatternPtr pattern);

/// Bounds are strings, null for none.
struct TermRange {
    std::optional<std::string> low;
    std::optional<std::string> high;
    bool low_included = true;
    bool high_included = true;
};

/// Any term in the range, in the order of bytes; 1.
NodePtr term_range(std::size_t field, TermRange range);

struct FuzzyTerm {
    std::string text;
    std::uint32_t edits = 2;
    std::uint32_t prefix_points = 0;  ///< Code points that have to be the same.
    std::uint32_t expansions_max = 50;
    bool swaps = true;      ///< Two neighbours the other way round are one edit.
    bool constant = false;  ///< 1 for each document.
};

/// The nearest terms. A document has the sum of theirs, each as if it were as frequent as the most
/// frequent of them and less by how far away it is.
NodePtr fuzzy(std::size_t field, FuzzyTerm term, TermScoring scoring = {});

/// One place of a phrase: any of the terms, `offset` positions after its beginning.
struct PhrasePlace {
    std::uint32_t offset = 0;
    std::vector<std::string> terms;
};

struct Phrase {
    std::vector<PhrasePlace> places;  ///< Offsets ascend.
    std::uint32_t slop = 0;
    bool last_is_prefix = false;  ///< The terms of the last place are beginnings of terms.
    std::uint32_t expansions_max = 50;
};

/// Of a field of text. A phrase of one place is its terms.
NodePtr phrase(std::size_t field, Phrase phrase, TermScoring scoring = {});

/// Terms of several fields as if these were one (BM25F): frequencies and lengths are added up with
/// the fields' weights.
struct CombinedTerm {
    struct Part {
        std::size_t field;
        std::vector<std::string> texts;
        float weight = 1;
    };

    std::vector<Part> parts;
};

NodePtr combined(CombinedTerm term);

// ---- columns

/// Any of the codes; 1.
NodePtr codes(std::size_t field, std::vector<std::int64_t> values);

/// A code as a term: scored by BM25 as one that documents have once.
NodePtr code_term(std::size_t field, std::int64_t value);

/// From low to high, both included; 1.
NodePtr code_range(std::size_t field, std::int64_t low, std::int64_t high);

/// Has a value; 1.
NodePtr exists(std::size_t field);

NodePtr ids(std::vector<std::string> ids);

// ---- places and vectors

NodePtr in_region(std::size_t field, std::shared_ptr<const GeoRegion> region);

struct GeoBox {
    double top = 90;
    double left = -180;
    double bottom = -90;
    double right = 180;  ///< Less than `left`: over the antimeridian.
};

NodePtr in_box(std::size_t field, const GeoBox& box);

/// How a distance (VectorReader's) becomes a score.
using DistanceScore = std::function<float(float distance)>;

struct Nearest {
    std::size_t field = 0;
    std::vector<float> vector;  ///< As stored (search/vector/vector_column.h).
    std::uint32_t k = 10;
    std::uint32_t candidates = 100;  ///< Looked at in each segment; at least k.
    NodePtr filter;                  ///< Null: every document.
    DistanceScore score;
    std::optional<float> score_min{};  ///< Without `k`: all that are at least so near.
};

NodePtr nearest(Nearest nearest);

// ---- of several nodes

struct Boolean {
    std::vector<NodePtr> must;
    std::vector<NodePtr> should;
    std::vector<NodePtr> filter;  ///< Has to match, adds nothing.
    std::vector<NodePtr> must_not;
    /// Of `should`. Without a value, 1 if there is neither `must` nor `filter`.
    std::optional<std::uint32_t> should_min{};
};

/// A document has the sum of the scores of what it matches. kLimitExceeded when it runs if it has
/// more clauses than the limit.
NodePtr boolean(Boolean clauses);

/// The best of the scores, and `tie_breaker` times the others.
NodePtr dis_max(std::vector<NodePtr> children, float tie_breaker);

/// What `positive` matches, with `factor` times its score if `negative` matches too.
NodePtr boosting(NodePtr positive, NodePtr negative, float factor);

// ---- computed for each document

/// One document of one index, as what is computed sees it.
struct DocRef {
    const Snapshot& snapshot;
    std::size_t part;
    DocId doc;
    float score = 0;  ///< What the query it is computed for gave it.
};

/// A score for the document, or nothing if it does not match.
using DocScore = std::function<Result<std::optional<float>>(const DocRef&)>;

/// Asked of each document that `candidates` (null: every one) matches.
NodePtr computed(NodePtr candidates, DocScore score);

}  // namespace kumo::search::tree
