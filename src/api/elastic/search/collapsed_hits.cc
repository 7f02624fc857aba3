#include "api/elastic/fault.h"
#include "api/elastic/search/search_run.h"

#include <utility>

namespace kumo::api_elastic {

namespace {

/// Inner hits that one hit has; each is a search of its own.
constexpr std::size_t kGroupsMax = 32;

/// The search's own query, of the documents that have this value.
Json within(const Json& query, const std::string& field, const Json& value) {
    Json both = Json::object();
    if (!query.is_null()) {
        both["must"] = Json::array({query});
    }
    if (value.is_null()) {
        both["must_not"] =
            Json::array({Json::object({{"exists", Json::object({{"field", field}})}})});
    } else {
        both["filter"] = Json::array(
            {Json::object({{"term", Json::object({{field, Json::object({{"value", value}})}})}})}
        );
    }
    return Json::object({{"bool", std::move(both)}});
}

}  // namespace

/// "inner_hits" of a collapse: what else has the hit's value.
Status SearchRun::add_collapsed(std::size_t hit, Json& out) {
    const Json* const wanted = body_.collapse.find("inner_hits");
    if (wanted == nullptr) {
        return {};
    }
    const std::string field = body_.collapse.find("field")->text();
    const Json::Array groups = wanted->is_array() ? wanted->items() : Json::Array{*wanted};
    if (groups.size() > kGroupsMax) {
        return illegal_argument("a collapse has at most 32 inner hits");
    }
    for (const Json& group : groups) {
        Json options = group;
        const Json* const given = group.find("name");
        const std::string name = given == nullptr ? field : given->text();
        options.erase("name");
        options.erase("ignore_unmapped");
        KUMO_TRY_ASSIGN(SearchBody body, parse_search(options, Parameters()));
        constexpr std::int64_t kSize = 3;
        body.size = group.find("size") == nullptr ? kSize : body.size;
        body.track_total_hits = -1;
        body.total_as_int = body_.total_as_int;
        const Json& key = collapsed_[hit];
        body.query = within(body_.query, field, key.empty() ? Json() : key.items().front());
        if (!body_.post_filter.is_null()) {
            body.post_filter = body_.post_filter;
        }
        const auto from = static_cast<std::size_t>(body.from);
        const auto size = static_cast<std::size_t>(body.size);
        SearchRun run(context_, targets_, std::move(body));
        KUMO_TRY(run.run());
        KUMO_TRY_ASSIGN(Json hits, run.hits_json(from, size));
        out["inner_hits"][name] = Json::object({{"hits", run.hits_object(std::move(hits))}});
    }
    return {};
}

}  // namespace kumo::api_elastic
