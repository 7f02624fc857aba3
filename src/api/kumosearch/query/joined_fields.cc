#include "api/kumosearch/query/joined_fields.h"

#include "api/kumosearch/query/sort_parser.h"

#include <algorithm>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using search::JoinInclude;
using search::JoinPathStep;
using search::JoinStep;

constexpr std::size_t kFieldsMax = 1024;

/// One `$Coll(...)` as it is written.
struct Reference {
    std::string collection;
    std::string alias;
    std::vector<std::string> fields;
    std::vector<Reference> nested;
    JoinShape::Strategy strategy = JoinShape::Strategy::kNest;
    std::string count_name;
    std::string sort_by;
    std::optional<std::uint32_t> limit;
};

/// Names and references of a list.
struct FieldList {
    std::vector<std::string> names;
    std::vector<Reference> references;
};

Error bad_reference(std::string_view text) {
    return invalid_argument(
        "Invalid reference `" + std::string(text)
        + "` in include_fields/exclude_fields, expected `$CollectionName(fieldA, ...)`."
    );
}

Error error_in(std::string_view text, const std::string& why) {
    return invalid_argument("Error parsing `" + std::string(text) + "`: " + why);
}

class FieldListParser {
public:
    Result<FieldList> parse(std::string_view text, std::uint32_t depth) {
        FieldList out;
        if (trim(text).empty()) {
            return out;
        }
        const auto parts = split_outside_brackets(text, kFieldsMax);
        if (!parts.ok()) {
            return bad_reference(trim(text));
        }
        for (const std::string_view part : parts.value()) {
            if (part.starts_with('$')) {
                KUMO_TRY_ASSIGN(out.references.emplace_back(), parse_reference(part, depth));
            } else if (!part.empty()) {
                out.names.emplace_back(part);
            }
        }
        return out;
    }

private:
    Result<Reference> parse_reference(std::string_view text, std::uint32_t depth) {
        const std::size_t open = text.find('(');
        const std::size_t close = text.rfind(')');
        if (open == std::string_view::npos || close == std::string_view::npos || close < open
            || trim(text.substr(1, open - 1)).empty()) {
            return bad_reference(text);
        }
        if (depth == search::kJoinDepthMax || ++count_ > kIncludesMax) {
            return invalid_argument("`include_fields` or `exclude_fields` joins too much.");
        }
        Reference out;
        out.collection = trim(text.substr(1, open - 1));
        const std::string_view rest = trim(text.substr(close + 1));
        if (!rest.empty()) {
            if (!rest.starts_with("as ") || trim(rest.substr(3)).empty()) {
                return bad_reference(text);
            }
            out.alias = trim(rest.substr(3));
        }
        const auto parts =
            split_outside_brackets(text.substr(open + 1, close - open - 1), kFieldsMax);
        if (!parts.ok()) {
            return bad_reference(text);
        }
        for (const std::string_view part : parts.value()) {
            KUMO_TRY(read_part(text, part, depth, out));
        }
        return out;
    }

    Status
    read_part(std::string_view whole, std::string_view part, std::uint32_t depth, Reference& out) {
        if (part.empty()) {
            return {};
        }
        if (part.starts_with('$')) {
            KUMO_TRY_ASSIGN(out.nested.emplace_back(), parse_reference(part, depth + 1));
            return {};
        }
        const std::size_t colon = part.find(':');
        if (colon == std::string_view::npos) {
            out.fields.emplace_back(part);
            return {};
        }
        return read_option(whole, trim(part.substr(0, colon)), trim(part.substr(colon + 1)), out);
    }

