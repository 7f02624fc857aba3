#include "wire/json_writer.h"

#include <unordered_map>

namespace kumo::wire {

namespace {

/// An object's members by name; of repeated names the last.
using Members = std::unordered_map<ByteView, JsonValue>;

Members index_members(JsonValue object) {
    Members members;
    if (object && object.is_object()) {
        members.reserve(object.as_object().size());
        for (const JsonMember member : object.as_object()) {
            members[member.key] = member.value;
        }
    }
    return members;
}

void merge_objects(JsonValue target, JsonValue patch, JsonWriter& out) {
    Members patches = index_members(patch);
    Members targets = index_members(target);
    out.begin_object();
    if (target && target.is_object()) {
        for (const JsonMember member : target.as_object()) {
            const auto kept = targets.find(member.key);
            if (kept == targets.end()) {
                continue;  // A repeated name, written already.
            }
            const JsonValue value = kept->second;
            targets.erase(kept);
            const auto change = patches.find(member.key);
            if (change == patches.end()) {
                out.key(member.key).raw(value.raw());
            } else if (!change->second.is_null()) {
                out.key(member.key);
                merge_patch(value, change->second, out);
            }
            if (change != patches.end()) {
                patches.erase(change);
            }
        }
    }
    for (const JsonMember member : patch.as_object()) {
        const auto added = patches.find(member.key);
        if (added != patches.end()) {
            if (!added->second.is_null()) {
                out.key(member.key);
                merge_patch(JsonValue(), added->second, out);
            }
            patches.erase(added);
        }
    }
    out.end_object();
}

}  // namespace

void merge_patch(JsonValue target, JsonValue patch, JsonWriter& out) {
    if (patch.is_object()) {
        merge_objects(target, patch, out);
    } else {
        out.raw(patch.raw());
    }
}

}  // namespace kumo::wire
