#include "search/aggregation/aggregation.h"
#include "search/aggregation/internal/bucket_maker.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace kumo::search::aggregation {

namespace {

/// Buckets by their place on a line, and their documents.
template <typename At>
class Line {
public:
    void add(At at, const PartDocs& part, std::size_t i) {
        const auto [place, fresh] = places_.emplace(at, docs_count_);
        if (fresh) {
            docs_.grow(++docs_count_);
        }
        docs_.add(place->second, part, i);
    }

    void touch(At at) {
        if (places_.emplace(at, docs_count_).second) {
            docs_.grow(++docs_count_);
        }
    }

    /// Keeps their order.
    template <typename Name>
    void rename(Name name) {
        std::map<At, std::size_t> out;
        for (const auto& [at, place] : places_) {
            out.emplace(name(at), place);
        }
        places_ = std::move(out);
    }

    bool empty() const { return places_.empty(); }

    At first() const { return places_.begin()->first; }

    At last() const { return places_.rbegin()->first; }

    std::size_t size() const { return places_.size(); }

    /// The buckets in order; those below `min_doc_count` are left out.
    Result<std::vector<Bucket>> buckets(Run& run, const Level& level, std::uint64_t min_doc_count) {
        std::vector<Bucket> out;
        for (const auto& [at, place] : places_) {
            KUMO_TRY(run.check());
            const std::uint64_t count = run.weight_of(docs_.of(place));
            if (count < min_doc_count) {
                continue;
            }
            KUMO_TRY(run.add_buckets(1));
            Bucket bucket;
            bucket.key = at;
            bucket.doc_count = count;
            KUMO_TRY_ASSIGN(bucket.children, level.run(run, docs_.of(place)));
            out.push_back(std::move(bucket));
        }
        return out;
    }

private:
    std::map<At, std::size_t> places_;
    std::size_t docs_count_ = 0;
    BucketDocs docs_{0};
};

bool by_key(const std::vector<Order>& order) {
    return order.size() == 1 && order[0].by == OrderBy::kKey && order[0].ascending;
}

/// Both ends of each document's ranges, or each value as both.
template <typename Visit>
Status for_each_range(
    Run& run,
    const Values& values,
    const std::optional<Values>& range_ends,
    const DocSet& docs,
    Visit visit
) {
    ValuesReader reader(run, values);
    const Values none;
    ValuesReader ends(run, range_ends ? *range_ends : none);
    std::vector<double> lows;
    std::vector<double> highs;
    for (const PartDocs& part : docs) {
        reader.open(part);
        ends.open(part);
        for (std::size_t i = 0; i < part.docs.size(); ++i) {
            KUMO_TRY(run.check());
            KUMO_TRY(reader.numbers(part.docs[i], lows));
            if (range_ends) {
                KUMO_TRY(ends.numbers(part.docs[i], highs));
            }
            for (std::size_t v = 0; v < lows.size(); ++v) {
                const double high = v < highs.size() && range_ends ? highs[v] : lows[v];
                KUMO_TRY(visit(part, i, lows[v], high));
            }
        }
    }
    return {};
}

class HistogramAggregation : public Aggregation {
public:
    HistogramAggregation(Histogram histogram, Level level)
        : histogram_(std::move(histogram)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        Line<double> line;
        KUMO_TRY(for_each_range(
            run,
            histogram_.values,
            histogram_.range_ends,
            docs,
            [&](const PartDocs& part, std::size_t i, double low, double high) {
                return add(run, line, part, i, {low, high});
            }
        ));
        KUMO_TRY(fill(run, line));
        Output out;
        out.many = true;
        KUMO_TRY_ASSIGN(out.buckets, line.buckets(run, level_, histogram_.min_doc_count));
        if (!by_key(histogram_.order)) {
            KUMO_TRY(sort_buckets(histogram_.order, out.buckets));
        }
        KUMO_TRY(level_.finish(out));
        return out;
    }

private:
    struct Ends {
        double low;
        double high;
    };

    double floor(double value) const {
        return std::floor((value - histogram_.offset) / histogram_.interval);
    }

