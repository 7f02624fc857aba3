#include "search/query/union_search.h"

#include "search/join/joined_search.h"
#include "search/query/best_hits.h"
#include "search/query/matched_search.h"
#include "search/query/ranking.h"

#include <algorithm>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace kumo::search {

namespace {

/// Tells the documents of all searches apart.
using DocumentNumber = std::uint64_t;

class Union {
public:
    Union(const UnionRequest& request, const Clock& clock) : request_(request) {
        for (const UnionPart& part : request.searches) {
            searches_.emplace_back(*part.snapshot, part.request, clock);
        }
    }

    Result<UnionResult> run() {
        for (std::size_t s = 0; s < searches_.size(); ++s) {
            const UnionPart& part = request_.searches[s];
            KUMO_TRY(searches_[s].run());
            orders_
                .emplace_back(*part.snapshot, part.request, true, nullptr, searches_[s].vectors());
            KUMO_TRY(check(s));
            result_.cut_off = result_.cut_off || searches_[s].cut_off();
        }
        number_documents();
        find_pins();
        count();
        std::vector<RankedHit> hits = request_.remove_duplicates ? best_different() : best();
        insert_at_positions(std::move(pinned_), hits);
        const std::size_t begin = std::min<std::size_t>(request_.offset, hits.size());
        const std::size_t end = std::min<std::size_t>(begin + request_.limit, hits.size());
        for (std::size_t i = begin; i < end; ++i) {
            KUMO_TRY_ASSIGN(Hit hit, searches_[hits[i].search].fetch(hits[i]));
            result_.hits.push_back({hits[i].search, std::move(hit)});
        }
        return std::move(result_);
    }

private:
    Status check(std::size_t s) const {
        const SearchRequest& request = request_.searches[s].request;
        if (request.group || !request.facets.empty() || orders_[s].has_buckets()) {
            return invalid_argument(
                "A union takes no groups, no facets and no buckets of text match."
            );
        }
        const std::string types = orders_[s].types();
        const std::string first = orders_[0].types();
        if (types != first) {
            return invalid_argument(
                "The searches of a union must sort by the same types in the same orders: search "
                + std::to_string(s) + " sorts by `" + types + "`, search 0 by `" + first + "`."
            );
        }
        return {};
    }

    /// Numbers the documents of each snapshot, one after the other.
    void number_documents() {
        DocumentNumber next = 0;
        for (const UnionPart& search : request_.searches) {
            const auto [at, added] = bases_.try_emplace(search.snapshot.get());
            bases_of_.push_back(&at->second);
            if (!added) {
                continue;
            }
            result_.out_of += search.snapshot->doc_count;
            for (const Snapshot::Part& part : search.snapshot->parts) {
                at->second.push_back(next);
                next += part.segment->doc_count;
            }
        }
        document_count_ = next;
    }

    DocumentNumber number_of(const RankedHit& hit) const {
        return (*bases_of_[hit.search])[hit.part] + hit.doc;
    }

    void find_pins() {
        for (std::size_t s = 0; s < searches_.size(); ++s) {
            for (const Pin& pin : searches_[s].pins()) {
                RankedHit hit = pin.hit;
                hit.search = static_cast<std::uint32_t>(s);
                if (!request_.remove_duplicates
                    || pinned_documents_.insert(number_of(hit)).second) {
                    pinned_.emplace_back(pin.position, hit);
                }
            }
        }
        std::stable_sort(pinned_.begin(), pinned_.end(), [](const auto& a, const auto& b) {
            return a.first < b.first;
        });
    }

    /// Numbers the searches' own counts, and how many different documents there are.
    void count() {
        Bitmap found(request_.remove_duplicates ? document_count_ : 0);
        for (std::size_t s = 0; s < searches_.size(); ++s) {
            std::uint64_t own = searches_[s].pins().size();
            const std::vector<PartMatches>& parts = searches_[s].parts();
            for (std::size_t p = 0; p < parts.size(); ++p) {
                own += parts[p].matched.count();
                if (!request_.remove_duplicates) {
                    continue;
                }
                const DocumentNumber base = (*bases_of_[s])[p];
                parts[p].matched.for_each([&](std::size_t doc) { found.set(base + doc); });
            }
            result_.found_by_search.push_back(own);
            result_.found += own;
        }
        if (request_.remove_duplicates) {
            for (const DocumentNumber document : pinned_documents_) {
                found.set(document);
            }
            result_.found = found.count();
        }
    }

