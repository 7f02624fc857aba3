#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

bool fits_any(const std::vector<std::string>& patterns, const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(), [&name](const std::string& one) {
        return one == "_all" || matches_wildcard(one, name);
    });
}

Json names_json(const std::set<std::string>& names) {
    Json out = Json::array();
    for (const std::string& name : names) {
        out.push(name);
    }
    return out;
}

}  // namespace

/// What names stand for; those that are not there are left out.
Result<Answer> resolve_index(const Request& request) {
    const std::vector<std::string> patterns = split_list(request.part("name"));
    KUMO_TRY_ASSIGN(const IndicesOptions options, IndicesOptions().with(request.parameters));
    Json indices = Json::array();
    std::map<std::string, std::set<std::string>> aliases;
    for (const IndexPtr& index : request.context.indices.all()) {
        const bool named =
            std::find(patterns.begin(), patterns.end(), index->name) != patterns.end();
        const bool state = index->closed ? options.expand_closed : options.expand_open;
        const bool seen = !index->hidden() || options.expand_hidden
                          || std::any_of(patterns.begin(), patterns.end(), [](const auto& one) {
                                 return one.starts_with('.');
                             });
        std::set<std::string> own;
        for (const auto& [alias, of] : index->aliases.members()) {
            own.insert(alias);
            if (fits_any(patterns, alias)) {
                aliases[alias].insert(index->name);
            }
        }
        if (!named && (!state || !seen || !fits_any(patterns, index->name))) {
            continue;
        }
        Json entry = Json::object({{"name", index->name}});
        if (!own.empty()) {
            entry["aliases"] = names_json(own);
        }
        Json attributes = Json::array({index->closed ? "closed" : "open"});
        if (index->hidden()) {
            attributes.push("hidden");
        }
        entry["attributes"] = std::move(attributes);
        indices.push(std::move(entry));
    }
    Json of_aliases = Json::array();
    for (const auto& [alias, names] : aliases) {
        of_aliases.push(Json::object({{"name", alias}, {"indices", names_json(names)}}));
    }
    Json streams = Json::array();
    for (const auto& [name, value] : request.context.cluster.list("data_stream/")) {
        if (fits_any(patterns, name)) {
            const Json* const backing = value.find("indices");
            streams.push(Json::object(
                {{"name", name},
                 {"backing_indices", backing == nullptr ? Json::array() : *backing},
                 {"timestamp_field", "@timestamp"}}
            ));
        }
    }
    return Answer(Json::object(
        {{"indices", std::move(indices)},
         {"aliases", std::move(of_aliases)},
         {"data_streams", std::move(streams)}}
    ));
}

}  // namespace kumo::api_elastic
