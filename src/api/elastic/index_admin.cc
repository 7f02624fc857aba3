#include "api/elastic/index_admin.h"

#include "api/elastic/fault.h"
#include "api/elastic/ids.h"
#include "api/elastic/mapping/analysis.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/resolver.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace kumo::api_elastic {

namespace {

std::int64_t millis(const Clock& clock) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock.wall_now().time_since_epoch()
    )
        .count();
}

Json texts(const Json& value) {
    if (value.is_array()) {
        Json out = Json::array();
        for (const Json& item : value.items()) {
            out.push(item.is_object() ? item : Json(item.text()));
        }
        return out;
    }
    return value.is_null() ? Json() : Json(value.text());
}

std::vector<std::string> patterns_of(const Json& value) {
    std::vector<std::string> out;
    const Json* const patterns = value.find("index_patterns");
    if (patterns != nullptr && patterns->is_array()) {
        for (const Json& one : patterns->items()) {
            out.push_back(one.text());
        }
    } else if (patterns != nullptr) {
        out.push_back(patterns->text());
    }
    return out;
}

bool fits(const Json& value, const std::string& name) {
    const auto patterns = patterns_of(value);
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        return matches_wildcard(pattern, name);
    });
}

std::int64_t number(const Json& value, std::string_view name) {
    const Json* const found = value.find(name);
    return found == nullptr ? 0 : found->to_int64().value_or(0);
}

void merge_part(Json& into, const Json& part) {
    if (const Json* const settings = part.find("settings")) {
        into["settings"].merge(normalized_settings(*settings));
    }
    if (const Json* const mappings = part.find("mappings")) {
        Json& all = into["mappings"];
        // Dynamic templates of later parts come first.
        Json templates = Json::array();
        for (const Json* const list :
             {mappings->find("dynamic_templates"), std::as_const(all).find("dynamic_templates")}) {
            for (const Json& one : list == nullptr ? Json::Array() : list->items()) {
                templates.push(one);
            }
        }
        all.merge(*mappings);
        if (!templates.empty()) {
            all["dynamic_templates"] = std::move(templates);
        }
    }
    if (const Json* const aliases = part.find("aliases")) {
        for (const auto& [name, options] : aliases->members()) {
            into["aliases"][name] = options;
        }
    }
}

/// The composable template with the highest priority.
std::pair<std::string, Json> composable_for(const Context& context, const std::string& name) {
    std::pair<std::string, Json> best;
    for (auto& [template_name, value] : context.cluster.list("index_template/")) {
        if (fits(value, name)
            && (best.second.is_null() || number(value, "priority") > number(best.second, "priority")
            )) {
            best = {template_name, value};
        }
    }
    return best;
}

Status merge_composable(const Context& context, const Json& chosen, Json& out) {
    if (const Json* const components = chosen.find("composed_of")) {
        for (const Json& component : components->items()) {
            const Json part = context.cluster.find("component_template/" + component.text());
            if (const Json* const inside = part.find("template")) {
                merge_part(out, *inside);
            }
        }
    }
    if (const Json* const inside = chosen.find("template")) {
        merge_part(out, *inside);
    }
    return {};
}

void merge_legacy(const Context& context, const std::string& name, bool hidden, Json& out) {
    auto all = context.cluster.list("template/");
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return number(a.second, "order") < number(b.second, "order");
    });
    for (const auto& [template_name, value] : all) {
        const auto patterns = patterns_of(value);
        const bool everything = std::find(patterns.begin(), patterns.end(), "*") != patterns.end();
        if (fits(value, name) && !(hidden && everything)) {
            merge_part(out, value);
        }
    }
}