    static Status read_option(
        std::string_view whole,
        std::string_view name,
        std::string_view value,
        Reference& out
    ) {
        if (name == "strategy") {
            if (value == "merge") {
                out.strategy = JoinShape::Strategy::kMerge;
            } else if (value == "nest_array") {
                out.strategy = JoinShape::Strategy::kNestArray;
            } else if (value != "nest") {
                return error_in(
                    whole,
                    "Unknown include strategy `" + std::string(value)
                        + "`. Valid options are `merge`, `nest`, `nest_array`."
                );
            }
        } else if (name == "related_docs_count") {
            out.count_name = value;
        } else if (name == "sort_by") {
            out.sort_by = value;
        } else if (name == "limit") {
            const auto limit = parse_unsigned(value);
            if (!limit || *limit > UINT32_MAX) {
                return error_in(whole, "`limit` must be an unsigned integer.");
            }
            out.limit = static_cast<std::uint32_t>(*limit);
        } else {
            return invalid_argument(
                "Unknown reference `include_fields` parameter: `" + std::string(name) + "`."
            );
        }
        return {};
    }

    std::size_t count_ = 0;
};

const Reference* find_reference(
    const std::vector<Reference>& references,
    const JoinStep& step,
    const std::vector<std::optional<std::size_t>>& collections
) {
    for (std::size_t i = 0; i < references.size(); ++i) {
        if (collections[i] == step.collection) {
            return &references[i];
        }
    }
    return nullptr;
}

/// "*" is every field.
std::vector<std::string> selected(std::vector<std::string> names) {
    const bool all = std::find(names.begin(), names.end(), "*") != names.end();
    return all ? std::vector<std::string>() : std::move(names);
}

/// Makes includes of one level after the other.
class IncludePlanner {
public:
    /// Where those of one level go.
    struct Level {
        std::vector<JoinShape>& shapes;
        std::vector<JoinInclude>& includes;
    };

    explicit IncludePlanner(JoinPlanner& planner) : planner_(planner) {}

    Status plan(
        std::optional<std::size_t> from,
        const search::Filter& filter,
        const FieldList& include,
        const FieldList& exclude,
        std::uint32_t depth,
        const Level& out
    ) {
        if (depth == search::kJoinDepthMax) {
            return {};
        }
        const std::vector<FilterJoin> joins = joins_of(filter);
        std::vector<std::optional<std::size_t>> excluded;
        for (const Reference& reference : exclude.references) {
            KUMO_TRY_ASSIGN(const auto path, find_path(from, joins, reference.collection));
            excluded.emplace_back(path.back().step.collection);
        }
        std::vector<std::size_t> done;
        for (const Reference& reference : include.references) {
            KUMO_TRY_ASSIGN(auto path, find_path(from, joins, reference.collection));
            done.push_back(path.back().step.collection);
            const Reference* without =
                find_reference(exclude.references, path.back().step, excluded);
            KUMO_TRY(add(from, reference, without, std::move(path), depth, out));
        }
        for (const FilterJoin& join : joins) {
            if (std::find(done.begin(), done.end(), join.step.collection) != done.end()) {
                continue;
            }
            Reference all;
            all.collection = planner_.name(join.step.collection);
            const Reference* without = find_reference(exclude.references, join.step, excluded);
            KUMO_TRY(add(from, all, without, {{join.step, join.filter}}, depth, out));
        }
        return {};
    }

private:
    /// To a collection that the filter joins, or that is joined directly, or with one that the
    /// filter joins.
    Result<std::vector<JoinPathStep>> find_path(
        std::optional<std::size_t> from,
        const std::vector<FilterJoin>& joins,
        const std::string& collection
    ) {
        auto direct = planner_.step(from, collection, " in `include_fields`");
        if (direct.ok()) {
            const FilterJoin* join = find_join(joins, direct.value().collection);
            return std::vector<JoinPathStep>{
                {direct.value(), join != nullptr ? join->filter : search::Filter()}};
        }
        for (const FilterJoin& join : joins) {
            auto next = find_path(join.step.collection, joins_of(join.filter), collection);
            if (next.ok()) {
                std::vector<JoinPathStep> path{{join.step, join.filter}};
                path.insert(path.end(), next.value().begin(), next.value().end());
                return path;
            }
        }
        return std::move(direct).error();
    }

