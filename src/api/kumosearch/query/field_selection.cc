#include "api/kumosearch/query/field_selection.h"

#include <algorithm>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

/// The name itself, anything inside it, or what its '*' stands for.
bool covers(std::string_view name, std::string_view path) {
    if (name.ends_with('*')) {
        return path.starts_with(name.substr(0, name.size() - 1));
    }
    return path == name
           || (path.size() > name.size() && path.starts_with(name) && path[name.size()] == '.');
}

bool any_covers(const std::vector<std::string>& names, std::string_view path) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return covers(name, path);
    });
}

bool any_inside(const std::vector<std::string>& names, std::string_view path) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
        return name.size() > path.size() && name.starts_with(path) && name[path.size()] == '.';
    });
}

}  // namespace

bool FieldSelection::included(std::string_view path) const {
    return include_.empty() || any_covers(include_, path);
}

bool FieldSelection::excluded(std::string_view path) const {
    return any_covers(exclude_, path);
}

/// Some names select parts of the value at `path`.
bool FieldSelection::reaches_into(std::string_view path) const {
    return any_inside(exclude_, path) || (!included(path) && any_inside(include_, path));
}

bool FieldSelection::shows(std::string_view name) const {
    return included(name) && !excluded(name);
}

void FieldSelection::write_object(
    wire::JsonValue object,
    const std::string& prefix,
    wire::JsonWriter& writer
) const {
    writer.begin_object();
    for (const wire::JsonMember member : object.as_object()) {
        const std::string path = prefix + std::string(member.key);
        if (excluded(path)) {
            continue;
        }
        const bool holds_objects = member.value.is_object() || member.value.is_array();
        if (holds_objects && reaches_into(path)) {
            writer.key(member.key);
            write_inside(member.value, path + ".", writer);
        } else if (included(path)) {
            writer.key(member.key).raw(member.value.raw());
        }
    }
    writer.end_object();
}

/// An object, or what is in an array of objects.
void FieldSelection::write_inside(
    wire::JsonValue value,
    const std::string& prefix,
    wire::JsonWriter& writer
) const {
    if (value.is_object()) {
        write_object(value, prefix, writer);
    } else if (value.is_array()) {
        writer.begin_array();
        for (const wire::JsonValue element : value.as_array()) {
            write_inside(element, prefix, writer);
        }
        writer.end_array();
    } else {
        writer.raw(value.raw());
    }
}

Status FieldSelection::append(ByteView document, std::string& out) const {
    if (all()) {
        out.append(document);
        return {};
    }
    const auto parsed = wire::JsonDocument::parse(document);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return corruption("A stored document is not a JSON object.");
    }
    wire::JsonWriter writer(out);
    write_object(parsed.value().root(), "", writer);
    return {};
}

}  // namespace kumo::api_kumosearch
