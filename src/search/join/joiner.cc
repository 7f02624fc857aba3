#include "search/join/joiner.h"

#include "search/join/key_set.h"
#include "search/join/once_per_value.h"
#include "search/query/filter_eval.h"
#include "search/query/hit_order.h"
#include "search/query/matched_search.h"

#include <algorithm>
#include <utility>

namespace kumo::search {

namespace {

/// So many documents that pass are read to know the values that are looked for.
constexpr std::size_t kFewDocuments = 256;

std::size_t count_of(const PartSets& sets) {
    std::size_t count = 0;
    for (const Bitmap& set : sets) {
        count += set.count();
    }
    return count;
}

PartSets all_of(const Snapshot& snapshot) {
    PartSets out;
    for (const Snapshot::Part& part : snapshot.parts) {
        out.emplace_back(part.segment->doc_count, true);
    }
    return out;
}

PartSets empty_sets(const Snapshot& snapshot) {
    PartSets out;
    for (const Snapshot::Part& part : snapshot.parts) {
        out.emplace_back(part.segment->doc_count);
    }
    return out;
}

/// The values that some documents have, read from what is stored.
class ReadKeys {
public:
    ReadKeys(const Snapshot& snapshot, const PartSets& docs, std::optional<std::size_t> field) {
        std::string json;
        for (std::size_t p = 0; p < docs.size(); ++p) {
            docs[p].for_each([&](std::size_t doc) {
                json.clear();
                if (!snapshot.parts[p]
                         .segment->stored->append(static_cast<DocId>(doc), json)
                         .ok()) {
                    return;
                }
                const auto parsed = wire::JsonDocument::parse(json);
                if (!parsed.ok()) {
                    return;
                }
                for (const JoinKey& key : keys_of(parsed.value().root(), *snapshot.schema, field)) {
                    keys_.add(key);
                }
            });
        }
    }

    bool has(const JoinKey& key) const { return keys_.has(key); }

private:
    KeySet keys_;
};

}  // namespace

// ---- conditions

void Joiner::resolve(const Snapshot& local, Filter& filter) {
    for (Filter& child : filter.children) {
        resolve(local, child);
    }
    if (filter.kind != Filter::Kind::kJoin) {
        return;
    }
    filter.docs = std::make_shared<const DocSets>(join(local, *filter.join));
    filter.join = nullptr;
    filter.kind = Filter::Kind::kDocs;
}

/// The documents there that pass and may be seen.
PartSets Joiner::passing(const JoinStep& step, const Filter& filter) {
    const JoinedCollection& collection = request_.collections[step.collection];
    const Snapshot& snapshot = *collection.snapshot;
    Filter all = filter;
    resolve(snapshot, all);
    std::optional<Filter> allowed;
    if (collection.allowed && !inside_allowed_) {
        allowed = collection.allowed;
        inside_allowed_ = true;
        resolve(snapshot, *allowed);
        inside_allowed_ = false;
    }
    const SchemaAnalyzer analyzer(*snapshot.schema);
    PartSets out;
    for (const Snapshot::Part& part : snapshot.parts) {
        out.push_back(live_matches(part, all, analyzer));
        if (allowed) {
            out.back().intersect(evaluate(*allowed, analyzer, *part.segment));
        }
    }
    return out;
}

DocSets Joiner::join(const Snapshot& local, const Join& join) {
    const PartSets there = passing(join.step, join.filter);
    PartSets here = empty_sets(local);
    if (join.step.forward) {
        join_forward(local, join.step, there, here);
    } else {
        join_backward(local, join.step, there, here);
    }
    DocSets out;
    for (std::size_t p = 0; p < here.size(); ++p) {
        out.of.emplace(local.parts[p].segment.get(), std::move(here[p]));
    }
    return out;
}

void Joiner::join_forward(
    const Snapshot& local,
    const JoinStep& step,
    const PartSets& passing,
    PartSets& out
) {
    const Snapshot& there = snapshot_of(step);
    const std::size_t count = count_of(passing);
    if (count == 0) {
        return;
    }
    std::optional<ReadKeys> wanted;
    std::optional<KeyFinder> finder;
    if (count <= kFewDocuments) {
        wanted.emplace(there, passing, step.to);
    } else {
        finder.emplace(there, step.to, tables_);
    }
    const auto passes = [&](const JoinKey& key) {
        if (wanted) {
            return wanted->has(key);
        }
        bool any = false;
        finder->find(key, [&](std::size_t part, DocId doc) {
            any = any || passing[part].test(doc);
        });
        return any;
    };
    const bool is_string = local.schema->fields[*step.from].is_string();
    for (std::size_t p = 0; p < local.parts.size(); ++p) {
        const ColumnReader& column = *local.parts[p].segment->columns[*step.from];
        OncePerValue<bool> said(column, is_string);
        for (DocId doc = 0; doc < local.parts[p].segment->doc_count; ++doc) {
            const auto range = column.values_of(doc);
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                if (said.of(column.value(i), passes)) {
                    out[p].set(doc);
                    break;
                }
            }
        }
    }
}