    Status add(
        std::optional<std::size_t> from,
        const Reference& reference,
        const Reference* without,
        std::vector<JoinPathStep> path,
        std::uint32_t depth,
        const Level& out
    ) {
        const auto& hidden = without != nullptr ? without->fields : std::vector<std::string>();
        if (std::find(hidden.begin(), hidden.end(), "*") != hidden.end()) {
            return {};
        }
        const JoinPathStep& last = path.back();
        JoinShape shape;
        shape.collection = reference.collection;
        shape.alias = reference.alias;
        shape.strategy = reference.strategy;
        shape.count_name = reference.count_name;
        shape.fields = FieldSelection(selected(reference.fields), hidden);
        note_reference(from, path, shape);
        JoinInclude joined;
        KUMO_TRY(read_order(reference, last.step.collection, joined));
        joined.limit = reference.limit.value_or(UINT32_MAX);
        const FieldList inside{{}, reference.nested};
        const FieldList hidden_inside{
            {},
            without != nullptr ? without->nested : std::vector<Reference>()};
        KUMO_TRY(plan(
            last.step.collection,
            last.filter,
            inside,
            hidden_inside,
            depth + 1,
            {shape.nested, joined.nested}
        ));
        joined.path = std::move(path);
        out.shapes.push_back(std::move(shape));
        out.includes.push_back(std::move(joined));
        return {};
    }

    void note_reference(
        std::optional<std::size_t> from,
        const std::vector<JoinPathStep>& path,
        JoinShape& shape
    ) const {
        const JoinStep& step = path.back().step;
        const auto before =
            path.size() > 1 ? std::optional(path[path.size() - 2].step.collection) : from;
        const search::Schema& here = before ? planner_.schema(*before) : planner_.main();
        const search::Field& reference = step.forward
                                             ? here.fields[*step.from]
                                             : planner_.schema(step.collection).fields[*step.to];
        shape.array = reference.array;
        const std::size_t dot = reference.name.find('.');
        if (step.forward && path.size() == 1 && here.enable_nested_fields
            && dot != std::string::npos) {
            shape.object = reference.name.substr(0, dot);
            shape.object_key = reference.name.substr(dot + 1);
            shape.referenced = reference.referenced_field();
        }
    }

    Status read_order(const Reference& reference, std::size_t collection, JoinInclude& out) const {
        if (reference.sort_by.empty()) {
            return {};
        }
        std::string text = reference.sort_by;
        // Documents have no order of ids but that in which they came.
        const std::size_t colon = text.find(':');
        if (trim(std::string_view(text).substr(0, colon)) == "id") {
            const std::string_view order =
                colon == std::string::npos ? "" : trim(std::string_view(text).substr(colon + 1));
            out.newest_first = order == "desc" || order == "DESC";
            return {};
        }
        const auto keys = parse_sort(text, planner_.schema(collection));
        if (!keys.ok()) {
            return invalid_argument(
                "Referenced collection `" + reference.collection + "`: " + keys.error().message
            );
        }
        for (const search::SortKey& key : keys.value()) {
            if (key.by != search::SortKey::By::kField) {
                return invalid_argument(
                    "Referenced collection `" + reference.collection
                    + "`: only fields can be sorted by in `include_fields`."
                );
            }
            out.sort.emplace_back(key.field, key.descending);
        }
        return {};
    }

    JoinPlanner& planner_;
};

// ---- writing

using search::JoinedDocuments;
using wire::JsonValue;

Error name_taken(const JoinShape& shape, const std::string& key) {
    return invalid_argument(
        "Could not include the reference document of `" + shape.collection
        + "` collection. Expected `" + key + "` to be an array. Try "
        + (shape.alias.empty() ? "adding an" : "renaming the") + " alias."
    );
}

Error member_taken(const JoinShape& shape, const std::string& member, const std::string& key) {
    return invalid_argument(
        "Could not include the value of `" + member + "` key of the reference document of `"
        + shape.collection + "` collection. Expected `" + key + "` to be an array. Try "
        + (shape.alias.empty() ? "adding an" : "renaming the") + " alias."
    );
}

