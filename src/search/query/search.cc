#include "search/query/search.h"

#include "search/join/joined_search.h"
#include "search/query/facets.h"
#include "search/query/grouping.h"
#include "search/query/hit_order.h"
#include "search/query/matched_search.h"
#include "search/query/ranking.h"
#include "search/schema/json_path.h"
#include "wire/json.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace kumo::search {

namespace {

std::string raw_of(const PathValues& found) {
    if (!found.through_array) {
        return std::string(found.values.front().raw());
    }
    std::string out = "[";
    for (const wire::JsonValue value : found.values) {
        out += out.size() > 1 ? "," : "";
        out += value.raw();
    }
    return out + "]";
}

/// The second half of a search: counted, grouped, ranked and shown.
class Search {
public:
    /// The request's joins are resolved; `joiner` may be null if it has none.
    Search(
        const Snapshot& snapshot,
        const SearchRequest& request,
        const Clock& clock,
        Joiner* joiner
    )
        : snapshot_(snapshot),
          request_(request),
          matched_(snapshot, request, clock),
          joiner_(joiner) {}

    Result<SearchResult> run() {
        KUMO_TRY(matched_.run());
        find_groups();
        count_and_facet();
        const HitOrder
            order(snapshot_, request_, matched_.has_words(), groups(), matched_.vectors());
        const Ranked ranked{matched_.parts(), matched_.has_words()};
        if (groups_) {
            KUMO_TRY(fetch_groups(page_of_groups(order, ranked)));
        } else {
            std::vector<RankedHit> hits = rank(order, ranked, request_.offset + request_.limit);
            place_pins(hits);
            KUMO_TRY(fetch_page(hits));
        }
        result_.cut_off = matched_.cut_off();
        return std::move(result_);
    }

private:
    const Groups* groups() const { return groups_ ? &*groups_ : nullptr; }

    void count_and_facet() {
        result_.out_of = snapshot_.doc_count;
        result_.found_docs = matched_.pins().size();
        for (const PartMatches& part : matched_.parts()) {
            result_.found_docs += part.matched.count();
        }
        result_.found = groups_ ? groups_->count() : result_.found_docs;
        for (const FacetRequest& facet : request_.facets) {
            if (facet.join) {
                result_.facets.push_back(joined_facet(facet));
                continue;
            }
            result_.facets.push_back(count_facet(
                snapshot_,
                matched_.parts(),
                facet,
                request_.max_facet_values,
                matched_.analyzer(),
                groups()
            ));
        }
    }

    FacetResult joined_facet(const FacetRequest& facet) {
        PartSets matched;
        for (const PartMatches& part : matched_.parts()) {
            matched.push_back(part.matched);
        }
        const JoinedCollection& there = request_.joins.collections[facet.join->step.collection];
        return search::joined_facet(
            *there.schema,
            joiner_->counts(snapshot_, matched, facet),
            facet,
            request_.max_facet_values
        );
    }

    void find_groups() {
        if (!request_.group) {
            return;
        }
        result_.grouped = true;
        groups_.emplace(snapshot_, *request_.group);
        for (std::size_t p = 0; p < matched_.parts().size(); ++p) {
            matched_.parts()[p].matched.for_each([&](std::size_t doc) {
                groups_->add(p, static_cast<DocId>(doc));
            });
        }
        for (const Pin& pin : matched_.pins()) {
            groups_->add(pin.hit.part, pin.hit.doc);
        }
    }

    void place_pins(std::vector<RankedHit>& hits) const {
        std::vector<std::pair<std::uint32_t, RankedHit>> pinned;
        for (const Pin& pin : matched_.pins()) {
            pinned.emplace_back(pin.position, pin.hit);
        }
        insert_at_positions(std::move(pinned), hits);
    }

    /// The groups of the page that was asked for. A group with pinned documents is where the first
    /// of them is, and begins with them.
    std::vector<RankedGroup> page_of_groups(const HitOrder& order, const Ranked& ranked) const {
        std::vector<std::pair<std::uint32_t, RankedGroup>> pinned;
        std::unordered_map<GroupId, std::size_t> pinned_at;
        for (const Pin& pin : matched_.pins()) {
            const GroupId group = groups_->of(pin.hit.part, pin.hit.doc);
            const auto [at, added] = pinned_at.try_emplace(group, pinned.size());
            if (added) {
                pinned.emplace_back(pin.position, RankedGroup{group, {}});
            }
            std::vector<RankedHit>& hits = pinned[at->second].second.hits;
            const bool known = std::any_of(hits.begin(), hits.end(), [&](const RankedHit& hit) {
                return hit.part == pin.hit.part && hit.doc == pin.hit.doc;
            });
            if (!known) {
                hits.push_back(pin.hit);
            }
        }
        const std::size_t end = request_.offset + request_.limit;
        std::vector<RankedGroup> groups;
        for (const RankedHit& hit : rank_groups(order, *groups_, ranked, end + pinned.size())) {
            const GroupId group = groups_->of(hit.part, hit.doc);
            if (!pinned_at.contains(group)) {
                groups.push_back({group, {}});
            }
        }
        insert_at_positions(std::move(pinned), groups);
        groups.resize(std::min(groups.size(), end));
        const std::size_t begin = std::min<std::size_t>(request_.offset, groups.size());
        groups.erase(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(begin));
        fill_groups(order, *groups_, ranked, request_.group->limit, groups);
        return groups;
    }

