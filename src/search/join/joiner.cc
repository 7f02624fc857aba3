#include "search/join/joiner.h"

#include "search/query/filter_eval.h"
#include "search/query/matched_search.h"

#include <algorithm>
#include <unordered_set>
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
                if (!snapshot.parts[p].segment->stored->append(static_cast<DocId>(doc), json).ok()) {
                    return;
                }
                const auto parsed = wire::JsonDocument::parse(json);
                if (!parsed.ok()) {
                    return;
                }
                for (const JoinKey& key : keys_of(parsed.value().root(), *snapshot.schema, field)) {
                    if (key.is_number) {
                        numbers_.insert(key.number);
                    } else {
                        strings_.emplace(key.text);
                    }
                }
            });
        }
    }

    bool has(const JoinKey& key) const {
        return key.is_number ? numbers_.contains(key.number)
                             : strings_.contains(std::string(key.text));
    }

private:
    std::unordered_set<std::int64_t> numbers_;
    std::unordered_set<std::string> strings_;
};

JoinKey key_at(const ColumnReader& column, bool is_string, std::int64_t code) {
    return is_string ? JoinKey{false, 0, column.string(static_cast<std::uint32_t>(code))}
                     : JoinKey{true, code, {}};
}

/// Remembers what was said of each value of a column.
template <typename Said>
class OncePerValue {
public:
    OncePerValue(const ColumnReader& column, bool is_string)
        : column_(column), is_string_(is_string), by_ordinal_(column.string_count()) {}

    template <typename Say>
    const Said& of(std::int64_t code, Say say) {
        std::optional<Said>& said =
            is_string_ ? by_ordinal_[static_cast<std::size_t>(code)] : by_number_[code];
        if (!said) {
            said.emplace(say(key_at(column_, is_string_, code)));
        }
        return *said;
    }

private:
    const ColumnReader& column_;
    bool is_string_;
    std::vector<std::optional<Said>> by_ordinal_;
    std::unordered_map<std::int64_t, std::optional<Said>> by_number_;
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
    const Analyzer analyzer = analyzer_for(*snapshot.schema);
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
    const Snapshot& there = snapshot_of(step);
    const Snapshot& referencing = step.forward ? local : there;
    const Snapshot& referenced = step.forward ? there : local;
    const std::size_t field = step.forward ? *step.from : *step.to;
    KeyFinder finder(referenced, step.forward ? step.to : step.from, tables_);
    const auto find = [&](const JoinKey& key) {
        std::vector<Place> places;
        finder.find(key, [&](std::size_t part, DocId doc) {
            if (!step.forward || passing[part].test(doc)) {
                places.push_back({static_cast<std::uint32_t>(part), doc});
            }
        });
        return places;
    };
    const bool is_string = referencing.schema->fields[field].is_string();
    for (std::uint32_t p = 0; p < referencing.parts.size(); ++p) {
        const SegmentReader& segment = *referencing.parts[p].segment;
        const ColumnReader& column = *segment.columns[field];
        OncePerValue<std::vector<Place>> found(column, is_string);
        for (DocId doc = 0; doc < segment.doc_count; ++doc) {
            if (!step.forward && !passing[p].test(doc)) {
                continue;
            }
            const auto range = column.values_of(doc);
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                for (const Place& place : found.of(column.value(i), find)) {
                    step.forward ? visit(Place{p, doc}, place) : visit(place, Place{p, doc});
                }
            }
        }
    }
}

