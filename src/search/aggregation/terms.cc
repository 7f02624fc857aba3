#include "search/aggregation/aggregation.h"
#include "search/aggregation/internal/bucket_maker.h"
#include "search/aggregation/internal/key_counts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

namespace kumo::search::aggregation {

std::size_t KeyHash::operator()(const Key& key) const {
    if (const auto* text = std::get_if<std::string>(&key)) {
        return std::hash<std::string_view>()(*text);
    }
    if (const auto* integer = std::get_if<std::int64_t>(&key)) {
        return std::hash<std::int64_t>()(*integer);
    }
    if (const auto* natural = std::get_if<std::uint64_t>(&key)) {
        return std::hash<std::uint64_t>()(*natural);
    }
    return std::hash<double>()(std::get<double>(key));
}

namespace {

/// Strings of a segment are counted by their numbers there.
class OrdinalCounts {
public:
    explicit OrdinalCounts(const ColumnReader& column)
        : column_(column), counts_(column.string_count()) {}

    void add(DocId doc, std::uint64_t weight) {
        const auto range = column_.values_of(doc);
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            // A value that stands twice counts once.
            bool again = false;
            for (std::uint64_t j = range.begin; j < i && !again; ++j) {
                again = column_.value(j) == column_.value(i);
            }
            if (!again) {
                counts_[static_cast<std::size_t>(column_.value(i))] += weight;
            }
        }
    }

    void flush(KeyCounts& out) const {
        for (std::uint32_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i] > 0) {
                out[std::string(column_.string(i))] += counts_[i];
            }
        }
    }

private:
    const ColumnReader& column_;
    std::vector<std::uint64_t> counts_;
};

}  // namespace

Result<KeyCounts> count_keys(Run& run, const Values& values, const DocSet& docs) {
    KeyCounts out;
    ValuesReader reader(run, values);
    std::vector<Key> keys;
    for (const PartDocs& part : docs) {
        reader.open(part);
        const bool ordinals = reader.column() != nullptr && !values.computed && !values.words
                              && reader.source().kind == ValueKind::kString && !values.missing;
        if (ordinals) {
            OrdinalCounts counts(*reader.column());
            for (const DocId doc : part.docs) {
                KUMO_TRY(run.check());
                counts.add(doc, run.weight_of(part, doc));
            }
            counts.flush(out);
            continue;
        }
        for (const DocId doc : part.docs) {
            KUMO_TRY(run.check());
            KUMO_TRY(reader.keys(doc, keys));
            for (const Key& key : keys) {
                out[key] += run.weight_of(part, doc);
            }
        }
    }
    return out;
}

Result<BucketDocs> gather_docs(
    Run& run,
    const Values& values,
    const DocSet& docs,
    const std::unordered_map<Key, std::size_t, KeyHash>& places
) {
    BucketDocs out(places.size());
    ValuesReader reader(run, values);
    std::vector<Key> keys;
    for (const PartDocs& part : docs) {
        reader.open(part);
        for (std::size_t i = 0; i < part.docs.size(); ++i) {
            KUMO_TRY(run.check());
            KUMO_TRY(reader.keys(part.docs[i], keys));
            for (const Key& key : keys) {
                if (const auto place = places.find(key); place != places.end()) {
                    out.add(place->second, part, i);
                }
            }
        }
    }
    return out;
}

namespace {

std::vector<Bucket> buckets_of(KeyCounts counts, const Terms& terms) {
    std::vector<Bucket> out;
    for (auto& [key, count] : counts) {
        if (!terms.accepts || terms.accepts(key)) {
            Bucket bucket;
            bucket.key = key;
            bucket.doc_count = count;
            out.push_back(std::move(bucket));
        }
    }
    // Whatever the order, what is equal stands by its key.
    std::sort(out.begin(), out.end(), [](const Bucket& a, const Bucket& b) {
        return less(a.key, b.key);
    });
    return out;
}

class TermsAggregation : public Aggregation {
public:
    TermsAggregation(Terms terms, Level level)
        : terms_(std::move(terms)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        KUMO_TRY_ASSIGN(KeyCounts counts, count_keys(run, terms_.values, docs));
        if (terms_.min_doc_count == 0) {
            KUMO_TRY_ASSIGN(const KeyCounts all, count_keys(run, terms_.values, run.everything()));
            for (const auto& [key, count] : all) {
                counts.emplace(key, 0);
            }
        }
        Output out;
        out.many = true;
        out.buckets = buckets_of(std::move(counts), terms_);
        std::uint64_t total = 0;
        for (const Bucket& bucket : out.buckets) {
            total += bucket.doc_count;
        }
        if (orders_by_child(terms_.order)) {
            KUMO_TRY(add_children(run, docs, out.buckets));
            KUMO_TRY(sort_buckets(terms_.order, out.buckets));
            cut(out.buckets);
        } else {
            KUMO_TRY(sort_buckets(terms_.order, out.buckets));
            cut(out.buckets);
            KUMO_TRY(add_children(run, docs, out.buckets));
        }
        for (const Bucket& bucket : out.buckets) {
            total -= bucket.doc_count;
        }
        out.other_count = total;
        KUMO_TRY(level_.finish(out));
        return out;
    }

private:
    void cut(std::vector<Bucket>& buckets) const {
        std::erase_if(buckets, [this](const Bucket& bucket) {
            return bucket.doc_count < terms_.min_doc_count;
        });
        if (buckets.size() > terms_.size) {
            buckets.resize(terms_.size);
        }
    }

