#include "search/query/ranking.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace kumo::search {

namespace {

enum class KeyKind : std::uint8_t {
    kNumber,
    kString,
    kTextMatch,
};

struct Key {
    SortKey sort;
    KeyKind kind;
};

/// A hit with the values it is compared by. `numbers` are turned so that larger is better.
struct Scored {
    std::array<std::int64_t, kSortKeysMax> numbers{};
    std::array<std::string_view, kSortKeysMax> strings{};
    std::int64_t order = 0;
    RankedHit hit;
};

/// The request's keys, completed: text match where there is room for it, and the default sorting
/// field where the request names no order.
std::vector<Key> complete_keys(const Schema& schema, const SearchRequest& request, bool has_words) {
    std::vector<SortKey> sort = request.sort;
    const auto by_text = std::find_if(sort.begin(), sort.end(), [](const SortKey& key) {
        return key.by == SortKey::By::kTextMatch;
    });
    const bool defaults = sort.empty();
    if (has_words && by_text == sort.end() && sort.size() < kSortKeysMax) {
        sort.push_back({.by = SortKey::By::kTextMatch});
    }
    if (defaults && !schema.default_sorting_field.empty()) {
        sort.push_back({.field = *schema.find(schema.default_sorting_field)});
    }
    std::vector<Key> keys;
    for (const SortKey& key : sort) {
        if (key.by == SortKey::By::kTextMatch) {
            if (has_words) {
                keys.push_back({key, KeyKind::kTextMatch});
            }
        } else {
            const bool text = schema.fields[key.field].is_string();
            keys.push_back({key, text ? KeyKind::kString : KeyKind::kNumber});
        }
    }
    return keys;
}

/// Compares as strings are sorted for people: ASCII letters without case, then by bytes.
int compare_text(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    };
    const std::size_t common = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < common; ++i) {
        const unsigned char x = lower(a[i]);
        const unsigned char y = lower(b[i]);
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

/// Keeps the best hits in a bounded heap.
class Ranker {
public:
    Ranker(const Snapshot& snapshot, std::vector<Key> keys, std::size_t keep)
        : snapshot_(snapshot), keys_(std::move(keys)), keep_(keep) {
        heap_.reserve(std::min<std::size_t>(keep, 4096));
    }

    void add(std::size_t part, DocId doc, const Match* match) {
        Scored scored = score(part, doc, match);
        if (heap_.size() < keep_) {
            heap_.push_back(scored);
            std::push_heap(heap_.begin(), heap_.end(), better_);
            return;
        }
        if (!heap_.empty() && better(scored, heap_.front())) {
            std::pop_heap(heap_.begin(), heap_.end(), better_);
            heap_.back() = scored;
            std::push_heap(heap_.begin(), heap_.end(), better_);
        }
    }

    std::vector<Scored> take() {
        std::sort_heap(heap_.begin(), heap_.end(), better_);
        return std::move(heap_);
    }

    bool better(const Scored& a, const Scored& b) const {
        for (std::size_t k = 0; k < keys_.size(); ++k) {
            if (keys_[k].kind == KeyKind::kString && a.numbers[k] == b.numbers[k]) {
                const int order = compare_text(a.strings[k], b.strings[k]);
                if (order != 0) {
                    return (order > 0) == keys_[k].sort.descending;
                }
            } else if (a.numbers[k] != b.numbers[k]) {
                return a.numbers[k] > b.numbers[k];
            }
        }
        // Each part of a collection counts its own documents: the same place in two is no rank.
        return a.order != b.order ? a.order > b.order : a.hit.part < b.hit.part;
    }

private:
    static constexpr std::int64_t kBest = std::numeric_limits<std::int64_t>::max();
    static constexpr std::int64_t kWorst = std::numeric_limits<std::int64_t>::min();

    Scored score(std::size_t part, DocId doc, const Match* match) const {
        const SegmentReader& segment = *snapshot_.parts[part].segment;
        Scored out;
        out.hit = {part, doc, match, false};
        out.order = segment.order->first(doc).value_or(0);
        for (std::size_t k = 0; k < keys_.size(); ++k) {
            const SortKey& sort = keys_[k].sort;
            switch (keys_[k].kind) {
                case KeyKind::kTextMatch: {
                    const auto score = static_cast<std::int64_t>(match->score);
                    out.numbers[k] = sort.descending ? score : -score;
                    break;
                }
                case KeyKind::kNumber: {
                    const auto value = segment.columns[sort.field]->first(doc);
                    // ~ rather than -: it has no overflow and reverses the order just as well.
                    const std::int64_t missing = sort.missing_first ? kBest : kWorst;
                    out.numbers[k] = !value ? missing : (sort.descending ? *value : ~*value);
                    break;
                }
                case KeyKind::kString:
                    set_string(*segment.columns[sort.field], sort, doc, out, k);
                    break;
            }
        }
        return out;
    }

    /// A missing string ranks above every string there is, unless the request says otherwise.
    static void set_string(
        const ColumnReader& column,
        const SortKey& sort,
        DocId doc,
        Scored& out,
        std::size_t k
    ) {
        const auto ordinal = column.first(doc);
        if (ordinal) {
            out.strings[k] = column.string(static_cast<std::uint32_t>(*ordinal));
            return;
        }
        const bool first = sort.missing_first || sort.descending;
        out.numbers[k] = first ? 1 : -1;
    }

    const Snapshot& snapshot_;
    std::vector<Key> keys_;
    std::size_t keep_;
    std::vector<Scored> heap_;

    struct Better {
        const Ranker* ranker;

        bool operator()(const Scored& a, const Scored& b) const { return ranker->better(a, b); }
    } better_{this};
};

/// Groups the hits, which are in order of text match, into buckets that count as equal, and sorts
/// anew.
void rebucket(
    std::vector<Scored>& hits,
    const SortKey& key,
    std::size_t key_index,
    const Ranker& ranker
) {
    const std::size_t size =
        key.buckets > 0 ? (hits.size() + key.buckets - 1) / key.buckets : key.bucket_size;
    if (size == 0) {
        return;
    }
    const auto buckets = static_cast<std::int64_t>(hits.size() / size + 1);
    for (std::size_t i = 0; i < hits.size(); ++i) {
        hits[i].numbers[key_index] = buckets - static_cast<std::int64_t>(i / size);
    }
    std::stable_sort(hits.begin(), hits.end(), [&](const Scored& a, const Scored& b) {
        return ranker.better(a, b);
    });
}

}  // namespace

