#include "search/join/cascade.h"

#include "search/join/join_keys.h"
#include "search/join/key_set.h"
#include "search/schema/json_path.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <map>
#include <set>

namespace kumo::search {

namespace {

JoinKey key_of(const ColumnReader& column, bool is_string, std::int64_t code) {
    return is_string ? JoinKey{false, 0, column.string(static_cast<std::uint32_t>(code))}
                     : JoinKey{true, code, {}};
}

bool has_other_reference(const Schema& schema, std::size_t field, wire::JsonValue document) {
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        if (i != field && schema.fields[i].is_reference()
            && !keys_of(document, schema, i).empty()) {
            return true;
        }
    }
    return false;
}

/// {"a":{"b":<value>}} for a field "a.b", if paths are nested.
std::string patch_of(const Schema& schema, const std::string& name, const std::string& value) {
    std::string out;
    wire::JsonWriter writer(out);
    const std::size_t dot = schema.enable_nested_fields ? name.find('.') : std::string::npos;
    writer.begin_object();
    if (dot == std::string::npos) {
        writer.key(name).raw(value);
    } else {
        writer.key(name.substr(0, dot)).begin_object();
        writer.key(name.substr(dot + 1)).raw(value).end_object();
    }
    writer.end_object();
    return out;
}

class Cascade {
public:
    Cascade(
        std::span<const std::shared_ptr<const Snapshot>> collections,
        std::span<const CascadeLink> links
    )
        : collections_(collections),
          links_(links),
          erased_(collections.size()),
          patched_(collections.size()),
          gone_(links.size()) {}

    Result<std::vector<CascadeChanges>> run(std::size_t root, std::span<const std::string> ids) {
        std::vector<CascadeChanges> rounds;
        erased_[root].insert(ids.begin(), ids.end());
        std::map<std::size_t, std::vector<std::string>> fresh;
        fresh[root].assign(ids.begin(), ids.end());
        while (!fresh.empty()) {
            std::map<std::size_t, std::vector<std::string>> next;
            for (const auto& [collection, gone] : fresh) {
                KUMO_TRY(follow(collection, gone, next));
            }
            for (const auto& [collection, gone] : next) {
                rounds.push_back({collection, gone, {}});
            }
            fresh = std::move(next);
        }
        std::reverse(rounds.begin(), rounds.end());
        for (std::size_t c = 0; c < patched_.size(); ++c) {
            CascadeChanges changes{c, {}, {}};
            for (auto& [key, patch] : patched_[c]) {
                if (!erased_[c].contains(key.first)) {
                    changes.patched.emplace_back(key.first, std::move(patch));
                }
            }
            if (!changes.patched.empty()) {
                rounds.push_back(std::move(changes));
            }
        }
        return rounds;
    }

private:
    Status follow(
        std::size_t collection,
        const std::vector<std::string>& ids,
        std::map<std::size_t, std::vector<std::string>>& next
    ) {
        const Snapshot& snapshot = *collections_[collection];
        for (const std::string& id : ids) {
            const auto document = fetch_document(snapshot, id);
            if (!document.ok()) {
                continue;  // It is not there: nothing goes with it.
            }
            KUMO_TRY_ASSIGN(const auto json, wire::JsonDocument::parse(document.value()));
            for (std::size_t l = 0; l < links_.size(); ++l) {
                if (links_[l].referenced != collection) {
                    continue;
                }
                for (const JoinKey& key :
                     keys_of(json.root(), *snapshot.schema, links_[l].referenced_field)) {
                    gone_[l].add(key);
                }
            }
        }
        for (std::size_t l = 0; l < links_.size(); ++l) {
            if (links_[l].referenced == collection) {
                KUMO_TRY(look_at_references(l, next));
            }
        }
        return {};
    }

