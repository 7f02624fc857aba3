#pragma once

#include "base/clock.h"
#include "search/geo/geo_point.h"
#include "search/join/join.h"
#include "search/query/filter.h"
#include "search/query/synonyms.h"
#include "search/schema/schema.h"
#include "search/vector/vector_column.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kumo::search {

/// Whether words that have a query's word somewhere inside count.
enum class InfixMode : std::uint8_t {
    kOff,
    kFallback,  ///< If nothing else is found.
    kAlways,
};

/// One field that the query's words are looked for in.
struct QueryField {
    std::size_t field = 0;        ///< Position in Schema::fields; a string field.
    std::uint32_t weight = 15;    ///< 0..15; higher counts more.
    std::uint32_t num_typos = 2;  ///< 0..2 edits a word may be away.
    bool prefix = true;           ///< The last word may be the beginning of a word.
    InfixMode infix = InfixMode::kOff;
    float relative_weight = 1;  ///< For BM25: above 0, at most 1.
};

/// A score for the documents that pass a filter.
struct ScoredFilter {
    Filter filter;
    std::int64_t score = 1;
};

/// How near a number is to `origin`.
struct Decay {
    enum class Function : std::uint8_t {
        kGauss,        ///< 1 at the origin, `decay` at `scale` from it, by a bell curve.
        kExponential,  ///< The same, by an exponential curve.
        kLinear,       ///< The same, by a line that ends at 0.
        kDifference,   ///< The distance itself; the nearest has the least.
    };

    Function function = Function::kGauss;
    double origin = 0;
    double scale = 1;    ///< Above 0.
    double offset = 0;   ///< Anything this near counts as at the origin. At least 0.
    double decay = 0.5;  ///< Between 0 and 1, without both.
};

struct JoinValues;

inline constexpr std::uint32_t kVectorHitsMax = 10'000;

/// How far a point is from another.
struct GeoDistance {
    GeoPoint origin;
    std::int64_t exclude_radius_meters = 0;  ///< Anything nearer counts as there.
    std::int64_t precision_meters = 0;       ///< Rounded up to a multiple of this; 0: to meters.
};

struct VectorRequest;

/// One key of the sort order.
struct SortKey {
    enum class By : std::uint8_t {
        kField,
        kTextMatch,
        kFilters,         ///< The score of the first of `filters` that the document passes, else 0.
        kRandom,          ///< A shuffle that follows from `seed`.
        kDecay,           ///< `decay` of the number in `field`.
        kVectorDistance,  ///< How far from `SearchRequest::vector`; needs one.
        kVector,          ///< How far from `vector`, which finds nothing, each document is.
        kGeoDistance,     ///< `geo`, of the nearest point in `field`.
        kJoined,          ///< The best value of joined documents: `join`.
        kGroupFound,      ///< How many documents the hit's group has; needs SearchRequest::group.
    };

    By by = By::kField;
    std::size_t field = 0;
    bool descending = true;
    bool missing_first = false;  ///< Documents without a value first; default last (numbers).
    std::uint32_t buckets = 0;   ///< kTextMatch: split the best hits into this many equal groups.
    std::uint32_t bucket_size = 0;  ///< kTextMatch: or into groups of this size.
    std::vector<ScoredFilter> filters{};
    std::optional<std::uint64_t> seed{};  ///< Unset: 0.
    Decay decay{};
    GeoDistance geo{};
    std::shared_ptr<const VectorRequest> vector{};  ///< Its field, query and threshold.
    std::shared_ptr<const JoinSort> join{};
    std::shared_ptr<const JoinValues> values{};  ///< What `join` has come to.
};

/// A named range of a facet, [from, to) in column codes.
struct FacetRange {
    std::string label{};
    std::int64_t from = INT64_MIN;
    std::int64_t to = INT64_MAX;
};

struct FacetRequest {
    enum class Order : std::uint8_t {
        kCount,
        kAlphaAscending,
        kAlphaDescending,
    };

    std::size_t field = 0;
    Order order = Order::kCount;
    std::vector<FacetRange> ranges{};
    std::string query{};  ///< Only values whose words start with these (facet_query).
    std::uint32_t query_num_typos = 2;
    bool return_parent = false;  ///< Each value with an object that has it (nested fields).
    /// If set, `field` is one of the documents that this leads to. A value counts the documents
    /// that are joined with it.
    std::optional<JoinPathStep> join{};
};