namespace {

/// Folds case as the order of strings does.
int compare_sorted_text(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    };
    const std::size_t common = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < common; ++i) {
        if (lower(a[i]) != lower(b[i])) {
            return lower(a[i]) < lower(b[i]) ? -1 : 1;
        }
    }
    return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

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
JoinValues score_values(
    const Snapshot& snapshot,
    const std::vector<std::pair<Filter, std::int64_t>>& scores
) {
    JoinValues out = empty_values(snapshot, false);
    const Analyzer analyzer = analyzer_for(*snapshot.schema);
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
            const int order = compare_sorted_text(text, out.texts[part][doc]);
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

// ---- what is shown

/// The documents that each list of keys leads to; each once, in no order.
std::vector<std::vector<DocPlace>>
Joiner::follow(const std::vector<std::vector<JoinKey>>& keys, const JoinPathStep& step) {
    const Snapshot& there = snapshot_of(step.step);
    const PartSets seen = passing(step.step, step.filter);
    std::vector<std::vector<Place>> out(keys.size());
    if (step.step.forward) {
        KeyFinder finder(there, step.step.to, tables_);
        for (std::size_t i = 0; i < keys.size(); ++i) {
            for (const JoinKey& key : keys[i]) {
                finder.find(key, [&](std::size_t part, DocId doc) {
                    if (seen[part].test(doc)) {
                        out[i].push_back({static_cast<std::uint32_t>(part), doc});
                    }
                });
            }
        }
    } else {
        // All at once: one pass over those that have the reference.
        std::unordered_map<std::string_view, std::vector<std::size_t>> of_string;
        std::unordered_map<std::int64_t, std::vector<std::size_t>> of_number;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            for (const JoinKey& key : keys[i]) {
                (key.is_number ? of_number[key.number] : of_string[key.text]).push_back(i);
            }
        }
        const std::size_t field = *step.step.to;
        const bool is_string = there.schema->fields[field].is_string();
        const auto who = [&](const JoinKey& key) -> const std::vector<std::size_t>* {
            if (key.is_number) {
                const auto found = of_number.find(key.number);
                return found == of_number.end() ? nullptr : &found->second;
            }
            const auto found = of_string.find(key.text);
            return found == of_string.end() ? nullptr : &found->second;
        };
        for (std::uint32_t p = 0; p < there.parts.size(); ++p) {
            const ColumnReader& column = *there.parts[p].segment->columns[field];
            OncePerValue<const std::vector<std::size_t>*> said(column, is_string);
            seen[p].for_each([&](std::size_t doc) {
                const auto range = column.values_of(static_cast<DocId>(doc));
                for (std::uint64_t v = range.begin; v < range.end; ++v) {
                    if (const auto* wanting = said.of(column.value(v), who)) {
                        for (const std::size_t i : *wanting) {
                            out[i].push_back({p, static_cast<DocId>(doc)});
                        }
                    }
                }
            });
        }
    }
    for (auto& places : out) {
        std::sort(places.begin(), places.end());
        places.erase(std::unique(places.begin(), places.end()), places.end());
    }
    return out;
}

namespace {

/// Documents that stay parsed while their keys are used.
class ParsedKeys {
public:
    ParsedKeys(
        const Schema& schema,
        std::span<const std::string> documents,
        std::optional<std::size_t> field
    ) {
        parsed_.reserve(documents.size());
        for (const std::string& document : documents) {
            parsed_.push_back(wire::JsonDocument::parse(document));
            keys_.emplace_back();
            if (parsed_.back().ok()) {
                keys_.back() = keys_of(parsed_.back().value().root(), schema, field);
            }
        }
    }

    const std::vector<std::vector<JoinKey>>& keys() const { return keys_; }

private:
    std::vector<Result<wire::JsonDocument>> parsed_;
    std::vector<std::vector<JoinKey>> keys_;
};

Result<std::string> fetch(const Snapshot& snapshot, const DocPlace& place) {
    std::string out;
    KUMO_TRY(snapshot.parts[place.part].segment->stored->append(place.doc, out));
    return out;
}

}  // namespace

std::vector<std::vector<DocPlace>> Joiner::follow_path(
    const Schema& schema,
    std::span<const std::string> documents,
    const JoinInclude& include
) {
    const JoinPathStep& first = include.path.front();
    std::vector<std::vector<Place>> places =
        follow(ParsedKeys(schema, documents, first.step.from).keys(), first);
    for (std::size_t s = 1; s < include.path.size(); ++s) {
        const Snapshot& before = snapshot_of(include.path[s - 1].step);
        std::vector<std::string> on_the_way;
        std::vector<std::size_t> owner;
        for (std::size_t i = 0; i < places.size(); ++i) {
            for (const Place& place : places[i]) {
                auto document = fetch(before, place);
                if (document.ok() && on_the_way.size() < kJoinedDocumentsMax) {
                    on_the_way.push_back(std::move(document).value());
                    owner.push_back(i);
                }
            }
        }
        const ParsedKeys parsed(*before.schema, on_the_way, include.path[s].step.from);
        const auto next = follow(parsed.keys(), include.path[s]);
        for (auto& each : places) {
            each.clear();
        }
        for (std::size_t k = 0; k < next.size(); ++k) {
            auto& mine = places[owner[k]];
            mine.insert(mine.end(), next[k].begin(), next[k].end());
        }
        for (auto& each : places) {
            std::sort(each.begin(), each.end());
            each.erase(std::unique(each.begin(), each.end()), each.end());
        }
    }
    return places;
}

