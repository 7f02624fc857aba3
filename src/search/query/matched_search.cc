#include "search/query/matched_search.h"

#include "search/query/bm25_matcher.h"
#include "search/query/filter_eval.h"
#include "search/query/geo_sort.h"
#include "search/query/infix.h"
#include "search/query/text_set.h"
#include "wire/json.h"

#include <utility>

namespace kumo::search {

namespace {

FieldParts parts_of(const Schema& schema, std::size_t field) {
    return field < schema.fields.size() ? parts_of(schema.fields[field])
                                        : FieldParts{false, false, false};
}

Status check_group(const Schema& schema, const GroupRequest& group) {
    for (const std::size_t field : group.fields) {
        if (!parts_of(schema, field).column) {
            return invalid_argument("Grouping needs facet fields.");
        }
    }
    if (group.fields.empty() || group.limit == 0) {
        return invalid_argument("Grouping needs fields and a limit.");
    }
    return {};
}

Status check_vector(const Schema& schema, const VectorRequest& vector) {
    if (!parts_of(schema, vector.field).vector) {
        return invalid_argument("A search by a vector needs a field of vectors.");
    }
    if (!vector.id && vector.query.size() != schema.fields[vector.field].vector.dimensions) {
        return invalid_argument("The vector has not as many numbers as the field's.");
    }
    if (vector.k > kVectorHitsMax || vector.ef > kVectorHitsMax) {
        return Error{ErrorCode::kLimitExceeded, "A search by a vector finds up to 10000."};
    }
    return {};
}

Status check_sort(const Schema& schema, const SearchRequest& request, const SortKey& key) {
    if (key.by == SortKey::By::kVector) {
        KUMO_TRY(check_vector(schema, *key.vector));
    }
    const bool by_distance = key.by == SortKey::By::kGeoDistance;
    const bool has_field =
        key.by == SortKey::By::kField || key.by == SortKey::By::kDecay || by_distance;
    if (has_field && !parts_of(schema, key.field).column) {
        return invalid_argument("Sorting needs a sortable field.");
    }
    if (has_field && by_distance != (schema.fields[key.field].type == ValueType::kGeoPoint)) {
        return invalid_argument("Points are sorted by distance, and nothing else is.");
    }
    if (key.by == SortKey::By::kGroupFound && !request.group) {
        return invalid_argument("Sorting by the size of groups needs grouping.");
    }
    if (key.by == SortKey::By::kVectorDistance && !request.vector) {
        return invalid_argument("Sorting by the distance of vectors needs a vector.");
    }
    return {};
}

Status check(const Schema& schema, const SearchRequest& request) {
    if (request.vector) {
        KUMO_TRY(check_vector(schema, *request.vector));
    }
    const auto part_of = [&](std::size_t field) {
        return parts_of(schema, field);
    };
    for (const QueryField& field : request.fields) {
        if (!part_of(field.field).text) {
            return invalid_argument("Queries need indexed string fields.");
        }
    }
    for (const SortKey& key : request.sort) {
        KUMO_TRY(check_sort(schema, request, key));
    }
    for (const FacetRequest& facet : request.facets) {
        if (!facet.join && !part_of(facet.field).column) {
            return invalid_argument("Faceting needs a facet field.");
        }
    }
    if (request.group) {
        KUMO_TRY(check_group(schema, *request.group));
    }
    if (request.sort.size() > kSortKeysMax) {
        return Error{ErrorCode::kLimitExceeded, "Only upto 3 sort_by fields can be specified."};
    }
    return {};
}

TextMatchInfo info_of(const Match& match) {
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

}  // namespace

Bitmap
live_matches(const Snapshot::Part& part, const Filter& filter, const SchemaAnalyzer& analyzer) {
    Bitmap docs = evaluate(filter, analyzer, *part.segment);
    remove_docs(part.deleted.pages(), docs.words(), docs.word_count());
    return docs;
}

MatchedSearch::MatchedSearch(
    const Snapshot& snapshot,
    const SearchRequest& request,
    const Clock& clock
)
    : snapshot_(snapshot),
      request_(request),
      analyzer_(*snapshot.schema),
      forms_(analyzer_, request.fields),
      deadline_(clock, request.time_limit),
      query_(parse_query_text(request.q, forms_, request.stopwords.get())) {}

Status MatchedSearch::run() {
    KUMO_TRY(check(*snapshot_.schema, request_));
    for (const SortKey& key : request_.sort) {
        if (key.by == SortKey::By::kVector) {
            KUMO_TRY(query_vector(snapshot_, *key.vector));
        }
    }
    find_allowed();
    FoundWords words;
    if (has_words()) {
        words = match_words();
    } else {
        for (PartMatches& part : parts_) {
            part.matched = part.allowed;
        }
    }
    if (request_.vector) {
        KUMO_TRY(search_vectors());
    }
    highlighter_.emplace(request_.highlight, std::move(words));
    locate_pins();
    return {};
}

FoundWords MatchedSearch::match_words() {
    const MatchInputs in{snapshot_, request_, forms_, parts_, deadline_};
    FoundWords found;
    if (request_.match.text_match_type == TextMatchType::kBm25) {
        Bm25Matcher matcher(in);
        matcher.run(query_);
        found = matcher.take_found();
    } else {
        Matcher matcher(in);
        matcher.run(query_);
        found = matcher.take_found();
    }
    match_infixes(in, query_, found);
    return found;
}

Status MatchedSearch::search_vectors() {
    vectors_.emplace(snapshot_, *request_.vector, deadline_);
    KUMO_TRY(vectors_->find(parts_));
    if (has_words()) {
        vectors_->fuse(parts_);
    } else {
        vectors_->replace_matches(parts_);
    }
    return {};
}

/// Documents that the words may match: the filter, phrases and exclusions, without deleted,
/// hidden and pinned ones.
void MatchedSearch::find_allowed() {
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

Bitmap MatchedSearch::docs_with_run(const SegmentReader& segment, const QueryRun& words) const {
    Bitmap docs(segment.doc_count);
    for (std::size_t i = 0; i < request_.fields.size(); ++i) {
        const QueryField& field = request_.fields[i];
        add_docs_with_run(
            *segment.texts[field.field],
            *segment.lengths[field.field],
            words[forms_.of(i)],
            RunPlace::kAnywhere,
            false,
            docs
        );
    }
    return docs;
}

std::optional<RankedHit> MatchedSearch::locate(const std::string& id) const {
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

void MatchedSearch::locate_pins() {
    for (const auto& [position, ids] : request_.pinned_ids) {
        for (const std::string& id : ids) {
            if (const auto hit = locate(id)) {
                pins_.push_back({position, *hit});
            }
        }
    }
}

Result<Hit> MatchedSearch::fetch(const RankedHit& ranked) const {
    Hit hit;
    hit.curated = ranked.curated;
    const SegmentReader& segment = *snapshot_.parts[ranked.part].segment;
    KUMO_TRY(segment.stored->append(ranked.doc, hit.document));
    if (ranked.match != nullptr) {
        hit.text_match = info_of(*ranked.match);
    }
    if (vectors_) {
        hit.vector_distance = vectors_->distance(ranked.part, ranked.doc);
    }
    if (vectors_ && ranked.match != nullptr) {
        hit.fusion_score = ranked.match->fused;
    }
    if (!query_.match_all && !request_.highlight.fields.empty()) {
        KUMO_TRY_ASSIGN(const auto json, wire::JsonDocument::parse(hit.document));
        hit.highlights = highlighter_->highlight(*snapshot_.schema, analyzer_, json.root());
    }
    for (const SortKey& key : request_.sort) {
        if (key.by != SortKey::By::kGeoDistance) {
            continue;
        }
        if (const auto meters = distance_of(key.geo, *segment.columns[key.field], ranked.doc)) {
            hit.distances.push_back({key.field, *meters});
        }
    }
    return hit;
}

}  // namespace kumo::search