/// "index.sort.field": documents stay in the order in which they came; what could not be sorted by
/// is refused all the same.
Status check_sort(const Index& index) {
    const Json* const fields = index.settings.find("index.sort.field");
    if (fields == nullptr || fields->is_null()) {
        return {};
    }
    for (const Json& one : fields->is_array() ? fields->items() : Json::Array{*fields}) {
        const MappedField* const field = index.mapping->find(one.text());
        if (field == nullptr) {
            return illegal_argument("unknown index sort field:[" + one.text() + "]");
        }
        const bool number = field->is_int() || field->is_real();
        if ((!number && field->kind != FieldKind::kKeyword) || field->kind == FieldKind::kHalfFloat
            || !field->doc_values || !field->nested.empty()) {
            return illegal_argument("invalid index sort field:[" + one.text() + "]");
        }
    }
    return {};
}

/// What an index's settings are if nobody says.
Json usual_settings() {
    return Json::object({{"index.number_of_shards", "1"}, {"index.number_of_replicas", "1"}});
}

Status check_number(const Json& flat, std::string_view name, std::int64_t min, std::int64_t max) {
    const Json* const value = flat.find(name);
    if (value == nullptr || value->is_null()) {
        return {};
    }
    const auto number = value->to_int64();
    if (!number) {
        return illegal_argument(
            "Failed to parse value [" + value->text() + "] for setting [" + std::string(name) + "]"
        );
    }
    if (*number < min) {
        return illegal_argument(
            "Failed to parse value [" + value->text() + "] for setting [" + std::string(name)
            + "] must be >= " + std::to_string(min)
        );
    }
    if (*number > max) {
        return illegal_argument(
            "Failed to parse value [" + value->text() + "] for setting [" + std::string(name)
            + "] must be <= " + std::to_string(max)
        );
    }
    return {};
}

bool is_known_setting(std::string_view name) {
    static const std::vector<std::string_view> kPrefixes = {
        "index.analysis.",
        "index.mapping.",
        "index.routing.allocation.",
        "index.routing.rebalance.",
        "index.blocks.",
        "index.search.",
        "index.indexing.",
        "index.translog.",
        "index.merge.",
        "index.sort.",
        "index.similarity.",
        "index.soft_deletes.",
        "index.lifecycle.",
        "index.plugins.",
        "index.unassigned.",
        "index.store.",
        "index.queries.",
        "index.highlight.",
        "index.query.",
        "index.query_string.",
        "index.allocation.",
        "index.analyze.",
        "index.replication.",
        "index.composite_index.",
        "index.version.",
        "index.knn",
        "index.flush_after_merge",
        "index.recovery.",
        "index.derived_",
        "index.requests.cache.",
        "index.warmer.",
        "index.write.",
        "index.gc_deletes",
        "index.mapper.",
        "index.resize.",
        "index.shard.",
        "index.remote_store.",
        "index.append_only."};
    static const std::set<std::string_view> kNames = {
        "index.number_of_shards",
        "index.number_of_replicas",
        "index.refresh_interval",
        "index.codec",
        "index.auto_expand_replicas",
        "index.hidden",
        "index.max_result_window",
        "index.priority",
        "index.max_inner_result_window",
        "index.max_rescore_window",
        "index.max_docvalue_fields_search",
        "index.max_script_fields",
        "index.max_ngram_diff",
        "index.max_shingle_diff",
        "index.uuid",
        "index.max_refresh_listeners",
        "index.max_terms_count",
        "index.max_regex_length",
        "index.number_of_routing_shards",
        "index.routing_partition_size",
        "index.default_pipeline",
        "index.final_pipeline",
        "index.load_fixed_bitset_filters_eagerly",
        "index.creation_date",
        "index.provided_name",
        "index.max_slices_per_scroll",
        "index.max_slices_per_pit",
        "index.format",
        "index.max_adjacency_matrix_filters",
        "index.verified_before_close",
        "index.fielddata.cache",
        "index.max_nested_query_depth",
        "index.optimize_doc_id_lookup.fuzzy_set.enabled",
        "index.number_of_search_replicas",
        "index.context",
        "index.data_path",
        "index.compound_format",
        "index.force_memory_term_dictionary",
        "index.mode",
        "index.top_metrics_max_size",
        "index.optimize_auto_generated_id",
        "index.check_pending_flush.enabled",
        "index.lookup_time"};
    return kNames.find(name) != kNames.end()
           || std::any_of(kPrefixes.begin(), kPrefixes.end(), [name](std::string_view prefix) {
                  return name.starts_with(prefix);
              });
}

