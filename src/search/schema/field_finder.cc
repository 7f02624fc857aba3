#include "search/schema/field_finder.h"

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

/// The field that a pattern makes of a name and its first value.
std::optional<Field>
make_field(const Field& pattern, std::string_view name, wire::JsonValue value) {
    const auto kind = kind_of(value);
    if (!kind) {
        return std::nullopt;  // Nothing to be found yet, or nothing that can be.
    }
    Field field = pattern;
    field.name = name;
    field.optional = true;
    field.found = true;
    if (pattern.type == ValueType::kAnyString) {
        field.type = ValueType::kString;
        field.array = kind->array;
    } else if (pattern.type == ValueType::kAuto) {
        field.type = kind->type;
        field.array = kind->array;
        field.sort = pattern.sort || !field.is_string();
    }
    field.sort = field.sort && field.index && !field.array;
    field.infix = field.infix && field.is_string();
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

std::vector<Field> FieldFinder::find(wire::JsonValue root) const {
    std::vector<Field> out;
    if (patterns_.empty()) {
        return out;
    }
    for (const wire::JsonMember member : root.as_object()) {
        const bool can_be = member.key != "id" && !member.key.empty()
                            && member.key.size() <= kFieldNameBytesMax
                            && !known_.contains(member.key);
        const Pattern* pattern = can_be ? match(member.key) : nullptr;
        if (pattern == nullptr) {
            continue;
        }
        auto field = make_field(schema_->fields[pattern->field], member.key, root.find(member.key));
        const bool twice = std::any_of(out.begin(), out.end(), [&](const Field& other) {
            return other.name == member.key;
        });
        if (field && !twice) {
            out.push_back(std::move(*field));
        }
    }
    return out;
}

bool FieldFinder::is_of(const Field& found, const Field& pattern) const {
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