    Status add_children(Run& run, const DocSet& docs, std::vector<Bucket>& buckets) const {
        if (level_.empty()) {
            return run.add_buckets(std::min(buckets.size(), terms_.size));
        }
        std::unordered_map<Key, std::size_t, KeyHash> places;
        for (std::size_t i = 0; i < buckets.size(); ++i) {
            places.emplace(buckets[i].key, i);
        }
        KUMO_TRY_ASSIGN(const BucketDocs gathered, gather_docs(run, terms_.values, docs, places));
        return run_children(run, level_, gathered, buckets);
    }

    Terms terms_;
    Level level_;
};

class RareTermsAggregation : public Aggregation {
public:
    RareTermsAggregation(
        Values values,
        std::uint64_t doc_count_max,
        std::function<bool(const Key&)> accepts,
        Level level
    )
        : doc_count_max_(doc_count_max), level_(std::move(level)) {
        terms_.values = std::move(values);
        terms_.accepts = std::move(accepts);
        terms_.order = {{OrderBy::kCount, true, {}}, {OrderBy::kKey, true, {}}};
    }

    Result<Output> run(Run& run, const DocSet& docs) const override {
        KUMO_TRY_ASSIGN(KeyCounts counts, count_keys(run, terms_.values, docs));
        std::erase_if(counts, [this](const auto& entry) { return entry.second > doc_count_max_; });
        Output out;
        out.many = true;
        out.buckets = buckets_of(std::move(counts), terms_);
        KUMO_TRY(sort_buckets(terms_.order, out.buckets));
        std::unordered_map<Key, std::size_t, KeyHash> places;
        for (std::size_t i = 0; i < out.buckets.size(); ++i) {
            places.emplace(out.buckets[i].key, i);
        }
        KUMO_TRY_ASSIGN(const BucketDocs gathered, gather_docs(run, terms_.values, docs, places));
        KUMO_TRY(run_children(run, level_, gathered, out.buckets));
        KUMO_TRY(level_.finish(out));
        return out;
    }

private:
    Terms terms_;
    std::uint64_t doc_count_max_;
    Level level_;
};

class SignificantAggregation : public Aggregation {
public:
    SignificantAggregation(Significant significant, Level level)
        : significant_(std::move(significant)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        const Terms& terms = significant_.terms;
        KUMO_TRY_ASSIGN(const DocSet behind, background(run));
        KUMO_TRY_ASSIGN(KeyCounts counts, count_keys(run, terms.values, docs));
        KUMO_TRY_ASSIGN(const KeyCounts all, count_keys(run, terms.values, behind));
        Output out;
        out.many = true;
        out.doc_count = run.weight_of(docs);
        out.background = run.weight_of(behind);
        out.buckets = buckets_of(std::move(counts), terms);
        std::erase_if(out.buckets, [&terms](const Bucket& bucket) {
            return bucket.doc_count < terms.min_doc_count;
        });
        for (Bucket& bucket : out.buckets) {
            const auto found = all.find(bucket.key);
            bucket.background = found != all.end() ? found->second : 0;
            bucket.score = significant_.score({
                static_cast<double>(bucket.doc_count),
                static_cast<double>(out.doc_count),
                static_cast<double>(bucket.background),
                static_cast<double>(out.background),
            });
        }
        std::erase_if(out.buckets, [](const Bucket& bucket) { return !(bucket.score > 0); });
        std::stable_sort(out.buckets.begin(), out.buckets.end(), [](const auto& a, const auto& b) {
            return a.score > b.score;
        });
        if (out.buckets.size() > terms.size) {
            out.buckets.resize(terms.size);
        }
        std::unordered_map<Key, std::size_t, KeyHash> places;
        for (std::size_t i = 0; i < out.buckets.size(); ++i) {
            places.emplace(out.buckets[i].key, i);
        }
        KUMO_TRY_ASSIGN(const BucketDocs gathered, gather_docs(run, terms.values, docs, places));
        KUMO_TRY(run_children(run, level_, gathered, out.buckets));
        KUMO_TRY(level_.finish(out));
        return out;
    }

private:
    Result<DocSet> background(Run& run) const {
        if (!significant_.background) {
            return run.everything();
        }
        KUMO_TRY_ASSIGN(IndexMatches matches, significant_.background(run));
        DocSet out;
        for (std::size_t i = 0; i < matches.size(); ++i) {
            for (std::size_t p = 0; p < matches[i].size(); ++p) {
                out.push_back({i, p, std::move(matches[i][p].docs), {}});
            }
        }
        return out;
    }