void Joiner::join_backward(
    const Snapshot& local,
    const JoinStep& step,
    const PartSets& passing,
    PartSets& out
) {
    const Snapshot& there = snapshot_of(step);
    KeyFinder finder(local, step.from, tables_);
    const bool is_string = there.schema->fields[*step.to].is_string();
    const auto mark = [&](const JoinKey& key) {
        finder.find(key, [&](std::size_t part, DocId doc) { out[part].set(doc); });
        return true;
    };
    for (std::size_t p = 0; p < there.parts.size(); ++p) {
        const ColumnReader& column = *there.parts[p].segment->columns[*step.to];
        OncePerValue<bool> marked(column, is_string);
        passing[p].for_each([&](std::size_t doc) {
            const auto range = column.values_of(static_cast<DocId>(doc));
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                (void)marked.of(column.value(i), mark);
            }
        });
    }
}

// ---- edges

/// Calls visit(place here, place there) for what is joined and passes; for one pair maybe twice.
template <typename Visit>
void Joiner::for_each_edge(
    const Snapshot& local,
    const JoinStep& step,
    const PartSets& passing,
    Visit visit
) {
    if (step.forward) {
        const PartSets all = all_of(local);
        for_each_reference({local, *step.from, all}, {snapshot_of(step), step.to, passing}, visit);
        return;
    }
    const PartSets all = all_of(local);
    for_each_reference(
        {snapshot_of(step), *step.to, passing},
        {local, step.from, all},
        [&](const Place& there, const Place& here) { visit(here, there); }
    );
}

/// Calls visit(place with the reference, place that it names).
template <typename Visit>
void Joiner::for_each_reference(const References& from, const Referenced& to, Visit visit) {
    KeyFinder finder(to.snapshot, to.field, tables_);
    const auto find = [&](const JoinKey& key) {
        std::vector<Place> places;
        finder.find(key, [&](std::size_t part, DocId doc) {
            if (to.docs[part].test(doc)) {
                places.push_back({static_cast<std::uint32_t>(part), doc});
            }
        });
        return places;
    };
    const bool is_string = from.snapshot.schema->fields[from.field].is_string();
    for (std::uint32_t p = 0; p < from.snapshot.parts.size(); ++p) {
        const ColumnReader& column = *from.snapshot.parts[p].segment->columns[from.field];
        OncePerValue<std::vector<Place>> found(column, is_string);
        from.docs[p].for_each([&](std::size_t doc) {
            const auto range = column.values_of(static_cast<DocId>(doc));
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                for (const Place& place : found.of(column.value(i), find)) {
                    visit(Place{p, static_cast<DocId>(doc)}, place);
                }
            }
        });
    }
}

namespace {

/// The value of each document of a snapshot, as JoinValues has them.
JoinValues empty_values(const Snapshot& snapshot, bool strings) {
    JoinValues out;
    out.strings = strings;
    for (const Snapshot::Part& part : snapshot.parts) {
        const DocId docs = part.segment->doc_count;
        out.has.emplace_back(docs);
        out.numbers.emplace_back(strings ? 0 : docs);
        out.texts.emplace_back(strings ? docs : 0);
    }
    return out;
}

JoinValues column_values(const Snapshot& snapshot, std::size_t field) {
    JoinValues out = empty_values(snapshot, snapshot.schema->fields[field].is_string());
    for (std::size_t p = 0; p < snapshot.parts.size(); ++p) {
        const ColumnReader& column = *snapshot.parts[p].segment->columns[field];
        for (DocId doc = 0; doc < out.has[p].size(); ++doc) {
            const auto code = column.first(doc);
            if (!code) {
                continue;
            }
            out.has[p].set(doc);
            if (out.strings) {
                out.texts[p][doc] = column.string(static_cast<std::uint32_t>(*code));
            } else {
                out.numbers[p][doc] = *code;
            }
        }
    }
    return out;
}

/// The first score that fits, as `_eval` has it.
JoinValues
score_values(const Snapshot& snapshot, const std::vector<std::pair<Filter, std::int64_t>>& scores) {
    JoinValues out = empty_values(snapshot, false);
    const SchemaAnalyzer analyzer(*snapshot.schema);
    for (std::size_t p = 0; p < snapshot.parts.size(); ++p) {
        out.has[p] = Bitmap(out.has[p].size(), true);
        for (std::size_t i = scores.size(); i-- > 0;) {
            const Bitmap docs = evaluate(scores[i].first, analyzer, *snapshot.parts[p].segment);
            docs.for_each([&](std::size_t doc) { out.numbers[p][doc] = scores[i].second; });
        }
    }
    return out;
}

void keep_best(
    JoinValues& out,
    DocPlace to,
    const JoinValues& values,
    DocPlace from,
    bool descending
) {
    const std::uint32_t part = to.part;
    const DocId doc = to.doc;
    if (!values.has[from.part].test(from.doc)) {
        return;
    }
    bool better = !out.has[part].test(doc);
    if (values.strings) {
        const std::string_view text = values.texts[from.part][from.doc];
        if (!better) {
            const int order = HitOrder::compare_text(text, out.texts[part][doc]);
            better = descending ? order > 0 : order < 0;
        }
        if (better) {
            out.texts[part][doc] = text;
        }
    } else {
        const std::int64_t number = values.numbers[from.part][from.doc];
        if (!better) {
            better = descending ? number > out.numbers[part][doc] : number < out.numbers[part][doc];
        }
        if (better) {
            out.numbers[part][doc] = number;
        }
    }
    out.has[part].set(doc);
}

}  // namespace

