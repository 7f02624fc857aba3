#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/search/search_run.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// What of all indices one field's types are.
struct Capability {
    std::vector<std::string> indices;
    std::vector<std::string> not_searchable;
    std::vector<std::string> not_aggregatable;
    std::map<std::string, std::set<std::string>> meta{};
};

bool is_aggregatable(const MappedField& field) {
    return (field.is_exact() || field.is_int() || field.is_real()
            || field.kind == FieldKind::kGeoPoint)
           && field.doc_values;
}

Json names_json(const std::vector<std::string>& names) {
    Json out = Json::array();
    for (const std::string& name : names) {
        out.push(name);
    }
    return out;
}

}  // namespace

Result<Answer> field_caps(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    std::vector<std::string> patterns = request.parameters.list("fields");
    if (const Json* const given = body.find("fields")) {
        for (const Json& one : given->is_array() ? given->items() : Json::Array{*given}) {
            patterns.push_back(one.text());
        }
    }
    if (patterns.empty()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: no fields specified;"
        );
    }
    KUMO_TRY_ASSIGN(
        const IndicesOptions options,
        IndicesOptions::of_reads().with(request.parameters)
    );
    KUMO_TRY_ASSIGN(const bool unmapped, request.parameters.flag("include_unmapped", false));
    KUMO_TRY_ASSIGN(auto targets, search_targets(request.context, request.part("index"), options));
    if (const Json* const filter = body.find("index_filter")) {
        std::vector<SearchTarget> kept;
        for (SearchTarget& target : targets) {
            KUMO_TRY_ASSIGN(
                const std::uint64_t matches,
                count_matches(request.context, {target}, *filter)
            );
            if (matches > 0) {
                kept.push_back(std::move(target));
            }
        }
        targets = std::move(kept);
    }
    std::map<std::string, std::map<std::string, Capability>> found;
    Json indices = Json::array();
    for (const SearchTarget& target : targets) {
        indices.push(target.index->name);
        for (const auto& [path, declared] : target.index->mapping->fields()) {
            const bool wanted = std::any_of(
                patterns.begin(),
                patterns.end(),
                [&path = path](const std::string& pattern) {
                    return matches_wildcard(pattern, path);
                }
            );
            const MappedField* const field = target.index->mapping->find(path);
            if (!wanted || field == nullptr) {
                continue;
            }
            Capability& one = found[path][field->type];
            one.indices.push_back(target.index->name);
            const Json* const meta = field->definition.find("meta");
            for (const auto& [key, value] : meta == nullptr ? Json::Object() : meta->members()) {
                one.meta[key].insert(value.text());
            }
            if (!field->index || field->is_object()) {
                one.not_searchable.push_back(target.index->name);
            }
            if (!is_aggregatable(*field)) {
                one.not_aggregatable.push_back(target.index->name);
            }
        }
    }
    Json fields = Json::object();
    for (auto& [path, types] : found) {
        std::size_t with = 0;
        for (const auto& [type, one] : types) {
            with += one.indices.size();
        }
        if (unmapped && with < targets.size()) {
            Capability none;
            for (const SearchTarget& target : targets) {
                if (target.index->mapping->find(path) == nullptr) {
                    none.indices.push_back(target.index->name);
                }
            }
            none.not_searchable = none.indices;
            none.not_aggregatable = none.indices;
            types["unmapped"] = std::move(none);
        }
        for (const auto& [type, one] : types) {
            Json entry = Json::object(
                {{"type", type},
                 {"searchable",
                  one.not_searchable.size() < one.indices.size() && one.not_searchable.empty()},
                 {"aggregatable", one.not_aggregatable.empty()}}
            );
            if (types.size() > 1) {
                entry["indices"] = names_json(one.indices);
            }
            if (!one.not_searchable.empty() && one.not_searchable.size() < one.indices.size()) {
                entry["non_searchable_indices"] = names_json(one.not_searchable);
            }
            if (!one.not_aggregatable.empty() && one.not_aggregatable.size() < one.indices.size()) {
                entry["non_aggregatable_indices"] = names_json(one.not_aggregatable);
            }
            for (const auto& [key, values] : one.meta) {
                entry["meta"][key] = names_json({values.begin(), values.end()});
            }
            fields[path][type] = std::move(entry);
        }
    }
    return Answer(Json::object({{"indices", std::move(indices)}, {"fields", std::move(fields)}}));
}

}  // namespace kumo::api_elastic