/// Members that are to be added to an object, in order, each once.
class AddedMembers {
public:
    /// False if it is there.
    bool add(const std::string& name, std::string json) {
        if (find(name) != nullptr) {
            return false;
        }
        members_.emplace_back(name, std::move(json));
        return true;
    }

    const std::string* find(const std::string& name) const {
        const auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& member) {
            return member.first == name;
        });
        return found == members_.end() ? nullptr : &found->second;
    }

    void write(wire::JsonWriter& writer) const {
        for (const auto& [name, json] : members_) {
            writer.key(name).raw(json);
        }
    }

    bool empty() const { return members_.empty(); }

private:
    std::vector<std::pair<std::string, std::string>> members_;
};

/// Whether the object has, at the path, the value that the joined document is referenced by.
bool refers_to(JsonValue object, const JoinShape& shape, ByteView document) {
    const auto parsed = wire::JsonDocument::parse(document);
    if (!parsed.ok() || !object.is_object()) {
        return false;
    }
    const JsonValue here = object.find(shape.object_key);
    const JsonValue there = parsed.value().root().find(shape.referenced);
    if (!here || !there) {
        return false;
    }
    if (!here.is_array()) {
        return here.raw() == there.raw();
    }
    for (const JsonValue element : here.as_array()) {
        if (element.raw() == there.raw()) {
            return true;
        }
    }
    return false;
}

class JoinWriter {
public:
    /// Adds what is shown of `joined` to the members of `target`.
    static Status add(
        const JoinShape& shape,
        const std::vector<const search::JoinedDocument*>& joined,
        JsonValue target,
        bool array,
        AddedMembers& out
    ) {
        std::vector<std::string> documents;
        for (const search::JoinedDocument* document : joined) {
            std::string& shown = documents.emplace_back();
            KUMO_TRY(append_shown(
                shape.fields,
                shape.nested,
                document->document,
                document->nested,
                shown
            ));
        }
        std::erase(documents, "{}");
        if (shape.strategy == JoinShape::Strategy::kMerge) {
            return merge(shape, documents, target, array, out);
        }
        const bool always = array || shape.strategy == JoinShape::Strategy::kNestArray;
        if (documents.empty() && shape.strategy != JoinShape::Strategy::kNestArray) {
            return {};
        }
        const std::string& key = shape.alias.empty() ? shape.collection : shape.alias;
        std::string json;
        if (documents.size() == 1 && !always) {
            json = std::move(documents.front());
        } else {
            json = "[";
            for (const std::string& document : documents) {
                json += json.size() > 1 ? "," : "";
                json += document;
            }
            json += "]";
        }
        if ((target && target.find(key)) || !out.add(key, std::move(json))) {
            return name_taken(shape, key);
        }
        return {};
    }

private:
    static Status merge(
        const JoinShape& shape,
        const std::vector<std::string>& documents,
        JsonValue target,
        bool array,
        AddedMembers& out
    ) {
        std::vector<std::pair<std::string, std::vector<std::string>>> members;
        for (const std::string& document : documents) {
            KUMO_TRY_ASSIGN(const auto parsed, wire::JsonDocument::parse(document));
            for (const wire::JsonMember member : parsed.root().as_object()) {
                const auto known =
                    std::find_if(members.begin(), members.end(), [&](const auto& each) {
                        return each.first == member.key;
                    });
                auto& values =
                    known != members.end()
                        ? known->second
                        : members.emplace_back(std::string(member.key), std::vector<std::string>())
                              .second;
                values.emplace_back(member.value.raw());
            }
        }
        for (const auto& [member, values] : members) {
            std::string json = values.front();
            if (array || documents.size() > 1) {
                json = "[";
                for (const std::string& value : values) {
                    json += json.size() > 1 ? "," : "";
                    json += value;
                }
                json += "]";
            }
            const std::string key = shape.alias.empty() ? member : shape.alias + "." + member;
            if ((target && target.find(key)) || !out.add(key, std::move(json))) {
                return member_taken(shape, member, key);
            }
        }
        return {};
    }
};