    double key(double step) const { return step * histogram_.interval + histogram_.offset; }

    Status add(Run& run, Line<double>& line, const PartDocs& part, std::size_t i, Ends ends) const {
        if (histogram_.hard_min) {
            ends.low = std::max(ends.low, *histogram_.hard_min);
        }
        if (histogram_.hard_max) {
            ends.high = std::min(ends.high, *histogram_.hard_max);
        }
        if (std::isnan(ends.low) || ends.low > ends.high) {
            return {};
        }
        const double first = floor(ends.low);
        const double last = floor(ends.high);
        if (last - first > static_cast<double>(run.options().buckets_max)) {
            return run.add_buckets(run.options().buckets_max + 1);
        }
        for (double step = first; step <= last; ++step) {
            line.add(step, part, i);
        }
        return {};
    }

    /// Empty buckets between the first and the last, and where bounds want them. Then steps become
    /// keys.
    Status fill(Run& run, Line<double>& line) const {
        if (histogram_.min_doc_count == 0) {
            double first = line.empty() ? INFINITY : line.first();
            double last = line.empty() ? -INFINITY : line.last();
            if (histogram_.extended_min) {
                first = std::min(first, floor(*histogram_.extended_min));
            }
            if (histogram_.extended_max) {
                last = std::max(last, floor(*histogram_.extended_max));
            }
            if (histogram_.extended_min && !histogram_.extended_max && line.empty()) {
                last = first;
            }
            if (last - first > static_cast<double>(run.options().buckets_max)) {
                return run.add_buckets(run.options().buckets_max + 1);
            }
            for (double step = first; step <= last; ++step) {
                line.touch(step);
            }
        }
        line.rename([this](double step) { return key(step); });
        return {};
    }

    Histogram histogram_;
    Level level_;
};

class DateHistogramAggregation : public Aggregation {
public:
    DateHistogramAggregation(DateHistogram histogram, Level level)
        : histogram_(std::move(histogram)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        Line<std::int64_t> line;
        KUMO_TRY(for_each_range(
            run,
            histogram_.values,
            histogram_.range_ends,
            docs,
            [&](const PartDocs& part, std::size_t i, double low, double high) {
                return add(run, line, part, i, static_cast<std::int64_t>(low), high);
            }
        ));
        KUMO_TRY(fill(run, line));
        Output out;
        out.many = true;
        KUMO_TRY_ASSIGN(out.buckets, line.buckets(run, level_, histogram_.min_doc_count));
        if (!by_key(histogram_.order)) {
            KUMO_TRY(sort_buckets(histogram_.order, out.buckets));
        }
        KUMO_TRY(level_.finish(out));
        return out;
    }

private:
    Status add(
        Run& run,
        Line<std::int64_t>& line,
        const PartDocs& part,
        std::size_t i,
        std::int64_t low,
        double high
    ) const {
        // A range without an end ends beyond what a double can tell from the greatest integer.
        constexpr double kMost = 9.2e18;
        auto last = high >= kMost ? INT64_MAX : static_cast<std::int64_t>(high);
        if (histogram_.hard_min) {
            low = std::max(low, *histogram_.hard_min);
        }
        if (histogram_.hard_max) {
            last = std::min(last, *histogram_.hard_max);
        }
        if (low > last) {
            return {};
        }
        std::uint64_t steps = 0;
        for (std::int64_t at = histogram_.rounding.floor(low); at <= last;) {
            line.add(at, part, i);
            const std::int64_t next = histogram_.rounding.next(at);
            if (next <= at || ++steps > run.options().buckets_max) {
                return run.add_buckets(run.options().buckets_max + 1);
            }
            at = next;
        }
        return {};
    }

    Status fill(Run& run, Line<std::int64_t>& line) const {
        if (histogram_.min_doc_count > 0) {
            return {};
        }
        std::int64_t first = line.empty() ? INT64_MAX : line.first();
        std::int64_t last = line.empty() ? INT64_MIN : line.last();
        if (histogram_.extended_min) {
            first = std::min(first, histogram_.rounding.floor(*histogram_.extended_min));
        }
        if (histogram_.extended_max) {
            last = std::max(last, histogram_.rounding.floor(*histogram_.extended_max));
        }
        std::uint64_t steps = 0;
        while (first <= last) {
            line.touch(first);
            const std::int64_t next = histogram_.rounding.next(first);
            if (next <= first || ++steps > run.options().buckets_max) {
                return run.add_buckets(run.options().buckets_max + 1);
            }
            first = next;
        }
        return {};
    }

