#include "api/elastic/search/script_values.h"

#include "api/elastic/fault.h"
#include "api/elastic/script/run_script.h"
#include "api/elastic/search/fetch.h"
#include "api/elastic/search/search_run.h"

#include <utility>

namespace kumo::api_elastic {

Result<Json> document_values(
    const Mapping& mapping,
    const search::Snapshot& snapshot,
    std::size_t part,
    search::DocId doc,
    const std::string& field
) {
    const MappedField* const mapped = mapping.find(field);
    if (mapped == nullptr) {
        return illegal_argument("No field found for [" + field + "] in mapping");
    }
    if (!mapped->is_exact() && !mapped->is_int() && !mapped->is_real()) {
        return illegal_argument(
            "Fielddata is not supported on field [" + field + "] of type [" + mapped->type + "]"
        );
    }
    Json out = Json::array();
    const auto position = snapshot.schema->find(mapped->path);
    const search::SegmentReader& segment = *snapshot.parts[part].segment;
    if (!position || *position >= segment.columns.size() || segment.columns[*position] == nullptr) {
        return out;
    }
    const search::ColumnReader& column = *segment.columns[*position];
    const auto range = column.values_of(doc);
    for (std::uint64_t at = range.begin; at < range.end; ++at) {
        const std::int64_t code = column.value(at);
        if (mapped->is_exact()) {
            out.push(string_to_json(*mapped, column.string(static_cast<std::uint32_t>(code))));
        } else if (mapped->kind == FieldKind::kBoolean) {
            out.push(code != 0);
        } else {
            out.push(code_to_json(*mapped, code));
        }
    }
    return out;
}

Result<tree::ScoreFunction>
script_function(const Context& context, const Mapping& mapping, const Json& json) {
    KUMO_TRY_ASSIGN(NamedScript named, NamedScript::of(context.cluster, json));
    const auto script = std::make_shared<const NamedScript>(std::move(named));
    return tree::ScoreFunction([script, &mapping](const tree::DocRef& doc) -> Result<double> {
        ScriptScope scope = script->scope();
        scope.score = static_cast<double>(doc.score);
        scope.doc = [&](const std::string& field) {
            return document_values(mapping, doc.snapshot, doc.part, doc.doc, field);
        };
        KUMO_TRY_ASSIGN(const Json value, script->script->run(scope));
        if (value.is_bool()) {
            return value.as_bool() ? 1.0 : 0.0;
        }
        if (!value.is_number()) {
            return fault(
                "script_exception",
                "runtime error: class_cast_exception: a number or a boolean is expected"
            );
        }
        return value.as_double();
    });
}

namespace {

Result<Json> value_of(const NamedScript& script, const SearchTarget& target, const Hit& hit) {
    ScriptScope scope = script.scope();
    scope.score = static_cast<double>(hit.score);
    scope.doc = [&](const std::string& field) {
        return document_values(*target.index->mapping, *target.snapshot, hit.part, hit.doc, field);
    };
    return script.script->run(scope);
}

}  // namespace

Status SearchRun::prepare_scripts() {
    for (const SortPart& part : body_.sort) {
        sort_scripts_.emplace_back();
        if (part.by == SortPart::By::kScript) {
            KUMO_TRY_ASSIGN(sort_scripts_.back(), NamedScript::of(context_.cluster, part.script));
        }
    }
    for (const auto& [name, of] :
         body_.script_fields.is_object() ? body_.script_fields.members() : Json::Object()) {
        const Json* const script = of.find("script");
        if (script == nullptr) {
            return parsing_error("script_fields: [" + name + "] has no [script]");
        }
        const Json* const ignore = of.find("ignore_failure");
        KUMO_TRY_ASSIGN(NamedScript named, NamedScript::of(context_.cluster, *script));
        field_scripts_.push_back({name, std::move(named), ignore != nullptr && ignore->as_bool()});
    }
    if (!field_scripts_.empty() && !body_.source_said) {
        body_.shows_source = false;
    }
    return {};
}

Status SearchRun::script_keys(Hit& hit) const {
    for (std::size_t i = 0; i < sort_scripts_.size(); ++i) {
        if (!sort_scripts_[i]) {
            continue;
        }
        auto value = value_of(*sort_scripts_[i], targets_[hit.index], hit);
        if (!value.ok()) {
            return wrapped(targets_[hit.index].index->name, value.error());
        }
        const Json& key = value.value();
        if (key.is_string() && body_.sort[i].text) {
            hit.keys[i] = key.as_string();
        } else if (key.is_number() && !body_.sort[i].text) {
            hit.keys[i] = key.as_double();
        } else {
            return wrapped(
                targets_[hit.index].index->name,
                fault(
                    "script_exception",
                    "runtime error: class_cast_exception: the script's value is not of the sort's "
                    "type"
                )
            );
        }
    }
    return {};
}

Status SearchRun::add_script_fields(const Hit& hit, Json& out) const {
    for (const FieldScript& one : field_scripts_) {
        auto value = value_of(one.script, targets_[hit.index], hit);
        if (!value.ok() && one.ignores_failure) {
            continue;
        }
        if (!value.ok()) {
            return wrapped(targets_[hit.index].index->name, value.error());
        }
        Json& field = out["fields"][one.name];
        field = value.value().is_array() ? std::move(value).value()
                                         : Json::array({std::move(value).value()});
    }
    return {};
}

}  // namespace kumo::api_elastic