/// The object, or each object of the array, with the documents that it refers to.
Status write_object(
    JsonValue object,
    const JoinShape& shape,
    const JoinedDocuments& joined,
    wire::JsonWriter& writer
) {
    if (object.is_array()) {
        writer.begin_array();
        for (const JsonValue element : object.as_array()) {
            KUMO_TRY(write_object(element, shape, joined, writer));
        }
        writer.end_array();
        return {};
    }
    if (!object.is_object()) {
        writer.raw(object.raw());
        return {};
    }
    std::vector<const search::JoinedDocument*> mine;
    for (const search::JoinedDocument& document : joined.documents) {
        if (refers_to(object, shape, document.document)) {
            mine.push_back(&document);
        }
    }
    const JsonValue key = object.find(shape.object_key);
    AddedMembers added;
    KUMO_TRY(JoinWriter::add(shape, mine, object, key && key.is_array(), added));
    writer.begin_object();
    for (const wire::JsonMember member : object.as_object()) {
        writer.key(member.key).raw(member.value.raw());
    }
    added.write(writer);
    writer.end_object();
    return {};
}

}  // namespace

Result<FieldSelection> plan_plain_fields(const Parameters& parameters) {
    KUMO_TRY_ASSIGN(
        FieldList include,
        FieldListParser().parse(parameters.text("include_fields"), 0)
    );
    KUMO_TRY_ASSIGN(
        FieldList exclude,
        FieldListParser().parse(parameters.text("exclude_fields"), 0)
    );
    return FieldSelection(selected(std::move(include.names)), std::move(exclude.names));
}

Result<ShownFields> plan_shown_fields(
    const Parameters& parameters,
    const search::Filter& filter,
    JoinPlanner* planner
) {
    KUMO_TRY_ASSIGN(
        const FieldList include,
        FieldListParser().parse(parameters.text("include_fields"), 0)
    );
    KUMO_TRY_ASSIGN(
        const FieldList exclude,
        FieldListParser().parse(parameters.text("exclude_fields"), 0)
    );
    ShownFields out;
    out.fields = FieldSelection(selected(include.names), exclude.names);
    if (planner == nullptr) {
        return include.references.empty() && exclude.references.empty()
                   ? Result<ShownFields>(std::move(out))
                   : invalid_argument("Nothing can be joined here.");
    }
    IncludePlanner includes(*planner);
    KUMO_TRY(includes.plan(std::nullopt, filter, include, exclude, 0, {out.shapes, out.includes}));
    return out;
}

Status append_shown(
    const FieldSelection& fields,
    const std::vector<JoinShape>& shapes,
    ByteView document,
    const std::vector<JoinedDocuments>& joined,
    std::string& out
) {
    if (shapes.empty()) {
        return fields.append(document, out);
    }
    std::string shown;
    KUMO_TRY(fields.append(document, shown));
    for (std::size_t i = 0; i < shapes.size() && i < joined.size(); ++i) {
        const JoinShape& shape = shapes[i];
        KUMO_TRY_ASSIGN(const auto parsed, wire::JsonDocument::parse(shown));
        const JsonValue root = parsed.root();
        AddedMembers added;
        if (!shape.count_name.empty()) {
            (void)added.add(shape.count_name, std::to_string(joined[i].found));
        }
        std::string next;
        wire::JsonWriter writer(next);
        writer.begin_object();
        const bool in_object = !shape.object.empty() && root.find(shape.object);
        if (!in_object) {
            std::vector<const search::JoinedDocument*> all;
            for (const search::JoinedDocument& each : joined[i].documents) {
                all.push_back(&each);
            }
            KUMO_TRY(JoinWriter::add(shape, all, root, shape.array, added));
        }
        for (const wire::JsonMember member : root.as_object()) {
            writer.key(member.key);
            if (in_object && member.key == shape.object) {
                KUMO_TRY(write_object(member.value, shape, joined[i], writer));
            } else {
                writer.raw(member.value.raw());
            }
        }
        added.write(writer);
        writer.end_object();
        shown = std::move(next);
    }
    out.append(shown);
    return {};
}

}  // namespace kumo::api_kumosearch
