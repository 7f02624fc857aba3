#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/wildcard.h"

#include <utility>

namespace kumo::api_elastic {

Result<Answer> get_mapping(const Request& request) {
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, {}));
    Json out = Json::object();
    for (const ResolvedIndex& one : indices) {
        out[one.index->name] = Json::object({{"mappings", one.index->mapping->json()}});
    }
    return Answer(std::move(out));
}

Result<Answer> put_mapping(const Request& request) {
    KUMO_TRY_ASSIGN(Json body, request.required_json());
    if (!body.is_object()) {
        return fault("mapper_parsing_exception", "a mapping is an object");
    }
    if (body.size() == 1 && body.find("_doc") != nullptr) {
        return illegal_argument("Types cannot be provided in put mapping requests");
    }
    IndicesOptions options;
    options.allow_no_indices = false;
    KUMO_TRY_ASSIGN(auto indices, resolve_request(request, options));
    KUMO_TRY_ASSIGN(const bool write_only, request.parameters.flag("write_index_only", false));
    if (write_only) {
        KUMO_TRY_ASSIGN(
            const IndexPtr index,
            resolve_for_write(request.context, request.part("index"))
        );
        indices = {{index, {}, true}};
    }
    for (const ResolvedIndex& one : indices) {
        auto changed = request.context.indices.update(one.index->name, [&](Index& index) -> Status {
            KUMO_TRY_ASSIGN(Json merged, index.mapping->merged(body));
            KUMO_TRY_ASSIGN(index.mapping, Mapping::make(std::move(merged), index.settings));
            ++index.mapping_version;
            return {};
        });
        if (!changed.ok()) {
            return changed.error();
        }
    }
    return Answer(acknowledged());
}

namespace {

std::string leaf_of(const std::string& path) {
    return path.substr(path.rfind('.') + 1);
}

Json field_json(const MappedField& field, bool defaults) {
    Json definition = field.definition;
    if (field.kind == FieldKind::kText && definition.find("analyzer") == nullptr && defaults) {
        definition["analyzer"] = "default";
    }
    if (defaults && definition.find("index") == nullptr) {
        definition["index"] = field.index;
        definition["store"] = false;
    }
    Json mapping = Json::object({{leaf_of(field.path), std::move(definition)}});
    return Json::object({{"full_name", field.path}, {"mapping", std::move(mapping)}});
}

}  // namespace

Result<Answer> get_field_mapping(const Request& request) {
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, {}));
    KUMO_TRY_ASSIGN(const bool defaults, request.parameters.flag("include_defaults", false));
    Json out = Json::object();
    for (const ResolvedIndex& one : indices) {
        Json fields = Json::object();
        for (const std::string& pattern : split_list(request.part("fields"))) {
            for (const auto& [path, field] : one.index->mapping->fields()) {
                if (!field.is_object() && matches_wildcard(pattern, path)) {
                    fields[path] = field_json(field, defaults);
                }
            }
        }
        out[one.index->name] = Json::object({{"mappings", std::move(fields)}});
    }
    return Answer(std::move(out));
}

}  // namespace kumo::api_elastic