/// Set when an index is made, and never again.
bool is_final(std::string_view name) {
    return name == "index.number_of_shards" || name == "index.number_of_routing_shards"
           || name == "index.uuid" || name == "index.routing_partition_size"
           || name == "index.sort.field" || name == "index.creation_date"
           || name == "index.version.created" || name == "index.provided_name"
           || name == "index.soft_deletes.enabled";
}

bool needs_closed(std::string_view name) {
    return name.starts_with("index.analysis.") || name == "index.codec"
           || name == "index.store.type" || name.starts_with("index.similarity.");
}

}  // namespace

Json normalized_settings(const Json& settings) {
    Json out = Json::object();
    for (const auto& [name, value] : flat_settings(settings).members()) {
        out[name.starts_with("index.") || name == "index" ? name : "index." + name] = texts(value);
    }
    return out;
}

Status check_settings(const Json& flat, bool update, bool closed) {
    for (const auto& [name, value] : flat.members()) {
        const bool pattern = name.find('*') != std::string::npos;
        if (!pattern && !is_known_setting(name)) {
            return illegal_argument(
                "unknown setting [" + name
                + "] please check that any required plugins are installed, or check the breaking changes "
                  "documentation for removed settings"
            );
        }
        if (update && is_final(name)) {
            return illegal_argument("final setting [" + name + "], not updateable");
        }
        if (update && !closed && needs_closed(name)) {
            return illegal_argument(
                "Can't update non dynamic settings [[" + name + "]] for open indices"
            );
        }
    }
    KUMO_TRY(check_number(flat, "index.number_of_shards", 1, 1024));
    KUMO_TRY(check_number(flat, "index.number_of_replicas", 0, INT32_MAX));
    KUMO_TRY(check_number(flat, "index.max_result_window", 1, INT32_MAX));
    KUMO_TRY(check_number(flat, "index.mapping.total_fields.limit", 0, INT64_MAX));
    const Json* const interval = flat.find("index.refresh_interval");
    if (interval != nullptr && !interval->is_null() && !parse_time(interval->text())) {
        return illegal_argument(
            "failed to parse setting [index.refresh_interval] with value [" + interval->text()
            + "] as a time value: unit is missing or unrecognized"
        );
    }
    return check_analysis(nested_settings(flat)["index"]["analysis"]);
}

Result<Json> normalized_aliases(const Json& aliases) {
    Json out = Json::object();
    if (aliases.is_null()) {
        return out;
    }
    if (!aliases.is_object()) {
        return fault("parse_exception", "aliases are an object");
    }
    for (const auto& [name, options] : aliases.members()) {
        Json alias = Json::object();
        for (const auto& [option, value] :
             options.is_object() ? options.members() : Json::Object()) {
            if (option == "routing") {
                continue;  // Below: what is said of one of the two counts more.
            } else if (option == "index_routing" || option == "search_routing" || option == "indexRouting"
                       || option == "searchRouting") {
                alias
                    [option == "indexRouting"    ? "index_routing"
                     : option == "searchRouting" ? "search_routing"
                                                 : option] = value.text();
            } else if (option == "filter" || option == "is_write_index" || option == "is_hidden") {
                if (!value.is_null()) {
                    alias[option] = value;
                }
            } else {
                return illegal_argument("[alias] unknown field [" + option + "]");
            }
        }
        const Json* const routing = options.find("routing");
        for (const char* const kind : {"index_routing", "search_routing"}) {
            if (routing != nullptr && alias.find(kind) == nullptr) {
                alias[kind] = routing->text();
            }
        }
        out[name] = std::move(alias);
    }
    return out;
}

Json alias_json(const Json& alias) {
    return alias;
}