std::vector<RankedHit> rank(
    const Snapshot& snapshot,
    const SearchRequest& request,
    const std::vector<PartMatches>& parts,
    bool has_words
) {
    const std::vector<Key> keys = complete_keys(*snapshot.schema, request, has_words);
    const auto bucketed = std::find_if(keys.begin(), keys.end(), [](const Key& key) {
        return key.kind == KeyKind::kTextMatch
               && (key.sort.buckets > 0 || key.sort.bucket_size > 0);
    });
    std::size_t keep = request.offset + request.limit;
    keep = bucketed != keys.end() ? std::max(keep, kBucketedHits) : keep;
    Ranker ranker(snapshot, keys, keep);
    for (std::size_t p = 0; p < parts.size(); ++p) {
        if (has_words) {
            for (const Match& match : parts[p].matches) {
                ranker.add(p, match.doc, &match);
            }
        } else {
            parts[p].matched.for_each([&](std::size_t doc) {
                ranker.add(p, static_cast<DocId>(doc), nullptr);
            });
        }
    }
    std::vector<Scored> hits = ranker.take();
    if (bucketed != keys.end()) {
        rebucket(hits, bucketed->sort, static_cast<std::size_t>(bucketed - keys.begin()), ranker);
    }
    std::vector<RankedHit> out;
    out.reserve(hits.size());
    for (const Scored& hit : hits) {
        out.push_back(hit.hit);
    }
    return out;
}

}  // namespace kumo::search
