#include "search/query/vector_search.h"

#include "search/query/text_set.h"
#include "search/vector/vector_column.h"

#include <algorithm>
#include <utility>

namespace kumo::search {

namespace {

bool nearer_in_part(const VectorHit& a, const VectorHit& b) {
    return a.doc < b.doc;
}

/// The match of a document that has one.
Match& match_of(PartMatches& part, DocId doc) {
    return *std::lower_bound(
        part.matches.begin(),
        part.matches.end(),
        doc,
        [](const Match& match, DocId wanted) { return match.doc < wanted; }
    );
}

}  // namespace

Result<QueryVector> query_vector(const Snapshot& snapshot, const VectorRequest& request) {
    const Field& field = snapshot.schema->fields[request.field];
    QueryVector out;
    if (!request.id) {
        out.numbers = as_stored(field.vector, request.query);
        return out;
    }
    for (std::size_t p = 0; p < snapshot.parts.size(); ++p) {
        const Snapshot::Part& part = snapshot.parts[p];
        Bitmap docs(part.segment->doc_count);
        add_docs_with_term(*part.segment->ids, *request.id, docs);
        part.deleted.for_each([&](std::uint32_t doc) {
            if (doc < docs.size()) {
                docs.reset(doc);
            }
        });
        docs.for_each([&](std::size_t doc) { out.named.emplace(p, static_cast<DocId>(doc)); });
    }
    if (!out.named) {
        return not_found("Document with id `" + *request.id + "` was not found.");
    }
    const SegmentReader& segment = *snapshot.parts[out.named->first].segment;
    const float* vector = segment.vectors[request.field]->vector_of(out.named->second);
    if (vector == nullptr) {
        return not_found(
            "Document with id `" + *request.id + "` has no vector in field `" + field.name + "`."
        );
    }
    out.numbers.assign(vector, vector + field.vector.dimensions);
    return out;
}

Status VectorMatches::find(const std::vector<PartMatches>& parts) {
    KUMO_TRY_ASSIGN(QueryVector asked, query_vector(snapshot_, request_));
    query_ = std::move(asked.numbers);
    NearestRequest nearest;
    nearest.query = query_.data();
    nearest.k = request_.k;
    nearest.ef = std::max(request_.ef, request_.k);
    nearest.flat_search_cutoff = request_.flat_search_cutoff;
    nearest.deadline = &deadline_;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        Bitmap others;
        nearest.allowed = &parts[p].allowed;
        if (asked.named && asked.named->first == p) {
            others = parts[p].allowed;
            others.reset(asked.named->second);
            nearest.allowed = &others;
        }
        const SegmentReader& segment = *snapshot_.parts[p].segment;
        for (const VectorHit& hit : segment.vectors[request_.field]->nearest(nearest)) {
            if (hit.distance <= request_.distance_threshold) {
                nearest_.push_back({p, hit.doc, hit.distance});
            }
        }
    }
    // Of the same distance, newest first, as everywhere.
    std::sort(nearest_.begin(), nearest_.end(), [](const Place& a, const Place& b) {
        if (a.distance != b.distance) {
            return a.distance < b.distance;
        }
        return a.part != b.part ? a.part > b.part : a.doc > b.doc;
    });
    nearest_.resize(std::min<std::size_t>(nearest_.size(), request_.k));
    index_by_doc();
    return {};
}

void VectorMatches::index_by_doc() {
    for (std::vector<VectorHit>& hits : by_doc_) {
        hits.clear();
    }
    for (const Place& place : nearest_) {
        by_doc_[place.part].push_back({place.doc, place.distance});
    }
    for (std::vector<VectorHit>& hits : by_doc_) {
        std::sort(hits.begin(), hits.end(), nearer_in_part);
    }
}

std::optional<float> VectorMatches::distance(std::size_t part, DocId doc) const {
    const std::vector<VectorHit>& hits = by_doc_[part];
    const auto at = std::lower_bound(hits.begin(), hits.end(), VectorHit{doc, 0}, nearer_in_part);
    return at != hits.end() && at->doc == doc ? std::optional(at->distance) : std::nullopt;
}

void VectorMatches::replace_matches(std::vector<PartMatches>& parts) const {
    for (std::size_t p = 0; p < parts.size(); ++p) {
        parts[p].matched = Bitmap(parts[p].allowed.size());
        for (const VectorHit& hit : by_doc_[p]) {
            parts[p].matched.set(hit.doc);
        }
    }
}

/// Adds the distances of what matched by words alone.
void VectorMatches::measure_matches(const std::vector<PartMatches>& parts) {
    const VectorSpace space{static_cast<std::uint32_t>(query_.size())};
    for (std::size_t p = 0; p < parts.size(); ++p) {
        const VectorReader& vectors = *snapshot_.parts[p].segment->vectors[request_.field];
        for (const Match& match : parts[p].matches) {
            if (deadline_.passed()) {
                break;
            }
            const float* vector = vectors.vector_of(match.doc);
            if (vector != nullptr && !distance(p, match.doc)) {
                nearest_.push_back({p, match.doc, space.distance(query_.data(), vector)});
            }
        }
    }
    std::stable_sort(nearest_.begin(), nearest_.end(), [](const Place& a, const Place& b) {
        return a.distance < b.distance;
    });
    index_by_doc();
}

void VectorMatches::add_missing(std::vector<PartMatches>& parts) const {
    for (std::size_t p = 0; p < parts.size(); ++p) {
        PartMatches& part = parts[p];
        const std::size_t before = part.matches.size();
        for (const VectorHit& hit : by_doc_[p]) {
            if (!part.matched.test(hit.doc)) {
                part.matched.set(hit.doc);
                part.matches.emplace_back().doc = hit.doc;
            }
        }
        std::inplace_merge(
            part.matches.begin(),
            part.matches.begin() + static_cast<std::ptrdiff_t>(before),
            part.matches.end(),
            [](const Match& a, const Match& b) { return a.doc < b.doc; }
        );
    }
}

void VectorMatches::fuse_text(std::vector<PartMatches>& parts) const {
    struct Scored {
        std::uint64_t score;
        std::size_t part;
        Match* match;
    };

    std::vector<Scored> all;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        for (Match& match : parts[p].matches) {
            all.push_back({match.score, p, &match});
        }
    }
    const std::size_t ranked = std::min(all.size(), kFusedTextRanksMax);
    std::partial_sort(
        all.begin(),
        all.begin() + static_cast<std::ptrdiff_t>(ranked),
        all.end(),
        [](const Scored& a, const Scored& b) {
            if (a.score != b.score) {
                return a.score > b.score;
            }
            return a.part != b.part ? a.part > b.part : a.match->doc > b.match->doc;
        }
    );
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto rank = static_cast<double>(std::min(i, ranked) + 1);
        all[i].match->fused = (1 - request_.alpha) / rank;
    }
}

void VectorMatches::fuse_vectors(std::vector<PartMatches>& parts) const {
    double rank = 0;
    for (const Place& place : nearest_) {
        match_of(parts[place.part], place.doc).fused += request_.alpha / ++rank;
    }
}

void VectorMatches::fuse(std::vector<PartMatches>& parts) {
    fuse_text(parts);
    if (request_.rerank) {
        measure_matches(parts);
    }
    add_missing(parts);
    fuse_vectors(parts);
}

}  // namespace kumo::search
