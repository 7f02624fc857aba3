#include "search/schema/field_finder.h"

#include "search/schema/json_path.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace kumo::search {

namespace {

constexpr std::string_view kAnyName = ".*";
constexpr std::int64_t kPatternBytesMax = 1 << 20;  ///< Of a compiled pattern.

RE2::Options options() {
    RE2::Options out;
    out.set_log_errors(false);
    out.set_max_mem(kPatternBytesMax);
    return out;
}

struct Kind {
    ValueType type;
    bool array;
};

/// The kind of a value that says of itself what it is.
std::optional<Kind> kind_of(wire::JsonValue value) {
    switch (value.type()) {
        case wire::JsonType::kString: return Kind{ValueType::kString, false};
        case wire::JsonType::kInt64:
        case wire::JsonType::kUint64: return Kind{ValueType::kInt64, false};
        case wire::JsonType::kDouble: return Kind{ValueType::kFloat, false};
        case wire::JsonType::kBool: return Kind{ValueType::kBool, false};
        case wire::JsonType::kArray: {
            if (value.as_array().size() == 0) {
                return std::nullopt;
            }
            const auto element = kind_of(*value.as_array().begin());
            return element && !element->array ? std::optional(Kind{element->type, true})
                                              : std::nullopt;
        }
        case wire::JsonType::kNull:
        case wire::JsonType::kObject: return std::nullopt;
    }
    return std::nullopt;
}

/// The field that a pattern, or an object around it, makes of a name and its first value.
std::optional<Field> make_field(const Field& pattern, const PathValue& at) {
    const auto kind = at.holds_objects
                          ? std::optional(Kind{ValueType::kObject, at.value.is_array()})
                          : kind_of(at.value);
    if (!kind) {
        return std::nullopt;  // Nothing to be found yet, or nothing that can be.
    }
    const bool array = kind->array || at.through_array;
    const bool is_auto = pattern.type == ValueType::kAuto || pattern.is_object();
    Field field = pattern;
    field.name = at.path;
    field.optional = true;
    field.found = true;
    if (pattern.type == ValueType::kAnyString) {
        field.type = ValueType::kString;
        field.array = array;
    } else if (is_auto) {
        field.type = kind->type;
        field.array = array;
        field.sort = pattern.sort || field.is_number() || field.type == ValueType::kBool;
    }
    field.sort = field.sort && field.index && !field.array && !field.is_object();
    field.infix = field.infix && field.is_string();
    if (!field.is_string()) {
        field.stem = false;
        field.stem_dictionary = {};
    }
    return field;
}

}  // namespace

struct FieldFinder::Pattern {
    std::size_t field = 0;  ///< Its position in the schema.
    std::shared_ptr<const RE2> expression;
};

FieldFinder::FieldFinder(std::shared_ptr<const Schema> schema) : schema_(std::move(schema)) {
    for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
        const Field& field = schema_->fields[i];
        if (field.is_pattern()) {
            patterns_.push_back({i, std::make_shared<const RE2>(field.name, options())});
        } else {
            known_.insert(field.name);
        }
        if (field.is_object() && !field.is_pattern()) {
            objects_.push_back(i);
        }
    }
    // What stands for every name is tried last.
    std::stable_partition(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
        return schema_->fields[pattern.field].name != kAnyName;
    });
}

FieldFinder::~FieldFinder() = default;

const FieldFinder::Pattern* FieldFinder::match(std::string_view name) const {
    for (const Pattern& pattern : patterns_) {
        if (schema_->fields[pattern.field].name == name
            || (schema_->fields[pattern.field].is_expression()
                && RE2::FullMatch(name, *pattern.expression))) {
            return &pattern;
        }
    }
    return nullptr;
}

/// One document's.
class FieldFinder::Search {
public:
    explicit Search(const FieldFinder& finder) : finder_(finder) {}

    void look_at(const PathValue& at) {
        const std::string& name = at.path;
        if (name == "id" || name.empty() || name.size() > kFieldNameBytesMax
            || finder_.known_.contains(name) || names_.contains(name)) {
            return;
        }
        if (out_.size() > kFieldsMax) {
            return;  // The document is refused, whatever else is in it.
        }
        const std::optional<Field> reason = reason_for(name);
        if (!reason || (at.holds_objects && !makes_object(*reason, name))) {
            return;
        }
        if (auto field = make_field(*reason, at)) {
            names_.insert(name);
            out_.push_back(std::move(*field));
        }
    }

    std::vector<Field> take() { return std::move(out_); }

private:
    /// Objects inside objects need no field of their own.
    static bool makes_object(const Field& reason, std::string_view name) {
        return reason.is_object() ? !is_inside(name, reason.name) : reason.type == ValueType::kAuto;
    }

    /// What declares a field of this name: an object around it, or a pattern.
    std::optional<Field> reason_for(std::string_view name) const {
        const std::vector<Field>& fields = finder_.schema_->fields;
        for (const std::size_t object : finder_.objects_) {
            if (is_inside(name, fields[object].name)) {
                return fields[object];
            }
        }
        for (const Field& field : out_) {
            if (field.is_object() && is_inside(name, field.name)) {
                return field;
            }
        }
        const Pattern* pattern = finder_.match(name);
        return pattern == nullptr ? std::nullopt : std::optional(fields[pattern->field]);
    }

    const FieldFinder& finder_;
    std::vector<Field> out_;
    std::unordered_set<std::string> names_;
};

bool FieldFinder::finds_any() const {
    return !patterns_.empty() || !objects_.empty();
}

std::vector<Field> FieldFinder::find(wire::JsonValue root) const {
    if (!finds_any()) {
        return {};
    }
    Search search(*this);
    for_each_value(root, schema_->enable_nested_fields, [&](const PathValue& at) {
        search.look_at(at);
    });
    return search.take();
}

bool FieldFinder::is_of(const Field& found, const Field& pattern) const {
    if (pattern.is_object() && found.found && is_inside(found.name, pattern.name)) {
        return true;
    }
    const Pattern* first = found.found ? match(found.name) : nullptr;
    return first != nullptr && schema_->fields[first->field].name == pattern.name;
}

Result<std::shared_ptr<const Schema>>
with_found(const Schema& schema, const std::vector<Field>& found) {
    auto out = std::make_shared<Schema>(schema);
    for (const Field& field : found) {
        const auto same = std::find_if(out->fields.begin(), out->fields.end(), [&](const Field& f) {
            return f.is_pattern() && f.name == field.name;
        });
        if (same != out->fields.end()) {
            *same = field;
        } else if (out->fields.size() < kFieldsMax) {
            out->fields.push_back(field);
        } else {
            return Error{
                ErrorCode::kLimitExceeded,
                "Field `" + field.name + "` cannot be added: a collection can have at most "
                    + std::to_string(kFieldsMax) + " fields."};
        }
    }
    return std::shared_ptr<const Schema>(std::move(out));
}

Status check_pattern(const Field& field) {
    if (!field.is_pattern()) {
        return {};
    }
    if (!field.optional) {
        return invalid_argument("Field `" + field.name + "` must be an optional field.");
    }
    if (field.name == kAnyName && field.facet) {
        return invalid_argument("Field `" + field.name + "` cannot be a facet field.");
    }
    if (field.is_expression() && !RE2(field.name, options()).ok()) {
        return invalid_argument("Field `" + field.name + "`: the name is no regular expression.");
    }
    return {};
}

}  // namespace kumo::search
