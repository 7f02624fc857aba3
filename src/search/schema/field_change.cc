#include "search/schema/field_change.h"

#include "search/schema/field_finder.h"
#include "search/schema/schema_codec.h"

#include <algorithm>
#include <utility>

namespace kumo::search {

namespace {

Status check_names(const Schema& before, const FieldChange& change) {
    const auto is_id = [](const std::string& name) {
        return name == "id";
    };
    const bool alters_id =
        std::any_of(change.drops.begin(), change.drops.end(), is_id)
        || std::any_of(change.adds.begin(), change.adds.end(), [&](const Field& field) {
               return is_id(field.name);
           });
    if (alters_id) {
        return invalid_argument("Field `id` cannot be altered.");
    }
    for (const std::string& name : change.drops) {
        if (!before.find_declared(name)) {
            return invalid_argument("Field `" + name + "` is not part of collection schema.");
        }
    }
    for (const Field& field : change.adds) {
        const bool dropped =
            std::find(change.drops.begin(), change.drops.end(), field.name) != change.drops.end();
        if (before.find_declared(field.name) && !dropped) {
            return invalid_argument(
                "Field `" + field.name
                + "` is already part of the schema: To change this field, drop it first before "
                  "adding it back to the schema."
            );
        }
    }
    return {};
}

/// With a pattern go the fields that were found by it.
void drop_found(const Schema& before, const FieldChange& change, Schema& after) {
    const FieldFinder finder(std::make_shared<const Schema>(before));
    for (const std::string& name : change.drops) {
        const Field& pattern = before.fields[*before.find_declared(name)];
        if (!pattern.is_pattern() && !pattern.is_object()) {
            continue;
        }
        std::erase_if(after.fields, [&](const Field& field) {
            return finder.is_of(field, pattern);
        });
    }
}

/// Whether documents may still be ranked by it.
bool can_be_default_sorting_field(const Schema& schema) {
    const auto at = schema.find(schema.default_sorting_field);
    if (!at) {
        return false;
    }
    const Field& field = schema.fields[*at];
    return field.sort && !field.array && !field.optional && field.type != ValueType::kBool;
}

}  // namespace

Result<Schema> change_fields(const Schema& before, const FieldChange& change) {
    KUMO_TRY(check_names(before, change));
    Schema after = before;
    drop_found(before, change, after);
    std::vector<Field> adds = change.adds;
    for (const std::string& name : change.drops) {
        const auto old =
            std::find_if(after.fields.begin(), after.fields.end(), [&](const Field& f) {
                return f.name == name;
            });
        const auto next =
            std::find_if(adds.begin(), adds.end(), [&](const Field& f) { return f.name == name; });
        if (old == after.fields.end()) {
            continue;  // Named twice.
        }
        if (next == adds.end()) {
            after.fields.erase(old);
        } else {
            *old = std::move(*next);
            adds.erase(next);
        }
    }
    after.fields.insert(after.fields.end(), adds.begin(), adds.end());
    if (!can_be_default_sorting_field(after)) {
        after.default_sorting_field.clear();
    }
    KUMO_TRY(validate(after));
    return after;
}

void append_field_change(std::string& out, const FieldChange& change) {
    append_strings(out, change.drops);
    append_fields(out, change.adds);
}

FieldChange read_field_change(wire::ByteReader& in) {
    FieldChange change;
    change.drops = read_strings(in);
    change.adds = read_fields(in);
    return change;
}

}  // namespace kumo::search