    std::size_t page_end() const { return request_.offset + request_.limit; }

    /// Calls visit(hit) for all hits of all searches.
    template <typename Visit>
    void for_each_scored(Visit visit) const {
        for (std::size_t s = 0; s < searches_.size(); ++s) {
            const Ranked ranked{searches_[s].parts(), searches_[s].has_words()};
            for_each_hit(ranked, [&](std::size_t part, DocId doc, const Match* match) {
                ScoredHit hit = orders_[s].score(part, doc, match);
                hit.hit.search = static_cast<std::uint32_t>(s);
                visit(hit);
            });
        }
    }

    std::vector<RankedHit> best() const {
        BestHits best(orders_[0], page_end());
        for_each_scored([&](const ScoredHit& hit) { best.add(hit); });
        return hits_of(best.take());
    }

    std::vector<RankedHit> best_different() const {
        BestOfEach<DocumentNumber> best(orders_[0], page_end());
        for_each_scored([&](const ScoredHit& hit) {
            const DocumentNumber number = number_of(hit.hit);
            if (!pinned_documents_.contains(number)) {
                best.add(hit, number);
            }
        });
        return hits_of(best.take());
    }

    static std::vector<RankedHit> hits_of(const std::vector<ScoredHit>& scored) {
        std::vector<RankedHit> out;
        out.reserve(scored.size());
        for (const ScoredHit& hit : scored) {
            out.push_back(hit.hit);
        }
        return out;
    }

    const UnionRequest& request_;
    std::deque<MatchedSearch> searches_;
    std::deque<HitOrder> orders_;
    std::unordered_map<const Snapshot*, std::vector<DocumentNumber>> bases_;  ///< By part.
    std::vector<const std::vector<DocumentNumber>*> bases_of_;                ///< By search.
    DocumentNumber document_count_ = 0;
    std::vector<std::pair<std::uint32_t, RankedHit>> pinned_;  ///< By position.
    std::unordered_set<DocumentNumber> pinned_documents_;
    UnionResult result_;
};

}  // namespace

namespace {

bool has_joins(const UnionRequest& request) {
    return std::any_of(request.searches.begin(), request.searches.end(), [](const UnionPart& part) {
        return !part.request.joins.collections.empty();
    });
}

Result<UnionResult>
search_joined(const UnionRequest& request, const Clock& clock, KeyTables* tables) {
    UnionRequest resolved = request;
    std::deque<Joiner> joiners;
    for (UnionPart& part : resolved.searches) {
        KUMO_TRY(check_joins(*part.snapshot->schema, part.request));
        joiners.emplace_back(part.request.joins, tables);
        resolve_joins(*part.snapshot, joiners.back(), part.request);
    }
    KUMO_TRY_ASSIGN(UnionResult result, Union(resolved, clock).run());
    for (std::size_t s = 0; s < resolved.searches.size(); ++s) {
        const UnionPart& part = resolved.searches[s];
        std::vector<Hit*> hits;
        for (UnionHit& hit : result.hits) {
            if (hit.search == s) {
                hits.push_back(&hit.hit);
            }
        }
        KUMO_TRY(include_joined(*part.snapshot->schema, part.request.joins, joiners[s], hits));
    }
    return result;
}

}  // namespace

Result<UnionResult>
search_union(const UnionRequest& request, const Clock& clock, KeyTables* tables) {
    if (request.searches.empty() || request.searches.size() > kUnionSearchesMax) {
        return invalid_argument("A union needs 1 to 1000 searches.");
    }
    return has_joins(request) ? search_joined(request, clock, tables) : Union(request, clock).run();
}

}  // namespace kumo::search
