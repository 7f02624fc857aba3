#include "search/aggregation/aggregation.h"
#include "search/aggregation/internal/bucket_maker.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kumo::search::aggregation {

namespace {

using Keys = std::vector<std::optional<Key>>;

class CompositeAggregation : public Aggregation {
public:
    CompositeAggregation(
        std::vector<CompositeSource> sources,
        std::size_t size,
        Keys after,
        Level level
    )
        : sources_(std::move(sources)),
          size_(size),
          after_(std::move(after)),
          level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        std::map<Keys, std::size_t, KeysLess> places(KeysLess{&sources_});
        BucketDocs gathered(0);
        std::size_t count = 0;
        std::vector<ValuesReader> readers;
        for (const CompositeSource& source : sources_) {
            readers.emplace_back(run, source.values);
        }
        for (const PartDocs& part : docs) {
            for (ValuesReader& reader : readers) {
                reader.open(part);
            }
            for (std::size_t i = 0; i < part.docs.size(); ++i) {
                KUMO_TRY(run.check());
                KUMO_TRY(combine(readers, part.docs[i], [&](const Keys& keys) {
                    if (!after_.empty() && !KeysLess{&sources_}(after_, keys)) {
                        return;
                    }
                    const auto [place, fresh] = places.emplace(keys, count);
                    if (fresh) {
                        gathered.grow(++count);
                    }
                    gathered.add(place->second, part, i);
                }));
            }
        }
        Output out;
        out.many = true;
        for (const auto& [keys, place] : places) {
            if (out.buckets.size() == size_) {
                break;
            }
            KUMO_TRY(run.add_buckets(1));
            Bucket bucket;
            bucket.keys = keys;
            bucket.doc_count = run.weight_of(gathered.of(place));
            KUMO_TRY_ASSIGN(bucket.children, level_.run(run, gathered.of(place)));
            out.buckets.push_back(std::move(bucket));
        }
        if (!out.buckets.empty()) {
            out.after = out.buckets.back().keys;
        }
        KUMO_TRY(level_.finish(out));
        return out;
    }

private:
    struct KeysLess {
        const std::vector<CompositeSource>* sources;

        bool operator()(const Keys& a, const Keys& b) const {
            for (std::size_t i = 0; i < sources->size(); ++i) {
                const int sign = compare((*sources)[i], a[i], b[i]);
                if (sign != 0) {
                    return sign < 0;
                }
            }
            return false;
        }

        static int compare(
            const CompositeSource& source,
            const std::optional<Key>& a,
            const std::optional<Key>& b
        ) {
            if (!a || !b) {
                if (!a && !b) {
                    return 0;
                }
                // Missing ones are first, or last in the other direction, unless it is said.
                const bool a_first = source.missing_last ? a.has_value() : !a.has_value();
                return a_first == (source.ascending || source.missing_last) ? -1 : 1;
            }
            const int sign = less(*a, *b) ? -1 : (less(*b, *a) ? 1 : 0);
            return source.ascending ? sign : -sign;
        }
    };

    Status keys_of(
        const CompositeSource& source,
        ValuesReader& reader,
        DocId doc,
        std::vector<std::optional<Key>>& out
    ) const {
        out.clear();
        std::vector<Key> keys;
        if (source.cell) {
            std::vector<GeoPoint> points;
            reader.points(doc, points);
            for (const GeoPoint point : points) {
                keys.emplace_back(source.cell(point));
            }
        } else {
            KUMO_TRY(reader.keys(doc, keys));
        }
        for (const Key& key : keys) {
            Key own = source.bucket ? source.bucket(key) : key;
            if (std::find(out.begin(), out.end(), std::optional<Key>(own)) == out.end()) {
                out.emplace_back(std::move(own));
            }
        }
        if (out.empty() && source.with_missing) {
            out.emplace_back();
        }
        return {};
    }

    template <typename Visit>
    Status combine(std::vector<ValuesReader>& readers, DocId doc, Visit visit) const {
        std::vector<Keys> all(readers.size());
        for (std::size_t r = 0; r < readers.size(); ++r) {
            KUMO_TRY(keys_of(sources_[r], readers[r], doc, all[r]));
            if (all[r].empty()) {
                return {};
            }
        }
        std::vector<std::size_t> at(readers.size());
        while (true) {
            Keys keys;
            for (std::size_t r = 0; r < all.size(); ++r) {
                keys.push_back(all[r][at[r]]);
            }
            visit(keys);
            std::size_t r = all.size();
            while (r > 0 && ++at[r - 1] == all[r - 1].size()) {
                at[--r] = 0;
            }
            if (r == 0) {
                return {};
            }
        }
    }

    std::vector<CompositeSource> sources_;
    std::size_t size_;
    Keys after_;
    Level level_;
};

}  // namespace

AggregationPtr composite(
    std::vector<CompositeSource> sources,
    std::size_t size,
    std::vector<std::optional<Key>> after,
    Level level
) {
    return std::make_shared<const CompositeAggregation>(
        std::move(sources),
        size,
        std::move(after),
        std::move(level)
    );
}

}  // namespace kumo::search::aggregation
