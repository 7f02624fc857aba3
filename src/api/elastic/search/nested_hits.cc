#include "api/elastic/search/nested_hits.h"

#include "api/elastic/fault.h"
#include "api/elastic/search/fetch.h"
#include "api/elastic/search/highlighter.h"
#include "api/elastic/search/sort.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kumo::api_elastic {

SearchTarget nested_target(const SearchTarget& target, const NestedIndex& index) {
    return {target.index, index.snapshot(), {}, {}};
}

Result<Json> nested_hit_json(
    const SearchTarget& objects,
    const NestedIndex& index,
    const Hit& hit,
    const SearchBody& body
) {
    KUMO_TRY_ASSIGN(const search::StoredDocument document, stored_document(objects, hit));
    KUMO_TRY_ASSIGN(const Json whole, hit_json(objects, hit, document, body));
    Json out = Json::object();
    for (const auto& [name, value] : whole.members()) {
        if (name == "_source") {
            const Json* own = value.at_path(index.path());
            out[name] = own != nullptr ? *own : Json::object();
            continue;
        }
        out[name] = value;
        if (name == "_id") {
            out["_nested"] = index.place(hit.part, hit.doc);
        }
    }
    return out;
}

namespace {

struct Page {
    Json hits = Json::array();
    std::size_t total = 0;
    std::optional<float> max_score;
};

Result<Page> page_of(
    const SearchTarget& target,
    const QueryContext& context,
    const InnerHitsFinder& finder,
    const Hit& parent,
    bool total_as_int
) {
    Json options = finder.wanted().options;
    for (const char* name : {"name", "ignore_unmapped", "collapse"}) {
        options.erase(name);
    }
    KUMO_TRY_ASSIGN(SearchBody body, parse_search(options, Parameters()));
    constexpr std::int64_t kSize = 3;
    body.size = options.find("size") == nullptr ? kSize : body.size;
    for (const SortPart& part : body.sort) {
        if (part.by == SortPart::By::kScript) {
            return not_supported("[inner_hits] are not sorted by scripts");
        }
    }
    const std::vector<SearchTarget> targets{nested_target(target, finder.index())};
    KUMO_TRY_ASSIGN(const Sorter sorter, Sorter::make(body.sort, targets));
    std::vector<Hit> hits;
    Page out;
    for (const InnerHitsFinder::Object& object : finder.find(parent.part, parent.doc)) {
        hits.push_back({0, parent.part, object.doc, object.score, {}});
        sorter.read_keys(targets, hits.back());
        out.max_score = std::max(out.max_score.value_or(object.score), object.score);
    }
    out.total = hits.size();
    std::stable_sort(hits.begin(), hits.end(), [&sorter](const Hit& a, const Hit& b) {
        return sorter.less(a, b);
    });
    const auto from = static_cast<std::size_t>(std::max<std::int64_t>(0, body.from));
    const auto size = static_cast<std::size_t>(std::max<std::int64_t>(0, body.size));
    for (std::size_t i = from; i < hits.size() && i < from + size; ++i) {
        KUMO_TRY_ASSIGN(Json one, nested_hit_json(targets[0], finder.index(), hits[i], body));
        if (body.sort.empty() || sorter.needs_scores() || body.track_scores) {
            one["_score"] = Json::number_float(hits[i].score);
        }
        if (!body.sort.empty()) {
            one["sort"] = sorter.values(targets, hits[i]);
        }
        if (!body.highlight.is_null()) {
            KUMO_TRY_ASSIGN(const auto document, stored_document(targets[0], hits[i]));
            KUMO_TRY_ASSIGN(
                Json marked,
                highlight(body.highlight, finder.wanted().query, context, document.source)
            );
            if (!marked.empty()) {
                one["highlight"] = std::move(marked);
            }
        }
        if (!finder.deeper().empty()) {
            KUMO_TRY_ASSIGN(
                one["inner_hits"],
                inner_hits_json(targets[0], context, finder.deeper(), hits[i], total_as_int)
            );
        }
        out.hits.push(std::move(one));
    }
    if (!body.sort.empty() && !sorter.needs_scores()) {
        out.max_score.reset();
    }
    return out;
}

}  // namespace

Result<Json> inner_hits_json(
    const SearchTarget& target,
    const QueryContext& context,
    const std::vector<InnerHitsFinder>& finders,
    const Hit& hit,
    bool total_as_int
) {
    Json out = Json::object();
    for (const InnerHitsFinder& finder : finders) {
        KUMO_TRY_ASSIGN(Page page, page_of(target, context, finder, hit, total_as_int));
        Json hits = Json::object();
        hits["total"] = total_as_int ? Json(page.total)
                                     : Json::object({{"value", page.total}, {"relation", "eq"}});
        hits["max_score"] = page.max_score ? Json::number_float(*page.max_score) : Json();
        hits["hits"] = std::move(page.hits);
        out[finder.wanted().name] = Json::object({{"hits", std::move(hits)}});
    }
    return out;
}

}  // namespace kumo::api_elastic
