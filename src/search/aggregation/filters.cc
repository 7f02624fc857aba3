#include "search/aggregation/aggregation.h"
#include "search/aggregation/internal/bucket_maker.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kumo::search::aggregation {

namespace {

bool holds(const IndexMatches& matches, const PartDocs& part, DocId doc) {
    const auto& docs = matches[part.index][part.part].docs;
    return std::binary_search(docs.begin(), docs.end(), doc);
}

Result<Output> single(Run& run, const Level& level, const DocSet& docs) {
    KUMO_TRY(run.add_buckets(1));
    Output out;
    out.single = true;
    out.doc_count = run.weight_of(docs);
    KUMO_TRY_ASSIGN(out.children, level.run(run, docs));
    return out;
}

template <typename Accepts>
Result<DocSet> select(Run& run, const DocSet& docs, Accepts accepts) {
    DocSet out;
    for (const PartDocs& part : docs) {
        KUMO_TRY(run.check());
        PartDocs kept{part.index, part.part, {}, {}};
        for (std::size_t i = 0; i < part.docs.size(); ++i) {
            if (!accepts(part, i)) {
                continue;
            }
            kept.docs.push_back(part.docs[i]);
            if (!part.scores.empty()) {
                kept.scores.push_back(part.scores[i]);
            }
        }
        out.push_back(std::move(kept));
    }
    return out;
}

class FilterAggregation : public Aggregation {
public:
    FilterAggregation(Filter filter, Level level)
        : filter_(std::move(filter)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        KUMO_TRY_ASSIGN(const IndexMatches matches, filter_(run));
        KUMO_TRY_ASSIGN(
            const DocSet kept,
            select(
                run,
                docs,
                [&](const PartDocs& part, std::size_t i) {
                    return holds(matches, part, part.docs[i]);
                }
            )
        );
        return single(run, level_, kept);
    }

private:
    Filter filter_;
    Level level_;
};

class GlobalAggregation : public Aggregation {
public:
    explicit GlobalAggregation(Level level) : level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& /*docs*/) const override {
        return single(run, level_, run.everything());
    }

private:
    Level level_;
};

class MissingAggregation : public Aggregation {
public:
    MissingAggregation(Values values, Level level)
        : values_(std::move(values)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        ValuesReader reader(run, values_);
        const PartDocs* open = nullptr;
        KUMO_TRY_ASSIGN(
            const DocSet kept,
            select(
                run,
                docs,
                [&](const PartDocs& part, std::size_t i) {
                    if (open != &part) {
                        reader.open(part);
                        open = &part;
                    }
                    return !reader.has_value(part.docs[i]);
                }
            )
        );
        return single(run, level_, kept);
    }

private:
    Values values_;
    Level level_;
};

class SamplerAggregation : public Aggregation {
public:
    SamplerAggregation(std::size_t size, Level level) : size_(size), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        std::vector<float> scores;
        for (const PartDocs& part : docs) {
            scores.insert(scores.end(), part.scores.begin(), part.scores.end());
        }
        if (count_of(docs) <= size_) {
            return single(run, level_, docs);
        }
        float bound = 0;
        if (scores.size() > size_) {
            const auto at =
                scores.begin() + static_cast<std::ptrdiff_t>(size_ - (size_ > 0 ? 1 : 0));
            std::nth_element(scores.begin(), at, scores.end(), std::greater<>());
            bound = *at;
        }
        // Of equally good ones, the first.
        const auto better = static_cast<std::size_t>(std::count_if(
            scores.begin(),
            scores.end(),
            [bound](float score) { return score > bound; }
        ));
        std::size_t equal = size_ - std::min(size_, better);
        KUMO_TRY_ASSIGN(
            const DocSet kept,
            select(
                run,
                docs,
                [&](const PartDocs& part, std::size_t i) {
                    const float score = part.scores.empty() ? bound : part.scores[i];
                    if (score > bound) {
                        return true;
                    }
                    if (score < bound || equal == 0) {
                        return false;
                    }
                    --equal;
                    return true;
                }
            )
        );
        return single(run, level_, kept);
    }

private:
    std::size_t size_;
    Level level_;
};

class MappedAggregation : public Aggregation {
public:
    MappedAggregation(Mapped mapped, Level level)
        : mapped_(std::move(mapped)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        KUMO_TRY_ASSIGN(const DocSet others, mapped_(run, docs));
        return single(run, level_, others);
    }

private:
    Mapped mapped_;
    Level level_;
};

class FiltersAggregation : public Aggregation {
public:
    FiltersAggregation(std::vector<NamedFilter> filters, std::string other, Level level)
        : filters_(std::move(filters)), other_(std::move(other)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        const std::size_t count = filters_.size() + (other_.empty() ? 0 : 1);
        Output out;
        out.many = true;
        out.buckets.resize(count);
        BucketDocs gathered(count);
        std::vector<IndexMatches> matches;
        for (std::size_t f = 0; f < filters_.size(); ++f) {
            KUMO_TRY_ASSIGN(IndexMatches found, filters_[f].filter(run));
            matches.push_back(std::move(found));
            out.buckets[f].name = filters_[f].name;
        }
        for (const PartDocs& part : docs) {
            KUMO_TRY(run.check());
            for (std::size_t i = 0; i < part.docs.size(); ++i) {
                bool any = false;
                for (std::size_t f = 0; f < matches.size(); ++f) {
                    if (holds(matches[f], part, part.docs[i])) {
                        any = true;
                        gathered.add(f, part, i);
                    }
                }
                if (!any && !other_.empty()) {
                    gathered.add(filters_.size(), part, i);
                }
            }
        }
        if (!other_.empty()) {
            out.buckets.back().name = other_;
        }
        for (std::size_t b = 0; b < count; ++b) {
            out.buckets[b].doc_count = run.weight_of(gathered.of(b));
        }
        KUMO_TRY(run_children(run, level_, gathered, out.buckets));
        KUMO_TRY(level_.finish(out));
        return out;
    }

private:
    std::vector<NamedFilter> filters_;
    std::string other_;
    Level level_;
};