    DateHistogram histogram_;
    Level level_;
};

class AutoHistogramAggregation : public Aggregation {
public:
    AutoHistogramAggregation(AutoHistogram histogram, Level level)
        : histogram_(std::move(histogram)), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        std::vector<double> all;
        KUMO_TRY(for_each_range(
            run,
            histogram_.values,
            std::nullopt,
            docs,
            [&all](const PartDocs&, std::size_t, double low, double) -> Status {
                all.push_back(low);
                return {};
            }
        ));
        const AutoHistogram::Interval* chosen = &histogram_.intervals.front();
        DateHistogram exact;
        exact.values = histogram_.values;
        exact.rounding = chosen->rounding;
        if (!all.empty()) {
            const auto [low, high] = std::minmax_element(all.begin(), all.end());
            const auto first = static_cast<std::int64_t>(*low);
            const auto last = static_cast<std::int64_t>(*high);
            chosen = &choose(first, last);
            exact.rounding = together(*chosen, first, last);
        }
        KUMO_TRY_ASSIGN(
            Output out,
            DateHistogramAggregation(std::move(exact), level_).run(run, docs)
        );
        out.interval = chosen->name;
        return out;
    }

private:
    const AutoHistogram::Interval& choose(std::int64_t low, std::int64_t high) const {
        for (const AutoHistogram::Interval& interval : histogram_.intervals) {
            const std::size_t most = histogram_.buckets * interval.together;
            std::size_t buckets = 0;
            std::int64_t at = interval.rounding.floor(low);
            while (at <= high && buckets <= most) {
                ++buckets;
                at = interval.rounding.next(at);
            }
            if (buckets <= most) {
                return interval;
            }
        }
        return histogram_.intervals.back();
    }

    /// Several of the rounding's buckets as one, counted from the first one.
    Rounding together(const AutoHistogram::Interval& interval, std::int64_t low, std::int64_t high)
        const {
        if (interval.together == 1) {
            return interval.rounding;
        }
        std::vector<std::int64_t> begins;
        std::int64_t at = interval.rounding.floor(low);
        const std::size_t most = (histogram_.buckets + 2) * interval.together;
        for (std::size_t i = 0; i <= most && (at <= high || begins.size() < 2); ++i) {
            if (i % interval.together == 0) {
                begins.push_back(at);
            }
            at = interval.rounding.next(at);
        }
        begins.push_back(at);
        const auto after = [begins](std::int64_t value) {
            return std::upper_bound(begins.begin(), begins.end(), value) - begins.begin();
        };
        const auto begin_of = [begins](std::ptrdiff_t i) {
            const auto last = static_cast<std::ptrdiff_t>(begins.size()) - 1;
            return begins[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(i, 0, last))];
        };
        Rounding out;
        out.floor = [after, begin_of](std::int64_t value) {
            return begin_of(after(value) - 1);
        };
        out.next = [after, begin_of](std::int64_t value) {
            const std::int64_t next = begin_of(after(value));
            return next > value ? next : INT64_MAX;
        };
        return out;
    }

    AutoHistogram histogram_;
    Level level_;
};

class VariableWidthAggregation : public Aggregation {
public:
    VariableWidthAggregation(Values values, std::size_t buckets, Level level)
        : values_(std::move(values)), buckets_(buckets), level_(std::move(level)) {}