enum class DropTokensMode : std::uint8_t {
    kRightToLeft,
    kLeftToRight,
    kBothSides,
};

enum class SplitJoin : std::uint8_t {
    kOff,
    kFallback,
    kAlways,
};

enum class TextMatchType : std::uint8_t {
    kMaxScore,
    kMaxWeight,
    kSumScore,
    kBm25,  ///< Documents with any of the words, by the words' BM25 (bm25_matcher.h).
};

/// How words match and how matches rank; the contract's section 2 parameters with its defaults.
struct MatchOptions {
    std::uint32_t min_len_1typo = 4;
    std::uint32_t min_len_2typo = 7;
    std::uint32_t typo_tokens_threshold = 1;
    std::uint32_t drop_tokens_threshold = 1;
    DropTokensMode drop_tokens_mode = DropTokensMode::kRightToLeft;
    std::uint32_t drop_tokens_both_sides_max = 3;
    SplitJoin split_join_tokens = SplitJoin::kFallback;
    TextMatchType text_match_type = TextMatchType::kMaxScore;
    std::optional<std::uint32_t> max_candidates;  ///< Unset: 10 below 500,000 documents, else 4.
    bool exhaustive_search = false;
    bool prioritize_exact_match = true;
    bool prioritize_token_position = false;
    bool prioritize_num_matching_fields = true;
    bool typos_in_numbers = true;        ///< enable_typos_for_numerical_tokens
    bool typos_in_alphanumerics = true;  ///< enable_typos_for_alpha_numerical_tokens
    bool synonym_prefix = false;
    std::uint32_t synonym_num_typos = 0;
    bool demote_synonym_match = false;  ///< Below what the query's own words match as well.
    std::uint32_t max_extra_prefix = INT16_MAX;  ///< Of infixes: code points before,
    std::uint32_t max_extra_suffix = INT16_MAX;  ///< and behind.
};

struct HighlightOptions {
    /// Fields to highlight (positions in Schema::fields).
    std::vector<std::size_t> fields;
    /// Those of them whose whole highlighted value is wanted too.
    std::vector<std::size_t> full_fields;
    std::string start_tag = "<mark>";
    std::string end_tag = "</mark>";
    std::uint32_t affix_num_tokens = 4;
    std::uint32_t snippet_threshold = 30;
};

/// Puts hits together that have the same values.
struct GroupRequest {
    std::vector<std::size_t> fields;  ///< Facet fields; at least one.
    std::uint32_t limit = 3;          ///< Hits that are wanted of each group.
    /// Documents without a value in any of the fields are one group; else each is its own.
    bool missing_together = true;
};

/// What the nearest vectors are looked for by.
struct VectorRequest {
    std::size_t field = 0;     ///< A field of vectors.
    std::vector<float> query;  ///< As many numbers as the field has; empty with `id`.
    std::optional<std::string>
        id;                        ///< The query is this document's vector; it is not found itself.
    std::uint32_t k = 10;          ///< How many documents are found.
    std::uint32_t ef = kVectorEf;  ///< How many are looked at, at least `k`.
    std::uint32_t flat_search_cutoff = 0;  ///< Up to so many candidates, look at each.
    float distance_threshold = std::numeric_limits<float>::infinity();
    double alpha = 0.3;   ///< With words: the part that nearness has in the order, 0 to 1.
    bool rerank = false;  ///< With words: the distances of all that they match count.
};

/// Words as they are indexed.
using WordSet = std::set<std::string, std::less<>>;