class AdjacencyAggregation : public Aggregation {
public:
    AdjacencyAggregation(std::vector<NamedFilter> filters, std::string separator, Level level)
        : filters_(std::move(filters)), separator_(std::move(separator)), level_(std::move(level)) {
        std::sort(filters_.begin(), filters_.end(), [](const auto& a, const auto& b) {
            return a.name < b.name;
        });
    }

    Result<Output> run(Run& run, const DocSet& docs) const override {
        std::vector<IndexMatches> matches;
        for (const NamedFilter& named : filters_) {
            KUMO_TRY_ASSIGN(IndexMatches found, named.filter(run));
            matches.push_back(std::move(found));
        }
        const std::size_t n = filters_.size();
        // Each filter, then each pair, the first before the second.
        BucketDocs gathered(n * n);
        std::vector<std::size_t> hit;
        for (const PartDocs& part : docs) {
            KUMO_TRY(run.check());
            for (std::size_t i = 0; i < part.docs.size(); ++i) {
                hit.clear();
                for (std::size_t f = 0; f < n; ++f) {
                    if (holds(matches[f], part, part.docs[i])) {
                        hit.push_back(f);
                    }
                }
                for (std::size_t a = 0; a < hit.size(); ++a) {
                    for (std::size_t b = a; b < hit.size(); ++b) {
                        gathered.add(hit[a] * n + hit[b], part, i);
                    }
                }
            }
        }
        Output out;
        out.many = true;
        std::vector<const DocSet*> sets;
        for (std::size_t a = 0; a < n; ++a) {
            for (std::size_t b = a; b < n; ++b) {
                const DocSet& set = gathered.of(a * n + b);
                if (count_of(set) == 0) {
                    continue;
                }
                Bucket bucket;
                bucket.name =
                    a == b ? filters_[a].name : filters_[a].name + separator_ + filters_[b].name;
                bucket.doc_count = run.weight_of(set);
                out.buckets.push_back(std::move(bucket));
                sets.push_back(&set);
            }
        }
        KUMO_TRY(run.add_buckets(out.buckets.size()));
        for (std::size_t i = 0; i < out.buckets.size() && !level_.empty(); ++i) {
            KUMO_TRY_ASSIGN(out.buckets[i].children, level_.run(run, *sets[i]));
        }
        std::stable_sort(out.buckets.begin(), out.buckets.end(), [](const auto& a, const auto& b) {
            return a.name < b.name;
        });
        KUMO_TRY(level_.finish(out));
        return out;
    }

private:
    std::vector<NamedFilter> filters_;
    std::string separator_;
    Level level_;
};

}  // namespace

Filter filter_of(std::vector<tree::NodePtr> nodes) {
    return [nodes = std::move(nodes)](Run& run) -> Result<IndexMatches> {
        IndexMatches out;
        for (std::size_t i = 0; i < run.indices().size(); ++i) {
            tree::Evaluation
                evaluation(run.snapshot(i), {}, run.options().deadline, run.options().cancel);
            if (i < nodes.size() && nodes[i] != nullptr) {
                KUMO_TRY_ASSIGN(
                    tree::AllMatches found,
                    tree::evaluate(*nodes[i], evaluation, false)
                );
                out.push_back(std::move(found));
            } else {
                out.emplace_back(evaluation.part_count());
            }
        }
        return out;
    };
}

AggregationPtr filter(Filter filter, Level level) {
    return std::make_shared<const FilterAggregation>(std::move(filter), std::move(level));
}

AggregationPtr global(Level level) {
    return std::make_shared<const GlobalAggregation>(std::move(level));
}

AggregationPtr missing(Values values, Level level) {
    return std::make_shared<const MissingAggregation>(std::move(values), std::move(level));
}

AggregationPtr sampler(std::size_t size, Level level) {
    return std::make_shared<const SamplerAggregation>(size, std::move(level));
}

AggregationPtr mapped(Mapped mapped, Level level) {
    return std::make_shared<const MappedAggregation>(std::move(mapped), std::move(level));
}

AggregationPtr filters(std::vector<NamedFilter> filters, std::string other, Level level) {
    return std::make_shared<const FiltersAggregation>(
        std::move(filters),
        std::move(other),
        std::move(level)
    );
}

AggregationPtr
adjacency_matrix(std::vector<NamedFilter> filters, std::string separator, Level level) {
    return std::make_shared<const AdjacencyAggregation>(
        std::move(filters),
        std::move(separator),
        std::move(level)
    );
}

}  // namespace kumo::search::aggregation