    Result<std::vector<std::string>> key_of(const RankedHit& hit, const std::string& document)
        const {
        KUMO_TRY_ASSIGN(const auto json, wire::JsonDocument::parse(document));
        std::vector<std::string> key;
        for (const std::size_t field : request_.group->fields) {
            const SegmentReader& segment = *snapshot_.parts[hit.part].segment;
            const Schema& schema = *snapshot_.schema;
            const PathValues found =
                values_at(json.root(), schema.fields[field].name, schema.enable_nested_fields);
            // An empty array is no value.
            if (found.present() && segment.columns[field]->values_of(hit.doc).size() > 0) {
                key.push_back(raw_of(found));
            }
        }
        return key;
    }

    Status fetch_groups(const std::vector<RankedGroup>& groups) {
        for (const RankedGroup& ranked : groups) {
            HitGroup& group = result_.groups.emplace_back();
            group.found = groups_->found(ranked.group);
            for (const RankedHit& hit : ranked.hits) {
                KUMO_TRY_ASSIGN(group.hits.emplace_back(), matched_.fetch(hit));
            }
            KUMO_TRY_ASSIGN(group.key, key_of(ranked.hits[0], group.hits[0].document));
        }
        return {};
    }

    Status fetch_page(const std::vector<RankedHit>& hits) {
        const std::size_t begin = std::min<std::size_t>(request_.offset, hits.size());
        const std::size_t end = std::min<std::size_t>(begin + request_.limit, hits.size());
        for (std::size_t i = begin; i < end; ++i) {
            KUMO_TRY_ASSIGN(result_.hits.emplace_back(), matched_.fetch(hits[i]));
        }
        return {};
    }

    const Snapshot& snapshot_;
    const SearchRequest& request_;
    MatchedSearch matched_;
    Joiner* joiner_;
    std::optional<Groups> groups_;
    SearchResult result_;
};

}  // namespace

Result<SearchResult> search(
    const Snapshot& snapshot,
    const SearchRequest& request,
    const Clock& clock,
    KeyTables* tables
) {
    if (request.joins.collections.empty()) {
        return Search(snapshot, request, clock, nullptr).run();
    }
    KUMO_TRY(check_joins(*snapshot.schema, request));
    Joiner joiner(request.joins, tables);
    SearchRequest resolved = request;
    resolve_joins(snapshot, joiner, resolved);
    KUMO_TRY_ASSIGN(SearchResult result, Search(snapshot, resolved, clock, &joiner).run());
    std::vector<Hit*> hits;
    for (Hit& hit : result.hits) {
        hits.push_back(&hit);
    }
    for (HitGroup& group : result.groups) {
        for (Hit& hit : group.hits) {
            hits.push_back(&hit);
        }
    }
    KUMO_TRY(include_joined(*snapshot.schema, request.joins, joiner, hits));
    return result;
}

Result<std::vector<std::string>>
matching_ids(const Snapshot& snapshot, const Filter& filter, std::size_t max) {
    const SchemaAnalyzer analyzer(*snapshot.schema);
    std::vector<std::string> ids;
    for (const Snapshot::Part& part : snapshot.parts) {
        std::vector<DocId> docs;
        live_matches(part, filter, analyzer).for_each([&](std::size_t doc) {
            docs.push_back(static_cast<DocId>(doc));
        });
        for (const DocId doc : docs) {
            if (ids.size() == max) {
                return ids;
            }
            std::string document;
            KUMO_TRY(part.segment->stored->append(doc, document));
            KUMO_TRY_ASSIGN(const auto json, wire::JsonDocument::parse(document));
            ids.emplace_back(json.root().find("id").as_string());
        }
    }
    return ids;
}

Status scan_documents(
    const Snapshot& snapshot,
    const Filter& filter,
    std::size_t max,
    ScanPosition& position,
    std::vector<std::string>& out
) {
    const SchemaAnalyzer analyzer(*snapshot.schema);
    const std::size_t full = out.size() + max;
    for (; position.part < snapshot.parts.size(); ++position.part, position.doc = 0) {
        const Snapshot::Part& part = snapshot.parts[position.part];
        const Bitmap docs = live_matches(part, filter, analyzer);
        for (; position.doc < docs.size(); ++position.doc) {
            if (!docs.test(position.doc)) {
                continue;
            }
            if (out.size() == full) {
                return {};
            }
            KUMO_TRY(part.segment->stored->append(position.doc, out.emplace_back()));
        }
    }
    return {};
}

}  // namespace kumo::search
