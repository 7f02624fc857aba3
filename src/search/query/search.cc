#include "search/query/search.h"

#include "search/query/deadline.h"
#include "search/query/facets.h"
#include "search/query/filter_eval.h"
#include "search/query/grouping.h"
#include "search/query/highlight.h"
#include "search/query/hit_order.h"
#include "search/query/matcher.h"
#include "search/query/query_text.h"
#include "search/query/ranking.h"
#include "search/query/text_set.h"
#include "wire/json.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace kumo::search {

namespace {

Analyzer analyzer_for(const Schema& schema) {
    return {schema.token_separators, schema.symbols_to_index};
}

const std::vector<std::size_t> kNoFields;

Status check(const Schema& schema, const SearchRequest& request) {
    const std::size_t fields = schema.fields.size();
    const auto part_of = [&](std::size_t field) {
        return field < fields ? parts_of(schema.fields[field]) : FieldParts{false, false, false};
    };
    for (const QueryField& field : request.fields) {
        if (!part_of(field.field).text) {
            return invalid_argument("Queries need indexed string fields.");
        }
    }
    for (const SortKey& key : request.sort) {
        if (key.by == SortKey::By::kField && !part_of(key.field).column) {
            return invalid_argument("Sorting needs a sortable field.");
        }
    }
    for (const SortKey& key : request.sort) {
        if (key.by == SortKey::By::kGroupFound && !request.group) {
            return invalid_argument("Sorting by the size of groups needs grouping.");
        }
    }
    for (const FacetRequest& facet : request.facets) {
        if (!part_of(facet.field).column) {
            return invalid_argument("Faceting needs a facet field.");
        }
    }
    for (const std::size_t field : request.group ? request.group->fields : kNoFields) {
        if (!part_of(field).column) {
            return invalid_argument("Grouping needs facet fields.");
        }
    }
    if (request.group && (request.group->fields.empty() || request.group->limit == 0)) {
        return invalid_argument("Grouping needs fields and a limit.");
    }
    if (request.sort.size() > kSortKeysMax) {
        return Error{ErrorCode::kLimitExceeded, "Only upto 3 sort_by fields can be specified."};
    }
    return {};
}

void remove_deleted(const DeletedDocs& deleted, Bitmap& docs) {
    deleted.for_each([&](std::uint32_t doc) {
        if (doc < docs.size()) {
            docs.reset(doc);
        }
    });
}

Bitmap live_matches(const Snapshot::Part& part, const Filter& filter, const Analyzer& analyzer) {
    Bitmap docs = evaluate(filter, analyzer, *part.segment);
    remove_deleted(part.deleted, docs);
    return docs;
}

/// One search, step by step.
class Search {
public:
    Search(const Snapshot& snapshot, const SearchRequest& request, const Clock& clock)
        : snapshot_(snapshot),
          request_(request),
          analyzer_(analyzer_for(*snapshot.schema)),
          deadline_(clock, request.time_limit),
          query_(parse_query_text(request.q, analyzer_, request.stopwords.get())) {}

    Result<SearchResult> run() {
        KUMO_TRY(check(*snapshot_.schema, request_));
        find_allowed();
        Highlighter::Words words;
        const bool has_words = !query_.match_all;
        if (has_words) {
            Matcher matcher(snapshot_, request_, parts_, deadline_);
            matcher.run(query_);
            words = matcher.found_words();
        } else {
            for (PartMatches& part : parts_) {
                part.matched = part.allowed;
            }
        }
        locate_pins();
        find_groups();
        count_and_facet();
        const HitOrder order(snapshot_, request_, has_words, groups_ ? &*groups_ : nullptr);
        const Ranked ranked{parts_, has_words};
        const Highlighter highlighter(analyzer_, request_.highlight, std::move(words));
        if (groups_) {
            KUMO_TRY(fetch_groups(page_of_groups(order, ranked), highlighter));
        } else {
            std::vector<RankedHit> hits = rank(order, ranked, request_.offset + request_.limit);
            place_pins(hits);
            KUMO_TRY(fetch_page(hits, highlighter));
        }
        result_.cut_off = deadline_.passed();
        return std::move(result_);
    }

private:
    struct Pin {
        std::uint32_t position;
        RankedHit hit;
    };

