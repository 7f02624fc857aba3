#pragma once

#include "search/column/bitmap.h"
#include "search/index/index.h"
#include "search/query/grouping.h"
#include "search/query/matcher.h"
#include "search/query/request.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

class VectorMatches;

/// One hit in its final place, before its document is fetched.
struct RankedHit {
    std::size_t part = 0;
    DocId doc = 0;
    const Match* match = nullptr;  ///< Null when the query had no words.
    bool curated = false;
    std::uint32_t search = 0;  ///< Which search of a union it is of.
};

/// A hit with the values it is compared by. `numbers` are turned so that larger is better.
struct ScoredHit {
    std::array<std::int64_t, kSortKeysMax> numbers{};
    std::array<std::string_view, kSortKeysMax> strings{};
    std::int64_t order = 0;
    RankedHit hit;
};

/// The order a search puts its hits in: the request's keys, completed by text match and the default
/// sorting field. Ties go newest first; in a united snapshot, where each part of the collection has
/// an order of arrival of its own, the latest of each part come first, in the order of the parts,
/// then the second latest. Hits of several searches compare if the keys are the same (types()); of
/// the same place in the order of arrival, those of an earlier search come first. One search's;
/// refers to the snapshot and the groups; immutable.
class HitOrder {
public:
    /// `has_words`: text match is a key. `groups`: of all the hits, or null if the request does not
    /// group. `vectors`: the search's, or null if it has no vector.
    HitOrder(
        const Snapshot& snapshot,
        const SearchRequest& request,
        bool has_words,
        const Groups* groups,
        const VectorMatches* vectors
    );

    /// `match`: null if the query has no words, which is worth as much as no text match.
    ScoredHit score(std::size_t part, DocId doc, const Match* match) const;

    /// True if the first key is a number that a hit alone says.
    bool has_first_number() const { return has_first_number_; }

    /// `numbers[0]` of its score(), for less: most hits need no more to be ranked too low.
    std::int64_t first_number(std::size_t part, DocId doc, const Match* match) const {
        return number_of(0, {part, doc, match});
    }

    /// If the first key is the number in a field: the part's column of it. Else null.
    const ColumnReader* first_column(std::size_t part) const {
        return !keys_.empty() && keys_[0].kind == Kind::kNumber ? keys_[0].columns[part] : nullptr;
    }

    /// Of the first key.
    bool first_descends() const { return keys_[0].descending; }

    /// A strict order; no two different hits are equal in it.
    bool better(const ScoredHit& a, const ScoredHit& b) const {
        for (std::size_t k = 0; k < keys_.size(); ++k) {
            if (keys_[k].kind == Kind::kString && a.numbers[k] == b.numbers[k]) {
                const int order = compare_text(a.strings[k], b.strings[k]);
                if (order != 0) {
                    return (order > 0) == keys_[k].descending;
                }
            } else if (a.numbers[k] != b.numbers[k]) {
                return a.numbers[k] > b.numbers[k];
            }
        }
        if (a.order != b.order) {
            return a.order > b.order;
        }
        // Each part of a collection counts its own documents: the same place in two is no rank.
        return a.hit.search != b.hit.search ? a.hit.search < b.hit.search : a.hit.part < b.hit.part;
    }

    /// As strings are sorted for people: ASCII letters without case, then by bytes.
    static int compare_text(std::string_view a, std::string_view b);

    /// What it compares by, for people: "integer:desc, text_match:desc".
    std::string types() const;

    /// True if text match ranks by buckets: then the best kBucketedHits have to be kept.
    bool has_buckets() const { return bucketed_.has_value(); }

    /// Groups the hits, which are in order, into buckets of text match that count as equal, and
    /// sorts them anew. Nothing if the request has no buckets.
    void apply_buckets(std::vector<ScoredHit>& hits) const;

    /// Hits that are kept for re-ranking by buckets.
    static constexpr std::size_t kBucketedHits = 250;

private:
    enum class Kind : std::uint8_t {
        kNumber,
        kString,
        kTextMatch,
        kFilters,
        kRandom,
        kDecay,
        kGroupFound,
        kGeoDistance,
        kVectorDistance,
        kVector,
        kJoined,
    };

    /// What is looked at for every hit; the rest of a key is in `sorts_`, in the same place.
    struct Key {
        Kind kind;
        bool descending;
        bool missing_first;
        std::vector<const ColumnReader*> columns{};  ///< By part, of a key with a field.
        std::vector<std::vector<Bitmap>> passing{};  ///< kFilters: by part, by filter.
        std::vector<float> vector{};                 ///< kVector: as stored.
    };

    static std::vector<SortKey>
    complete_keys(const Schema& schema, const SearchRequest& request, bool has_words);
    static Kind kind_of(const Schema& schema, const SortKey& sort);

    void open_columns(const SortKey& sort, Key& key) const;
    void evaluate_filters(const SortKey& sort, Key& key) const;

    static std::int64_t in_order(const Key& key, std::int64_t value) {
        // ~ rather than -: it has no overflow and reverses the order just as well.
        return key.descending ? value : ~value;
    }

    std::int64_t number_of(std::size_t k, const RankedHit& hit) const;
    std::int64_t other_number_of(std::size_t k, const RankedHit& hit) const;
    std::int64_t score_by_filters(std::size_t k, const RankedHit& hit) const;
    std::optional<float> vector_distance(std::size_t k, const RankedHit& hit) const;
    std::int64_t decayed(std::size_t k, std::int64_t code) const;
    std::int64_t shuffled(std::size_t k, const ScoredHit& hit) const;

    const Snapshot& snapshot_;
    const Groups* groups_;
    const VectorMatches* vectors_;
    bool fused_;  ///< Text match is the fused score.
    std::vector<SortKey> sorts_;
    std::vector<Key> keys_;
    bool has_first_number_ = false;
    std::optional<std::size_t> bucketed_;
};

}  // namespace kumo::search