    Result<Output> run(Run& run, const DocSet& docs) const override {
        std::vector<Value> all;
        KUMO_TRY(for_each_range(
            run,
            values_,
            std::nullopt,
            docs,
            [&all](const PartDocs& part, std::size_t i, double low, double) -> Status {
                all.push_back({low, &part, i});
                return {};
            }
        ));
        std::stable_sort(all.begin(), all.end(), [](const Value& a, const Value& b) {
            return a.number < b.number;
        });
        const std::vector<std::size_t> ends = groups(all);
        Output out;
        out.many = true;
        std::size_t begin = 0;
        for (const std::size_t end : ends) {
            KUMO_TRY(run.add_buckets(1));
            KUMO_TRY_ASSIGN(Bucket bucket, bucket_of(run, all, begin, end));
            out.buckets.push_back(std::move(bucket));
            begin = end;
        }
        KUMO_TRY(level_.finish(out));
        return out;
    }

private:
    struct Value {
        double number;
        const PartDocs* part;
        std::size_t at;
    };

    Result<Bucket>
    bucket_of(Run& run, const std::vector<Value>& all, std::size_t begin, std::size_t end) const {
        Bucket out;
        double sum = 0;
        std::vector<Value> own(
            all.begin() + static_cast<std::ptrdiff_t>(begin),
            all.begin() + static_cast<std::ptrdiff_t>(end)
        );
        for (const Value& value : own) {
            sum += value.number;
        }
        out.from = own.front().number;
        out.to = own.back().number;
        out.key = sum / static_cast<double>(own.size());
        std::sort(own.begin(), own.end(), [](const Value& a, const Value& b) {
            return a.part != b.part ? a.part < b.part : a.at < b.at;
        });
        BucketDocs docs(1);
        for (const Value& value : own) {
            docs.add(0, *value.part, value.at);
        }
        out.doc_count = run.weight_of(docs.of(0));
        KUMO_TRY_ASSIGN(out.children, level_.run(run, docs.of(0)));
        return out;
    }

    /// Where each group ends: neighbours with the nearest means become one until few are left.
    std::vector<std::size_t> groups(const std::vector<Value>& all) const {
        struct Group {
            double sum;
            std::size_t end;
            double count;
        };

        std::vector<Group> groups;
        for (std::size_t i = 0; i < all.size(); ++i) {
            groups.push_back({all[i].number, i + 1, 1});
        }
        // Many values are thinned first, so that what follows stays small.
        constexpr std::size_t kGroupsMax = 4096;
        const std::size_t per_group = groups.size() / kGroupsMax + 1;
        if (per_group > 1) {
            std::vector<Group> thin;
            for (std::size_t i = 0; i < groups.size(); ++i) {
                if (i % per_group == 0) {
                    thin.push_back({0, 0, 0});
                }
                thin.back().sum += groups[i].sum;
                thin.back().end = groups[i].end;
                thin.back().count += 1;
            }
            groups = std::move(thin);
        }
        while (groups.size() > std::max<std::size_t>(1, buckets_)) {
            std::size_t best = 0;
            double least = INFINITY;
            for (std::size_t i = 0; i + 1 < groups.size(); ++i) {
                const double gap =
                    groups[i + 1].sum / groups[i + 1].count - groups[i].sum / groups[i].count;
                if (gap < least) {
                    least = gap;
                    best = i;
                }
            }
            groups[best].sum += groups[best + 1].sum;
            groups[best].count += groups[best + 1].count;
            groups[best].end = groups[best + 1].end;
            groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(best) + 1);
        }
        std::vector<std::size_t> out;
        for (const Group& group : groups) {
            out.push_back(group.end);
        }
        return out;
    }

    Values values_;
    std::size_t buckets_;
    Level level_;
};

}  // namespace

AggregationPtr histogram(Histogram histogram, Level level) {
    return std::make_shared<const HistogramAggregation>(std::move(histogram), std::move(level));
}

AggregationPtr date_histogram(DateHistogram histogram, Level level) {
    return std::make_shared<const DateHistogramAggregation>(std::move(histogram), std::move(level));
}

AggregationPtr auto_date_histogram(AutoHistogram histogram, Level level) {
    return std::make_shared<const AutoHistogramAggregation>(std::move(histogram), std::move(level));
}

AggregationPtr variable_width_histogram(Values values, std::size_t buckets, Level level) {
    return std::make_shared<const VariableWidthAggregation>(
        std::move(values),
        buckets,
        std::move(level)
    );
}

}  // namespace kumo::search::aggregation