    /// Documents that the words may match: the filter, phrases and exclusions, without deleted,
    /// hidden and pinned ones.
    void find_allowed() {
        Filter apart = Filter::of_ids(request_.hidden_ids);
        for (const auto& [position, ids] : request_.pinned_ids) {
            apart.values.insert(apart.values.end(), ids.begin(), ids.end());
        }
        for (const Snapshot::Part& part : snapshot_.parts) {
            PartMatches& matches = parts_.emplace_back();
            matches.allowed = live_matches(part, request_.filter, analyzer_);
            if (!apart.values.empty()) {
                matches.allowed.subtract(evaluate(apart, analyzer_, *part.segment));
            }
            for (const auto& phrase : query_.phrases) {
                matches.allowed.intersect(docs_with_run(*part.segment, phrase));
            }
            for (const auto& words : query_.excluded) {
                matches.allowed.subtract(docs_with_run(*part.segment, words));
            }
            matches.matched = Bitmap(part.segment->doc_count);
        }
    }

    Bitmap docs_with_run(const SegmentReader& segment, const std::vector<std::string>& words)
        const {
        Bitmap docs(segment.doc_count);
        for (const QueryField& field : request_.fields) {
            add_docs_with_run(
                *segment.texts[field.field],
                *segment.lengths[field.field],
                words,
                RunPlace::kAnywhere,
                false,
                docs
            );
        }
        return docs;
    }

    void count_and_facet() {
        result_.out_of = snapshot_.doc_count;
        result_.found_docs = pins_.size();
        for (const PartMatches& part : parts_) {
            result_.found_docs += part.matched.count();
        }
        result_.found = groups_ ? groups_->count() : result_.found_docs;
        for (const FacetRequest& facet : request_.facets) {
            result_.facets.push_back(count_facet(
                snapshot_,
                parts_,
                facet,
                request_.max_facet_values,
                analyzer_,
                groups_ ? &*groups_ : nullptr
            ));
        }
    }

    void find_groups() {
        if (!request_.group) {
            return;
        }
        result_.grouped = true;
        groups_.emplace(snapshot_, *request_.group);
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            parts_[p].matched.for_each([&](std::size_t doc) {
                groups_->add(p, static_cast<DocId>(doc));
            });
        }
        for (const Pin& pin : pins_) {
            groups_->add(pin.hit.part, pin.hit.doc);
        }
    }

    std::optional<RankedHit> locate(const std::string& id) const {
        const Filter filter = Filter::of_ids({id});
        std::optional<RankedHit> found;
        for (std::size_t p = 0; p < snapshot_.parts.size(); ++p) {
            const Snapshot::Part& part = snapshot_.parts[p];
            Bitmap docs = live_matches(part, filter, analyzer_);
            if (request_.filter_pinned && docs.count() > 0) {
                docs.intersect(evaluate(request_.filter, analyzer_, *part.segment));
            }
            docs.for_each([&](std::size_t doc) {
                found = RankedHit{p, static_cast<DocId>(doc), nullptr, true};
            });
        }
        return found;
    }

    void locate_pins() {
        for (const auto& [position, ids] : request_.pinned_ids) {
            for (const std::string& id : ids) {
                if (const auto hit = locate(id)) {
                    pins_.push_back({position, *hit});
                }
            }
        }
    }

    /// Puts things that pins bring at their places among the ranked ones; those of one position
    /// one after the other.
    template <typename T>
    static void
    insert_at_positions(std::vector<std::pair<std::uint32_t, T>> pinned, std::vector<T>& ranked) {
        std::size_t at = 0;
        std::uint32_t last = 0;
        for (auto& [position, thing] : pinned) {
            at = position != last ? position - std::min(position, 1U) : at;
            last = position;
            at = std::min(at, ranked.size());
            ranked.insert(ranked.begin() + static_cast<std::ptrdiff_t>(at++), std::move(thing));
        }
    }