Result<Json>
template_for(const Context& context, const std::string& name, std::string* template_name) {
    Json out = Json::object(
        {{"settings", Json::object()}, {"mappings", Json::object()}, {"aliases", Json::object()}}
    );
    const auto [chosen, value] = composable_for(context, name);
    if (!value.is_null()) {
        if (template_name != nullptr) {
            *template_name = chosen;
        }
        KUMO_TRY(merge_composable(context, value, out));
    } else {
        merge_legacy(context, name, false, out);
    }
    return out;
}

Result<IndexPtr> create_index(const Context& context, const std::string& name, const Json& body) {
    KUMO_TRY(check_index_name(name));
    if (context.indices.find(name) != nullptr) {
        return fault(
            "resource_already_exists_exception",
            "index [" + name + "/" + context.indices.find(name)->uuid + "] already exists"
        );
    }
    for (const IndexPtr& other : context.indices.all()) {
        if (other->aliases.find(name) != nullptr) {
            return fault(
                "invalid_index_name_exception",
                "Invalid index name [" + name + "], already exists as alias"
            );
        }
    }
    KUMO_TRY_ASSIGN(Json parts, template_for(context, name));
    Json given = Json::object();
    for (const auto& [member, value] : body.is_object() ? body.members() : Json::Object()) {
        if (member != "settings" && member != "mappings" && member != "aliases") {
            return fault("parse_exception", "unknown key [" + member + "] for create index");
        }
        given[member] = value;
    }
    if (const Json* const mappings = given.find("mappings");
        mappings != nullptr && mappings->is_object() && mappings->size() == 1
        && mappings->find("_doc") != nullptr) {
        const Json inside = *mappings->find("_doc");
        given["mappings"] = inside;
    }
    merge_part(parts, given);
    auto index = Index();
    index.name = name;
    index.uuid = random_id() + "Ag";
    index.created_at = millis(context.clock);
    index.settings = usual_settings();
    index.settings.merge(parts["settings"]);
    for (const auto& [setting, value] : Json(index.settings).members()) {
        if (value.is_null()) {
            index.settings.erase(setting);
        }
    }
    KUMO_TRY(check_settings(index.settings, false, false));
    KUMO_TRY_ASSIGN(index.aliases, normalized_aliases(parts["aliases"]));
    for (const auto& [alias, options] : index.aliases.members()) {
        if (context.indices.find(alias) != nullptr || alias == name) {
            return fault(
                "invalid_alias_name_exception",
                "Invalid alias name [" + alias
                    + "]: an index or data stream exists with the same name as the alias"
            );
        }
    }
    auto mapping = Mapping::make(parts["mappings"], index.settings);
    if (!mapping.ok()) {
        Fault why = fault_of(mapping.error());
        if (why.type == "mapper_parsing_exception") {
            return fault(
                "mapper_parsing_exception",
                "Failed to parse mapping [_doc]: " + why.reason
            );
        }
        return mapping.error();
    }
    index.mapping = std::move(mapping).value();
    KUMO_TRY(check_sort(index));
    context.pins.refresh(name);
    return context.indices.create(index);
}

Result<IndexPtr> auto_create_index(const Context& context, const std::string& name) {
    const Json settings = context.cluster.find("settings");
    for (const std::string_view scope : {"transient", "persistent"}) {
        const Json* const of = settings.find(scope);
        const Json* const value = of == nullptr ? nullptr : of->find("action.auto_create_index");
        if (value != nullptr && value->text() == "false") {
            return fault(
                "index_not_found_exception",
                "no such index [" + name + "] and [action.auto_create_index] is [false]"
            );
        }
    }
    auto made = create_index(context, name, Json());
    if (!made.ok() && fault_of(made.error()).type == "resource_already_exists_exception") {
        if (IndexPtr index = context.indices.find(name)) {
            return index;  // Somebody else was faster.
        }
    }
    return made;
}

}  // namespace kumo::api_elastic