/// One search over one index.
struct SearchRequest {
    /// What positions of fields mean here; null: the schema of whatever it runs on. The owner of
    /// the documents adapts a snapshot to it (index/adapted_snapshot.h).
    std::shared_ptr<const Schema> schema;
    std::string q;  ///< "*" or empty: every document.
    std::vector<QueryField> fields;
    Filter filter;
    std::vector<SortKey>
        sort;  ///< At most kSortKeysMax; completed by text match, then newest first.
    std::vector<FacetRequest> facets;
    std::uint32_t max_facet_values = 10;
    MatchOptions match;
    HighlightOptions highlight;
    /// If set, `offset` and `limit` count groups, facets count the groups that have a value, and a
    /// pinned document's whole group has its position.
    std::optional<GroupRequest> group;
    std::uint64_t offset = 0;
    std::uint64_t limit = 10;
    /// Left out of the query, except inside phrases. If nothing else is in it, nothing matches.
    std::shared_ptr<const WordSet> stopwords;
    std::vector<std::shared_ptr<const SynonymSet>> synonyms;
    std::vector<std::string> hidden_ids;
    /// Ids placed at 1-based positions of the result.
    std::map<std::uint32_t, std::vector<std::string>> pinned_ids;
    /// If set, what matches is what is nearest to the vector, and what the words (if any) match.
    std::optional<VectorRequest> vector{};
    bool filter_pinned = false;  ///< Those that do not pass the filter are left out.
    JoinRequest joins{};
    Duration time_limit = std::chrono::seconds(30);
};

inline constexpr std::size_t kSortKeysMax = 3;
inline constexpr std::size_t kQueryBytesMax = 4000;
inline constexpr std::size_t kQueryTokensMax = 64;

/// Why a hit ranks where it does.
struct TextMatchInfo {
    std::uint64_t score = 0;
    std::uint64_t best_field_score = 0;
    std::uint32_t best_field_weight = 0;
    std::uint32_t fields_matched = 0;
    std::uint32_t tokens_matched = 0;
    std::uint32_t num_tokens_dropped = 0;
    std::uint32_t typo_prefix_score = 0;
};

/// One element of a field, highlighted.
struct HighlightedValue {
    std::size_t index = 0;  ///< Element of an array field; 0 otherwise.
    std::string snippet;
    std::string value;  ///< The whole value; only where it was asked for.
    std::vector<std::string> matched_tokens;
};

struct FieldHighlight {
    std::size_t field = 0;
    std::uint64_t match_score = 0;
    std::vector<HighlightedValue> values;  ///< Elements that match, best first.
    std::vector<std::string>
        unmatched;  ///< (array fields) all elements, escaped nothing; for `highlight`.
};

/// How far a hit is from the origin of a sort key, by its rules.
struct FieldDistance {
    std::size_t field = 0;
    std::int64_t meters = 0;
};

struct Hit {
    std::string document;  ///< The stored JSON object.
    std::optional<TextMatchInfo> text_match;
    std::vector<FieldHighlight> highlights;
    bool curated = false;
    /// For each key that sorts by distance and that the document has a point for.
    std::vector<FieldDistance> distances{};
    std::optional<float> vector_distance{};
    std::optional<double> fusion_score{};   ///< Of a search by words and a vector.
    std::vector<JoinedDocuments> joined{};  ///< One for each of JoinRequest::includes.
};

struct FacetValue {
    std::string value;
    std::string highlighted;
    std::uint64_t count = 0;
    std::string parent{};  ///< The object that has it, of some document; or empty.
};

struct FacetStats {
    double min = 0;
    double max = 0;
    double sum = 0;
    double avg = 0;
};

struct FacetResult {
    std::size_t field = 0;
    std::vector<FacetValue> counts;
    std::uint64_t total_values = 0;
    std::optional<FacetStats> stats;  ///< Number fields.
};

/// Documents that have the same values in the fields of GroupRequest.
struct HitGroup {
    /// For each field that the documents have a value in: the JSON of that value.
    std::vector<std::string> key;
    std::uint64_t found = 0;  ///< Exact.
    std::vector<Hit> hits;    ///< The best of them.
};

struct SearchResult {
    std::uint64_t found = 0;       ///< Exact; groups, if it was asked for them.
    std::uint64_t found_docs = 0;  ///< Exact.
    std::uint64_t out_of = 0;      ///< Documents in the index.
    bool grouped = false;
    std::vector<Hit> hits;         ///< Empty if grouped.
    std::vector<HitGroup> groups;  ///< Best first; empty if not grouped.
    std::vector<FacetResult> facets;
    bool cut_off = false;  ///< The time limit ended the search early.
};

}  // namespace kumo::search