    void place_pins(std::vector<RankedHit>& hits) const {
        std::vector<std::pair<std::uint32_t, RankedHit>> pinned;
        for (const Pin& pin : pins_) {
            pinned.emplace_back(pin.position, pin.hit);
        }
        insert_at_positions(std::move(pinned), hits);
    }

    /// The groups of the page that was asked for. A group with pinned documents is where the first
    /// of them is, and begins with them.
    std::vector<RankedGroup> page_of_groups(const HitOrder& order, const Ranked& ranked) const {
        std::vector<std::pair<std::uint32_t, RankedGroup>> pinned;
        std::unordered_map<GroupId, std::size_t> pinned_at;
        for (const Pin& pin : pins_) {
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
            const auto value = json.root().find(snapshot_.schema->fields[field].name);
            // An empty array is no value.
            if (value && segment.columns[field]->values_of(hit.doc).size() > 0) {
                key.emplace_back(value.raw());
            }
        }
        return key;
    }

    Status fetch_groups(const std::vector<RankedGroup>& groups, const Highlighter& highlighter) {
        for (const RankedGroup& ranked : groups) {
            HitGroup& group = result_.groups.emplace_back();
            group.found = groups_->found(ranked.group);
            for (const RankedHit& hit : ranked.hits) {
                KUMO_TRY_ASSIGN(group.hits.emplace_back(), fetch(hit, highlighter));
            }
            KUMO_TRY_ASSIGN(group.key, key_of(ranked.hits[0], group.hits[0].document));
        }
        return {};
    }

    Status fetch_page(const std::vector<RankedHit>& hits, const Highlighter& highlighter) {
        const std::size_t begin = std::min<std::size_t>(request_.offset, hits.size());
        const std::size_t end = std::min<std::size_t>(begin + request_.limit, hits.size());
        for (std::size_t i = begin; i < end; ++i) {
            KUMO_TRY_ASSIGN(result_.hits.emplace_back(), fetch(hits[i], highlighter));
        }
        return {};
    }

    Result<Hit> fetch(const RankedHit& ranked, const Highlighter& highlighter) const {
        Hit hit;
        hit.curated = ranked.curated;
        const SegmentReader& segment = *snapshot_.parts[ranked.part].segment;
        KUMO_TRY(segment.stored->append(ranked.doc, hit.document));
        if (ranked.match != nullptr) {
            hit.text_match = info_of(*ranked.match);
        }
        if (!query_.match_all && !request_.highlight.fields.empty()) {
            KUMO_TRY_ASSIGN(const auto json, wire::JsonDocument::parse(hit.document));
            hit.highlights = highlighter.highlight(*snapshot_.schema, json.root());
        }
        return hit;
    }

    static TextMatchInfo info_of(const Match& match) {
        TextMatchInfo info;
        info.score = match.score;
        info.best_field_score = match.parts.best_field_score;
        info.best_field_weight = match.parts.best_field_weight;
        info.fields_matched = match.parts.fields_matched;
        info.tokens_matched = match.parts.tokens_matched;
        info.num_tokens_dropped = match.dropped_tokens;
        info.typo_prefix_score =
            255 - static_cast<std::uint32_t>(match.parts.best_field_score >> 24U & 255U);
        return info;
    }

    const Snapshot& snapshot_;
    const SearchRequest& request_;
    Analyzer analyzer_;
    Deadline deadline_;
    QueryText query_;
    std::vector<PartMatches> parts_;
    std::vector<Pin> pins_;  ///< Those that are there, by position.
    std::optional<Groups> groups_;
    SearchResult result_;
};

}  // namespace

Result<SearchResult>
search(const Snapshot& snapshot, const SearchRequest& request, const Clock& clock) {
    return Search(snapshot, request, clock).run();
}

Result<std::vector<std::string>>
matching_ids(const Snapshot& snapshot, const Filter& filter, std::size_t max) {
    const Analyzer analyzer = analyzer_for(*snapshot.schema);
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
    const Analyzer analyzer = analyzer_for(*snapshot.schema);
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