    Significant significant_;
    Level level_;
};

class MultiTermsAggregation : public Aggregation {
public:
    MultiTermsAggregation(std::vector<Values> values, Terms terms, Level level)
        : values_(std::move(values)), terms_(std::move(terms)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        std::map<std::vector<Key>, std::size_t, KeysLess> places;
        BucketDocs gathered(0);
        std::vector<Bucket> buckets;
        std::vector<ValuesReader> readers;
        for (const Values& values : values_) {
            readers.emplace_back(run, values);
        }
        for (const PartDocs& part : docs) {
            for (ValuesReader& reader : readers) {
                reader.open(part);
            }
            for (std::size_t i = 0; i < part.docs.size(); ++i) {
                KUMO_TRY(run.check());
                KUMO_TRY(combine(readers, part.docs[i], [&](const std::vector<Key>& keys) {
                    const auto [place, fresh] = places.emplace(keys, buckets.size());
                    if (fresh) {
                        buckets.emplace_back();
                        buckets.back().keys.assign(keys.begin(), keys.end());
                        gathered.grow(buckets.size());
                    }
                    gathered.add(place->second, part, i);
                }));
            }
        }
        return finish(run, std::move(buckets), gathered, places);
    }

private:
    struct KeysLess {
        bool operator()(const std::vector<Key>& a, const std::vector<Key>& b) const {
            return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), less);
        }
    };

    template <typename Visit>
    static Status combine(std::vector<ValuesReader>& readers, DocId doc, Visit visit) {
        std::vector<std::vector<Key>> all(readers.size());
        for (std::size_t r = 0; r < readers.size(); ++r) {
            KUMO_TRY(readers[r].keys(doc, all[r]));
            if (all[r].empty()) {
                return {};
            }
        }
        std::vector<std::size_t> at(readers.size());
        while (true) {
            std::vector<Key> keys;
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

    template <typename Places>
    Result<Output> finish(
        Run& run,
        std::vector<Bucket> buckets,
        const BucketDocs& gathered,
        const Places& places
    ) const {
        Output out;
        out.many = true;
        std::uint64_t total = 0;
        std::int64_t rank = 0;
        for (const auto& [keys, place] : places) {
            // The rank among all keys stands for the key.
            buckets[place].key = rank++;
            buckets[place].doc_count = run.weight_of(gathered.of(place));
            total += buckets[place].doc_count;
        }
        std::unordered_map<std::int64_t, std::size_t> place_of_rank;
        for (std::size_t i = 0; i < buckets.size(); ++i) {
            place_of_rank.emplace(std::get<std::int64_t>(buckets[i].key), i);
        }
        const bool early = orders_by_child(terms_.order);
        out.buckets = std::move(buckets);
        if (early) {
            KUMO_TRY(run_children(run, level_, gathered, out.buckets));
        }
        KUMO_TRY(sort_buckets(terms_.order, out.buckets));
        std::erase_if(out.buckets, [this](const Bucket& bucket) {
            return bucket.doc_count < terms_.min_doc_count;
        });
        if (out.buckets.size() > terms_.size) {
            out.buckets.resize(terms_.size);
        }
        for (Bucket& bucket : out.buckets) {
            total -= bucket.doc_count;
            if (!early && !level_.empty()) {
                const std::size_t place = place_of_rank.at(std::get<std::int64_t>(bucket.key));
                KUMO_TRY_ASSIGN(bucket.children, level_.run(run, gathered.of(place)));
            }
        }
        if (!early) {
            KUMO_TRY(run.add_buckets(out.buckets.size()));
        }
        out.other_count = total;
        KUMO_TRY(level_.finish(out));
        return out;
    }

    std::vector<Values> values_;
    Terms terms_;
    Level level_;
};

}  // namespace

double jlh(const Frequencies& f) {
    if (f.subset_size == 0 || f.superset_size == 0 || f.superset == 0) {
        return 0;
    }
    const double foreground = f.subset / f.subset_size;
    const double background = f.superset / f.superset_size;
    const double difference = foreground - background;
    return difference <= 0 ? 0 : difference * (foreground / background);
}

AggregationPtr terms(Terms terms, Level level) {
    return std::make_shared<const TermsAggregation>(std::move(terms), std::move(level));
}

AggregationPtr rare_terms(
    Values values,
    std::uint64_t doc_count_max,
    std::function<bool(const Key&)> accepts,
    Level level
) {
    return std::make_shared<const RareTermsAggregation>(
        std::move(values),
        doc_count_max,
        std::move(accepts),
        std::move(level)
    );
}

AggregationPtr significant_terms(Significant significant, Level level) {
    return std::make_shared<const SignificantAggregation>(std::move(significant), std::move(level));
}

AggregationPtr multi_terms(std::vector<Values> values, Terms terms, Level level) {
    return std::make_shared<const MultiTermsAggregation>(
        std::move(values),
        std::move(terms),
        std::move(level)
    );
}

}  // namespace kumo::search::aggregation
