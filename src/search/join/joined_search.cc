#include "search/join/joined_search.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace kumo::search {

namespace {

Error wrong() {
    return invalid_argument("A join does not fit the collections.");
}

bool has_column(const Schema& schema, std::size_t field) {
    return field < schema.fields.size() && parts_of(schema.fields[field]).column;
}

/// Checks positions, so that nothing that is followed later is out of range.
class JoinChecker {
public:
    explicit JoinChecker(const JoinRequest& joins) : joins_(joins) {}

    bool fits(const Schema& from, const JoinStep& step) const {
        if (step.collection >= joins_.collections.size()) {
            return false;
        }
        const JoinedCollection& to = joins_.collections[step.collection];
        if (to.schema == nullptr || to.snapshot == nullptr || *to.snapshot->schema != *to.schema) {
            return false;
        }
        const auto known = [](const Schema& schema, std::optional<std::size_t> field) {
            return !field || *field < schema.fields.size();
        };
        return known(from, step.from) && known(*to.schema, step.to)
               && (step.forward ? step.from && has_column(from, *step.from)
                                : step.to && has_column(*to.schema, *step.to));
    }

    bool fits(const Schema& from, const Filter& filter, std::uint32_t depth) const {
        const bool children_fit =
            std::all_of(filter.children.begin(), filter.children.end(), [&](const Filter& child) {
                return fits(from, child, depth);
            });
        if (!children_fit || filter.kind != Filter::Kind::kJoin) {
            return children_fit;
        }
        return depth > 0 && filter.join != nullptr && fits(from, filter.join->step)
               && fits(schema_of(filter.join->step), filter.join->filter, depth - 1);
    }

    bool fits(const Schema& from, const JoinInclude& include, std::uint32_t depth) const {
        const Schema* at = &from;
        for (const JoinPathStep& step : include.path) {
            if (!fits(*at, step.step)) {
                return false;
            }
            at = &schema_of(step.step);
            if (!fits(*at, step.filter, kJoinDepthMax)) {
                return false;
            }
        }
        return depth > 0 && !include.path.empty()
               && std::all_of(
                   include.sort.begin(),
                   include.sort.end(),
                   [&](const auto& key) { return has_column(*at, key.first); }
               )
               && std::all_of(
                   include.nested.begin(),
                   include.nested.end(),
                   [&](const JoinInclude& each) { return fits(*at, each, depth - 1); }
               );
    }

    bool fits(const Schema& from, const JoinSort& sort, std::uint32_t depth) const {
        if (depth == 0 || !fits(from, sort.step.step)) {
            return false;
        }
        const Schema& there = schema_of(sort.step.step);
        if (!fits(there, sort.step.filter, kJoinDepthMax)) {
            return false;
        }
        if (sort.next != nullptr) {
            return fits(there, *sort.next, depth - 1);
        }
        return sort.scores.empty()
                   ? has_column(there, sort.field)
                   : std::all_of(sort.scores.begin(), sort.scores.end(), [&](const auto& score) {
                         return fits(there, score.first, kJoinDepthMax);
                     });
    }

    const Schema& schema_of(const JoinStep& step) const {
        return *joins_.collections[step.collection].schema;
    }

private:
    const JoinRequest& joins_;
};

bool sort_key_fits(const JoinChecker& checker, const Schema& schema, const SortKey& key) {
    if (key.by == SortKey::By::kJoined) {
        return key.join != nullptr && checker.fits(schema, *key.join, kJoinDepthMax);
    }
    return std::all_of(key.filters.begin(), key.filters.end(), [&](const ScoredFilter& scored) {
        return checker.fits(schema, scored.filter, kJoinDepthMax);
    });
}

}  // namespace

Status check_joins(const Schema& schema, const SearchRequest& request) {
    const JoinChecker checker(request.joins);
    bool fit = request.joins.collections.size() <= kJoinedCollectionsMax
               && checker.fits(schema, request.filter, kJoinDepthMax);
    for (const JoinInclude& include : request.joins.includes) {
        fit = fit && checker.fits(schema, include, kJoinDepthMax);
    }
    for (const SortKey& key : request.sort) {
        fit = fit && sort_key_fits(checker, schema, key);
    }
    for (const FacetRequest& facet : request.facets) {
        fit = fit
              && (!facet.join
                  || (checker.fits(schema, facet.join->step)
                      && has_column(checker.schema_of(facet.join->step), facet.field)
                      && checker.fits(
                          checker.schema_of(facet.join->step),
                          facet.join->filter,
                          kJoinDepthMax
                      )));
    }
    for (const JoinedCollection& collection : request.joins.collections) {
        fit = fit && collection.schema != nullptr && collection.snapshot != nullptr
              && (!collection.allowed
                  || checker.fits(*collection.schema, *collection.allowed, kJoinDepthMax));
    }
    return fit ? Status() : Status(wrong());
}

void resolve_joins(const Snapshot& snapshot, Joiner& joiner, SearchRequest& request) {
    joiner.resolve(snapshot, request.filter);
    for (SortKey& key : request.sort) {
        for (ScoredFilter& scored : key.filters) {
            joiner.resolve(snapshot, scored.filter);
        }
        if (key.by == SortKey::By::kJoined) {
            key.values = std::make_shared<const JoinValues>(
                joiner.values(snapshot, *key.join, key.descending)
            );
        }
    }
}

Status include_joined(
    const Schema& schema,
    const JoinRequest& joins,
    Joiner& joiner,
    std::span<Hit* const> hits
) {
    if (joins.includes.empty()) {
        return {};
    }
    std::vector<std::string> documents;
    documents.reserve(hits.size());
    for (const Hit* hit : hits) {
        documents.push_back(hit->document);
    }
    KUMO_TRY_ASSIGN(auto joined, joiner.include(schema, documents, joins.includes));
    for (std::size_t i = 0; i < hits.size(); ++i) {
        hits[i]->joined = std::move(joined[i]);
    }
    return {};
}

}  // namespace kumo::search
