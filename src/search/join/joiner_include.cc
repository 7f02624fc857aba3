#include "search/join/joiner.h"
#include "search/join/once_per_value.h"
#include "search/query/hit_order.h"
#include "wire/json.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

// What is shown of joined documents: from the documents of one level to those of the next, all hits
// of a page at once.

namespace kumo::search {

namespace {

using Lists = std::vector<std::vector<DocPlace>>;

/// Which of some lists of keys a value is in.
class KeyLists {
public:
    explicit KeyLists(const std::vector<std::vector<JoinKey>>& keys) {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            for (const JoinKey& key : keys[i]) {
                (key.is_number ? of_number_[key.number] : of_string_[key.text]).push_back(i);
            }
        }
    }

    /// Null if in none.
    const std::vector<std::size_t>* find(const JoinKey& key) const {
        if (key.is_number) {
            const auto found = of_number_.find(key.number);
            return found == of_number_.end() ? nullptr : &found->second;
        }
        const auto found = of_string_.find(key.text);
        return found == of_string_.end() ? nullptr : &found->second;
    }

private:
    std::unordered_map<std::string_view, std::vector<std::size_t>> of_string_;
    std::unordered_map<std::int64_t, std::vector<std::size_t>> of_number_;
};

/// For all lists at once: one pass over those of `docs` that have the reference.
void find_references(
    const Snapshot& there,
    std::size_t field,
    const PartSets& docs,
    const KeyLists& keys,
    Lists& out
) {
    const bool is_string = there.schema->fields[field].is_string();
    const auto who = [&](const JoinKey& key) {
        return keys.find(key);
    };
    for (std::uint32_t p = 0; p < there.parts.size(); ++p) {
        const ColumnReader& column = *there.parts[p].segment->columns[field];
        OncePerValue<const std::vector<std::size_t>*> said(column, is_string);
        const auto note = [&](DocId doc, std::int64_t code) {
            if (const auto* wanting = said.of(code, who)) {
                for (const std::size_t i : *wanting) {
                    out[i].push_back({p, doc});
                }
            }
        };
        docs[p].for_each([&](std::size_t doc) {
            const auto range = column.values_of(static_cast<DocId>(doc));
            for (std::uint64_t v = range.begin; v < range.end; ++v) {
                note(static_cast<DocId>(doc), column.value(v));
            }
        });
    }
}

/// Each once.
void tidy(std::vector<DocPlace>& places) {
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
}

}  // namespace

/// The documents that each list of keys leads to; each once, in no order.
Lists Joiner::follow(const std::vector<std::vector<JoinKey>>& keys, const JoinPathStep& step) {
    const Snapshot& there = snapshot_of(step.step);
    Lists out(keys.size());
    if (keys.empty()) {
        return out;
    }
    const PartSets seen = passing(step.step, step.filter);
    if (!step.step.forward) {
        find_references(there, *step.step.to, seen, KeyLists(keys), out);
    } else {
        KeyFinder finder(there, step.step.to, tables_);
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const auto note = [&](std::size_t part, DocId doc) {
                if (seen[part].test(doc)) {
                    out[i].push_back({static_cast<std::uint32_t>(part), doc});
                }
            };
            for (const JoinKey& key : keys[i]) {
                finder.find(key, note);
            }
        }
    }
    for (auto& places : out) {
        tidy(places);
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
            tidy(each);
        }
    }
    return places;
}

namespace {

/// By one key: below 0 if `a` comes before `b`. What has no value is last in either order.
int compare_by(
    const Snapshot& snapshot,
    const DocPlace& a,
    const DocPlace& b,
    const std::pair<std::size_t, bool>& key
) {
    const auto [field, descending] = key;
    const ColumnReader& x = *snapshot.parts[a.part].segment->columns[field];
    const ColumnReader& y = *snapshot.parts[b.part].segment->columns[field];
    const auto left = x.first(a.doc);
    const auto right = y.first(b.doc);
    if (!left || !right) {
        return static_cast<int>(right.has_value()) - static_cast<int>(left.has_value());
    }
    int order = *left < *right ? -1 : (*left > *right ? 1 : 0);
    if (snapshot.schema->fields[field].is_string()) {
        order = HitOrder::compare_text(
            x.string(static_cast<std::uint32_t>(*left)),
            y.string(static_cast<std::uint32_t>(*right))
        );
    }
    return descending ? -order : order;
}

}  // namespace

void Joiner::put_in_order(const JoinInclude& include, std::vector<Place>& places) const {
    const Snapshot& snapshot = snapshot_of(include.path.back().step);
    const auto arrived = [&](const Place& place) {
        return snapshot.parts[place.part].segment->order->first(place.doc).value_or(0);
    };
    std::stable_sort(places.begin(), places.end(), [&](const Place& a, const Place& b) {
        for (const auto& key : include.sort) {
            const int order = compare_by(snapshot, a, b, key);
            if (order != 0) {
                return order < 0;
            }
        }
        if (arrived(a) != arrived(b)) {
            return (arrived(a) < arrived(b)) != include.newest_first;
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