    Status
    look_at_references(std::size_t l, std::map<std::size_t, std::vector<std::string>>& next) {
        const CascadeLink& link = links_[l];
        const Snapshot& snapshot = *collections_[link.referencing];
        const bool is_string = snapshot.schema->fields[link.field].is_string();
        for (const Snapshot::Part& part : snapshot.parts) {
            const ColumnReader& column = *part.segment->columns[link.field];
            for (DocId doc = 0; doc < part.segment->doc_count; ++doc) {
                const auto range = column.values_of(doc);
                bool any = false;
                for (std::uint64_t i = range.begin; i < range.end && !any; ++i) {
                    any = gone_[l].has(key_of(column, is_string, column.value(i)));
                }
                if (any && !part.deleted.test(doc)) {
                    std::string json;
                    KUMO_TRY(part.segment->stored->append(doc, json));
                    KUMO_TRY(change(l, json, next));
                }
            }
        }
        return {};
    }

    Status change(
        std::size_t l,
        const std::string& text,
        std::map<std::size_t, std::vector<std::string>>& next
    ) {
        const CascadeLink& link = links_[l];
        const Schema& schema = *collections_[link.referencing]->schema;
        const Field& field = schema.fields[link.field];
        KUMO_TRY_ASSIGN(const auto json, wire::JsonDocument::parse(text));
        std::string id(json.root().find("id").as_string());
        if (erased_[link.referencing].contains(id)) {
            return {};
        }
        if (++changed_ > kCascadeDocumentsMax) {
            return Error{
                ErrorCode::kLimitExceeded,
                "More than " + std::to_string(kCascadeDocumentsMax)
                    + " documents reference what is to be deleted; delete those first."};
        }
        std::optional<std::string> rest;
        if (!field.array) {
            if (field.optional && has_other_reference(schema, link.field, json.root())) {
                rest = "null";
            }
        } else {
            rest = what_stays(l, json.root());
        }
        if (rest) {
            patched_[link.referencing][{id, link.field}] = patch_of(schema, field.name, *rest);
        } else {
            erased_[link.referencing].insert(id);
            next[link.referencing].push_back(std::move(id));
        }
        return {};
    }

    /// The array without what is gone; nothing if all is. (Inside an array of objects values stay
    /// as they are as long as one of them does.)
    std::optional<std::string> what_stays(std::size_t l, wire::JsonValue document) const {
        const CascadeLink& link = links_[l];
        const Schema& schema = *collections_[link.referencing]->schema;
        const PathValues found =
            values_at(document, schema.fields[link.field].name, schema.enable_nested_fields);
        std::string out = "[";
        bool any = false;
        const auto keep = [&](wire::JsonValue value) {
            const bool is_number = value.type() == wire::JsonType::kInt64;
            const JoinKey key{
                is_number,
                is_number ? value.as_int64() : 0,
                value.is_string() ? value.as_string() : ByteView()};
            if (!gone_[l].has(key)) {
                out += any ? "," : "";
                out += value.raw();
                any = true;
            }
        };
        for (const wire::JsonValue value : found.values) {
            if (!value.is_array()) {
                keep(value);
                continue;
            }
            for (const wire::JsonValue element : value.as_array()) {
                keep(element);
            }
        }
        return any ? std::optional(out + "]") : std::nullopt;
    }

    using PatchKey = std::pair<std::string, std::size_t>;  ///< Id, field.

    std::span<const std::shared_ptr<const Snapshot>> collections_;
    std::span<const CascadeLink> links_;
    std::vector<std::set<std::string>> erased_;
    std::vector<std::map<PatchKey, std::string>> patched_;
    std::vector<KeySet> gone_;  ///< By link.
    std::size_t changed_ = 0;
};

}  // namespace

Result<std::vector<CascadeChanges>> plan_cascade(
    std::span<const std::shared_ptr<const Snapshot>> collections,
    std::span<const CascadeLink> links,
    std::size_t root,
    std::span<const std::string> ids
) {
    return Cascade(collections, links).run(root, ids);
}

}  // namespace kumo::search
