#pragma once

#include "search/schema/schema.h"
#include "wire/json.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

// Values inside objects, as fields name them: `a.b` is member `b` of the object `a`, or of each
// object in the array `a`. Stateless.

/// Whether a path leads into the object.
inline bool is_inside(std::string_view path, std::string_view object) {
    return path.size() > object.size() && path.starts_with(object) && path[object.size()] == '.';
}

/// What a document has under a field's name.
struct PathValues {
    std::vector<wire::JsonValue>
        values;                  ///< In the order of the document; without nulls in arrays.
    bool through_array = false;  ///< There is an array of objects on the way.

    bool present() const { return !values.empty(); }
};

/// `nested`: the name may be a path; a member that has just that name is preferred.
PathValues values_at(wire::JsonValue root, std::string_view name, bool nested);

/// A value that is no object and no array of objects, or such a one (before what is inside it).
struct PathValue {
    const std::string& path;
    wire::JsonValue value;
    bool through_array = false;
    bool holds_objects = false;
};

/// Visits a document's members, and what is inside objects if `nested`, in order.
void for_each_value(
    wire::JsonValue root,
    bool nested,
    const std::function<void(const PathValue&)>& visit
);

}  // namespace kumo::search