JoinValues Joiner::values(const Snapshot& local, const JoinSort& sort, bool descending) {
    const Snapshot& there = snapshot_of(sort.step.step);
    const PartSets seen = passing(sort.step.step, sort.step.filter);
    JoinValues values;
    if (sort.next != nullptr) {
        values = this->values(there, *sort.next, descending);
    } else if (!sort.scores.empty()) {
        auto scores = sort.scores;
        for (auto& [filter, score] : scores) {
            resolve(there, filter);
        }
        values = score_values(there, scores);
    } else {
        values = column_values(there, sort.field);
    }
    JoinValues out = empty_values(local, values.strings);
    for_each_edge(local, sort.step.step, seen, [&](const Place& here, const Place& place) {
        keep_best(out, here, values, place, descending);
    });
    return out;
}

namespace {

/// Numbers the things that a facet counts, and counts documents once for each.
class ThingCounter {
public:
    ThingCounter(const Snapshot& there, const FacetRequest& facet)
        : facet_(facet), is_string_(there.schema->fields[facet.field].is_string()) {
        for (std::size_t i = 0; i < facet.ranges.size(); ++i) {
            counts_.numbers.emplace_back(static_cast<std::int64_t>(i), 0);
        }
    }

    void add(const ColumnReader& column, std::int64_t code, const DocPlace& document) {
        if (!facet_.ranges.empty()) {
            for (std::uint32_t i = 0; i < facet_.ranges.size(); ++i) {
                if (code >= facet_.ranges[i].from && code < facet_.ranges[i].to) {
                    pairs_.emplace_back(i, document);
                }
            }
        } else if (is_string_) {
            const std::string_view text = column.string(static_cast<std::uint32_t>(code));
            pairs_.emplace_back(number(of_string_, text, counts_.strings), document);
        } else {
            pairs_.emplace_back(number(of_number_, code, counts_.numbers), document);
        }
    }

    JoinCounts finish() {
        std::sort(pairs_.begin(), pairs_.end());
        pairs_.erase(std::unique(pairs_.begin(), pairs_.end()), pairs_.end());
        for (const auto& [thing, document] : pairs_) {
            ++(is_string_ ? counts_.strings[thing].second : counts_.numbers[thing].second);
        }
        return std::move(counts_);
    }

private:
    template <typename Key, typename List>
    static std::uint32_t
    number(std::unordered_map<Key, std::uint32_t>& known, const Key& key, List& list) {
        const auto [at, added] = known.try_emplace(key, static_cast<std::uint32_t>(list.size()));
        if (added) {
            list.emplace_back(key, 0);
        }
        return at->second;
    }

    const FacetRequest& facet_;
    bool is_string_;
    std::unordered_map<std::string_view, std::uint32_t> of_string_;
    std::unordered_map<std::int64_t, std::uint32_t> of_number_;
    std::vector<std::pair<std::uint32_t, DocPlace>> pairs_;
    JoinCounts counts_;
};

}  // namespace

JoinCounts
Joiner::counts(const Snapshot& local, const PartSets& matched, const FacetRequest& facet) {
    const JoinPathStep& step = *facet.join;
    const Snapshot& there = snapshot_of(step.step);
    const PartSets seen = passing(step.step, step.filter);
    ThingCounter counter(there, facet);
    for_each_edge(local, step.step, seen, [&](const Place& here, const Place& place) {
        if (!matched[here.part].test(here.doc)) {
            return;
        }
        const ColumnReader& column = *there.parts[place.part].segment->columns[facet.field];
        const auto range = column.values_of(place.doc);
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            counter.add(column, column.value(i), here);
        }
    });
    return counter.finish();
}

}  // namespace kumo::search
