#include "search/join/reference_check.h"

#include "search/schema/json_path.h"
#include "wire/json.h"

#include <utility>

namespace kumo::search {

ReferenceCheck::ReferenceCheck(
    const Schema& schema,
    std::vector<ReferenceTarget> targets,
    KeyTables* tables
)
    : schema_(schema) {
    for (ReferenceTarget& where : targets) {
        Target target;
        target.where = std::move(where);
        target.usable = check_target(schema.fields[target.where.field], target, tables);
        targets_.push_back(std::move(target));
    }
}

Status ReferenceCheck::check_target(const Field& field, Target& target, KeyTables* tables) const {
    const std::string collection(field.referenced_collection());
    const std::string name(field.referenced_field());
    if (target.where.snapshot == nullptr) {
        return invalid_argument("Referenced collection `" + collection + "` not found.");
    }
    const Snapshot& snapshot = *target.where.snapshot;
    if (name == "id") {
        target.finder = std::make_unique<KeyFinder>(snapshot, std::nullopt, tables);
        return {};
    }
    const auto at = snapshot.schema->find(name);
    if (!at) {
        return invalid_argument(
            "Referenced field `" + name + "` not found in the collection `" + collection + "`."
        );
    }
    const Field& referenced = snapshot.schema->fields[*at];
    if (!referenced.index) {
        return invalid_argument(
            "Referenced field `" + name + "` in the collection `" + collection
            + "` must be indexed."
        );
    }
    const bool fits = referenced.is_string() || referenced.type == ValueType::kInt32
                      || referenced.type == ValueType::kInt64;
    if (!fits) {
        return invalid_argument(
            "Cannot add a reference to `" + collection + "." + name + "` of type `"
            + type_name(referenced.type, referenced.array) + "`."
        );
    }
    target.referenced = &referenced;
    target.finder = std::make_unique<KeyFinder>(snapshot, at, tables);
    return {};
}

Status ReferenceCheck::check(WriteAction action, ByteView document) {
    const auto parsed = wire::JsonDocument::parse(document);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return {};
    }
    const bool whole = action == WriteAction::kCreate || action == WriteAction::kUpsert;
    for (Target& target : targets_) {
        KUMO_TRY(check_field(target, whole, parsed.value().root()));
    }
    return {};
}

Status ReferenceCheck::check_field(Target& target, bool whole, wire::JsonValue document) {
    const Field& field = schema_.fields[target.where.field];
    const PathValues found = values_at(document, field.name, schema_.enable_nested_fields);
    if (!found.present()) {
        if (whole && !field.optional) {
            return invalid_argument(
                "Missing the required reference field `" + field.name + "` in the document."
            );
        }
        return {};
    }
    if (!target.usable.ok()) {
        return target.usable.error();
    }
    for (const wire::JsonValue value : found.values) {
        if (value.is_null() && field.optional) {
            continue;
        }
        if (!value.is_array()) {
            KUMO_TRY(check_value(target, value));
            continue;
        }
        for (const wire::JsonValue element : value.as_array()) {
            if (element.is_null()) {
                return invalid_argument("Field `" + field.name + "` cannot have `null` value.");
            }
            KUMO_TRY(check_value(target, element));
        }
    }
    return {};
}

Status ReferenceCheck::check_value(Target& target, wire::JsonValue value) {
    const Field& field = schema_.fields[target.where.field];
    const std::string collection(field.referenced_collection());
    const bool wants_text = target.referenced == nullptr || target.referenced->is_string();
    const bool fits = wants_text ? value.is_string() : value.type() == wire::JsonType::kInt64;
    if (!fits && target.referenced == nullptr) {
        return invalid_argument("Field `" + field.name + "` must have string value.");
    }
    if (!fits) {
        return invalid_argument(
            "Field `" + field.name + "` must have `" + type_name(target.referenced->type, false)
            + "` value."
        );
    }
    const JoinKey key =
        wants_text ? JoinKey{false, 0, value.as_string()} : JoinKey{true, value.as_int64(), {}};
    std::size_t count = 0;
    target.finder->find(key, [&](std::size_t, DocId) { ++count; });
    if (count > 0 && (count == 1 || field.array)) {
        return {};
    }
    if (target.referenced == nullptr) {
        return invalid_argument(
            "Referenced document having `id: " + std::string(key.text)
            + "` not found in the collection `" + collection + "`."
        );
    }
    const std::string condition =
        target.referenced->name
        + (wants_text ? ":= `" + std::string(key.text) + "`" : ": " + std::to_string(key.number));
    if (count == 0) {
        return invalid_argument(
            "Reference document having `" + condition + "` not found in the collection `"
            + collection + "`."
        );
    }
    return invalid_argument(
        "Multiple documents having `" + condition + "` found in the collection `" + collection
        + "`."
    );
}

}  // namespace kumo::search