void Joiner::put_in_order(const JoinInclude& include, std::vector<Place>& places) const {
    const Snapshot& snapshot = snapshot_of(include.path.back().step);
    const auto arrived = [&](const Place& place) {
        return snapshot.parts[place.part].segment->order->first(place.doc).value_or(0);
    };
    const auto compare = [&](const Place& a, const Place& b, std::size_t field) {
        const ColumnReader& x = *snapshot.parts[a.part].segment->columns[field];
        const ColumnReader& y = *snapshot.parts[b.part].segment->columns[field];
        const auto left = x.first(a.doc);
        const auto right = y.first(b.doc);
        if (!left || !right) {
            return std::make_pair(left ? 1 : (right ? -1 : 0), true);
        }
        if (snapshot.schema->fields[field].is_string()) {
            return std::make_pair(
                compare_sorted_text(
                    x.string(static_cast<std::uint32_t>(*left)),
                    y.string(static_cast<std::uint32_t>(*right))
                ),
                false
            );
        }
        return std::make_pair(*left < *right ? -1 : (*left > *right ? 1 : 0), false);
    };
    std::stable_sort(places.begin(), places.end(), [&](const Place& a, const Place& b) {
        for (const auto& [field, descending] : include.sort) {
            const auto [order, missing] = compare(a, b, field);
            if (order != 0) {
                // What has no value is last in either order.
                return missing || descending ? order > 0 : order < 0;
            }
        }
        if (arrived(a) != arrived(b)) {
            return include.newest_first ? arrived(a) > arrived(b) : arrived(a) < arrived(b);
        }
        return a < b;
    });
}

Result<std::vector<JoinedDocuments>> Joiner::include_one(
    const Schema& schema,
    std::span<const std::string> documents,
    const JoinInclude& include
) {
    std::vector<std::vector<Place>> places = follow_path(schema, documents, include);
    const Snapshot& there = snapshot_of(include.path.back().step);
    std::vector<JoinedDocuments> out(documents.size());
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < places.size(); ++i) {
        put_in_order(include, places[i]);
        out[i].found = places[i].size();
        places[i].resize(std::min<std::size_t>(places[i].size(), include.limit));
        included_ += places[i].size();
        if (included_ > kJoinedDocumentsMax) {
            return Error{
                ErrorCode::kLimitExceeded,
                "Only upto " + std::to_string(kJoinedDocumentsMax)
                    + " joined documents can be fetched: narrow the join down, or use `limit` in "
                      "`include_fields`."};
        }
        for (const Place& place : places[i]) {
            KUMO_TRY_ASSIGN(shown.emplace_back(), fetch(there, place));
        }
    }
    KUMO_TRY_ASSIGN(auto nested, this->include(*there.schema, shown, include.nested));
    std::size_t next = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
        for (std::size_t k = 0; k < places[i].size(); ++k, ++next) {
            out[i].documents.push_back({std::move(shown[next]), std::move(nested[next])});
        }
    }
    return out;
}

Result<std::vector<std::vector<JoinedDocuments>>> Joiner::include(
    const Schema& schema,
    std::span<const std::string> documents,
    std::span<const JoinInclude> includes
) {
    std::vector<std::vector<JoinedDocuments>> out(documents.size());
    for (const JoinInclude& each : includes) {
        KUMO_TRY_ASSIGN(auto joined, include_one(schema, documents, each));
        for (std::size_t i = 0; i < documents.size(); ++i) {
            out[i].push_back(std::move(joined[i]));
        }
    }
    return out;
}

}  // namespace kumo::search
