#include "search/schema/json_path.h"

namespace kumo::search {

namespace {

using wire::JsonValue;

void collect(JsonValue object, std::string_view path, PathValues& out);

/// What is under `path` in a value that a part of the path has led to.
void collect_inside(JsonValue value, std::string_view path, PathValues& out) {
    if (value.is_object()) {
        collect(value, path, out);
        return;
    }
    if (!value.is_array()) {
        return;
    }
    for (const JsonValue element : value.as_array()) {
        const std::size_t before = out.values.size();
        collect_inside(element, path, out);
        out.through_array = out.through_array || out.values.size() > before;
    }
}

void collect(JsonValue object, std::string_view path, PathValues& out) {
    if (const JsonValue whole = object.find(path)) {
        out.values.push_back(whole);
        return;
    }
    for (std::size_t dot = path.find('.'); dot != std::string_view::npos;
         dot = path.find('.', dot + 1)) {
        if (const JsonValue part = object.find(path.substr(0, dot))) {
            collect_inside(part, path.substr(dot + 1), out);
            return;
        }
    }
}

bool holds_objects(JsonValue value) {
    if (!value.is_array() || value.as_array().size() == 0) {
        return value.is_object();
    }
    return (*value.as_array().begin()).is_object();
}

void visit_members(
    JsonValue object,
    const std::string& prefix,
    bool through_array,
    const std::function<void(const PathValue&)>& visit
) {
    for (const wire::JsonMember member : object.as_object()) {
        const std::string path = prefix + std::string(member.key);
        if (path.size() > kFieldNameBytesMax || member.key.empty()) {
            continue;
        }
        const bool objects = holds_objects(member.value);
        visit({path, member.value, through_array, objects});
        if (objects && member.value.is_object()) {
            visit_members(member.value, path + ".", through_array, visit);
        } else if (objects) {
            for (const JsonValue element : member.value.as_array()) {
                if (element.is_object()) {
                    visit_members(element, path + ".", true, visit);
                }
            }
        }
    }
}

}  // namespace

PathValues values_at(JsonValue root, std::string_view name, bool nested) {
    PathValues out;
    if (nested) {
        collect(root, name, out);
    } else if (const JsonValue value = root.find(name)) {
        out.values.push_back(value);
    }
    return out;
}

void for_each_value(
    JsonValue root,
    bool nested,
    const std::function<void(const PathValue&)>& visit
) {
    if (nested) {
        visit_members(root, "", false, visit);
        return;
    }
    for (const wire::JsonMember member : root.as_object()) {
        const std::string path(member.key);
        visit({path, root.find(member.key), false, false});
    }
}

}  // namespace kumo::search
