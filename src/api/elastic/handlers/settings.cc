#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/mapping/analysis.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// What settings are if nobody has set them; `include_defaults`.
Json default_settings() {
    return Json::object(
        {{"index.refresh_interval", "1s"},
         {"index.max_result_window", "10000"},
         {"index.max_inner_result_window", "100"},
         {"index.max_rescore_window", "10000"},
         {"index.max_docvalue_fields_search", "100"},
         {"index.max_script_fields", "32"},
         {"index.max_terms_count", "65536"},
         {"index.max_regex_length", "1000"},
         {"index.max_ngram_diff", "1"},
         {"index.max_shingle_diff", "3"},
         {"index.mapping.total_fields.limit", "1000"},
         {"index.mapping.depth.limit", "20"},
         {"index.mapping.nested_fields.limit", "50"},
         {"index.mapping.nested_objects.limit", "10000"},
         {"index.hidden", "false"},
         {"index.auto_expand_replicas", "false"},
         {"index.codec", "default"},
         {"index.priority", "1"},
         {"index.write.wait_for_active_shards", "1"},
         {"index.translog.durability", "REQUEST"},
         {"index.translog.sync_interval", "5s"},
         {"index.unassigned.node_left.delayed_timeout", "1m"}}
    );
}

}  // namespace

Result<Answer> get_settings(const Request& request) {
    IndicesOptions options;
    options.expand_closed = true;
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, options));
    const std::vector<std::string> names = split_list(request.part("name"));
    const auto wanted = [&names](const std::string& name) {
        return names.empty()
               || std::any_of(names.begin(), names.end(), [&](const std::string& pattern) {
                      return pattern == "_all" || matches_wildcard(pattern, name);
                  });
    };
    KUMO_TRY_ASSIGN(const bool defaults, request.parameters.flag("include_defaults", false));
    Json out = Json::object();
    for (const ResolvedIndex& one : indices) {
        Json flat = Json::object();
        Json usual = Json::object();
        const Json all = index_settings(*one.index);
        for (const auto& [name, value] : all.members()) {
            if (wanted(name)) {
                flat[name] = value;
            }
        }
        for (const auto& [name, value] : default_settings().members()) {
            if (wanted(name) && all.find(name) == nullptr) {
                usual[name] = value;
            }
        }
        if (!names.empty() && flat.empty() && !(defaults && !usual.empty())) {
            continue;
        }
        std::sort(flat.members().begin(), flat.members().end(), [](const auto& a, const auto& b) {
            return a.first < b.first;
        });
        Json entry = Json::object({{"settings", shown_settings(request, flat)}});
        if (defaults) {
            entry["defaults"] = shown_settings(request, usual);
        }
        out[one.index->name] = std::move(entry);
    }
    return Answer(std::move(out));
}

Result<Answer> put_settings(const Request& request) {
    KUMO_TRY_ASSIGN(Json body, request.required_json());
    if (const Json* const inside = body.find("settings");
        inside != nullptr && inside->is_object() && body.size() == 1) {
        const Json settings = *inside;
        body = settings;
    }
    const Json given = normalized_settings(body);
    IndicesOptions options;
    options.expand_closed = true;
    options.allow_no_indices = false;
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, options));
    KUMO_TRY_ASSIGN(const bool preserve, request.parameters.flag("preserve_existing", false));
    for (const ResolvedIndex& one : indices) {
        KUMO_TRY(check_settings(given, true, one.index->closed));
    }
    for (const ResolvedIndex& one : indices) {
        auto changed = request.context.indices.update(one.index->name, [&](Index& index) -> Status {
            for (const auto& [name, value] : given.members()) {
                if (value.is_null()) {
                    index.settings.erase(name);
                    if (name == "index.number_of_replicas") {
                        index.settings[name] = "1";
                    }
                } else if (!preserve || index.settings.find(name) == nullptr) {
                    index.settings[name] = value;
                }
            }
            ++index.settings_version;
            KUMO_TRY_ASSIGN(index.mapping, Mapping::make(index.mapping->json(), index.settings));
            return {};
        });
        if (!changed.ok()) {
            return changed.error();
        }
    }
    return Answer(acknowledged());
}

}  // namespace kumo::api_elastic
