#include "api/elastic/script/internal/value.h"

#include "api/elastic/script/internal/ast.h"
#include "api/elastic/script/script.h"

#include <algorithm>

namespace kumo::api_elastic::script {

namespace {

/// Of a value's place in a list or a map.
constexpr std::size_t kValueBytes = sizeof(Value) + 16;
constexpr std::size_t kValueDepthMax = 100;

}  // namespace

Value* Map::find(const std::string& name) {
    const auto found = std::find_if(members.begin(), members.end(), [&name](const auto& one) {
        return one.first == name;
    });
    return found == members.end() ? nullptr : &found->second;
}

Value& Map::at(const std::string& name) {
    if (Value* const found = find(name)) {
        return *found;
    }
    return members.emplace_back(name, Value()).second;
}

bool Map::erase(const std::string& name) {
    const auto found = std::find_if(members.begin(), members.end(), [&name](const auto& one) {
        return one.first == name;
    });
    if (found == members.end()) {
        return false;
    }
    members.erase(found);
    return true;
}

Status Heap::take(std::size_t bytes) {
    bytes_ += bytes;
    return bytes_ > kScriptHeapBytesMax ? Status(runtime_error("a script needs too much memory"))
                                        : Status();
}

Result<List*> Heap::list() {
    KUMO_TRY(take(kValueBytes));
    return &lists_.emplace_back();
}

Result<Map*> Heap::map() {
    KUMO_TRY(take(kValueBytes));
    return &maps_.emplace_back();
}

Result<Value> Heap::from(const Json& json, std::size_t depth) {
    if (depth > kValueDepthMax) {
        return runtime_error("a value is nested too deeply");
    }
    KUMO_TRY(take(depth == 0 ? 0 : kValueBytes));
    if (json.is_array()) {
        KUMO_TRY_ASSIGN(List* const out, list());
        for (const Json& one : json.items()) {
            KUMO_TRY_ASSIGN(Value value, from(one, depth + 1));
            out->items.push_back(std::move(value));
        }
        return Value(out);
    }
    if (json.is_object()) {
        KUMO_TRY_ASSIGN(Map* const out, map());
        for (const auto& [name, member] : json.members()) {
            KUMO_TRY(take(name.size()));
            KUMO_TRY_ASSIGN(Value value, from(member, depth + 1));
            out->members.emplace_back(name, std::move(value));
        }
        return Value(out);
    }
    if (json.is_string()) {
        KUMO_TRY(take(json.as_string().size()));
        return Value(json.as_string());
    }
    if (json.is_bool()) {
        return Value(json.as_bool());
    }
    if (json.is_int64()) {
        return Value(json.as_int64());
    }
    return json.is_null() ? Value() : Value(json.as_double());
}

Result<Json> Heap::json(const Value& value, std::size_t depth) {
    if (depth > kValueDepthMax) {
        return runtime_error("a value contains itself or is nested too deeply");
    }
    if (const auto* const list = std::get_if<List*>(&value)) {
        Json out = Json::array();
        for (const Value& one : (*list)->items) {
            KUMO_TRY(take(kValueBytes));
            KUMO_TRY_ASSIGN(Json item, json(one, depth + 1));
            out.push(std::move(item));
        }
        return out;
    }
    if (const auto* const map = std::get_if<Map*>(&value)) {
        Json out = Json::object();
        for (const auto& [name, one] : (*map)->members) {
            KUMO_TRY(take(kValueBytes + name.size()));
            KUMO_TRY_ASSIGN(Json member, json(one, depth + 1));
            out.members().emplace_back(name, std::move(member));
        }
        return out;
    }
    if (const auto* const text = std::get_if<std::string>(&value)) {
        KUMO_TRY(take(text->size()));
        return Json(*text);
    }
    if (const auto* const truth = std::get_if<bool>(&value)) {
        return Json(*truth);
    }
    if (const auto* const whole = std::get_if<std::int64_t>(&value)) {
        return Json(*whole);
    }
    const auto* const real = std::get_if<double>(&value);
    return real == nullptr ? Json() : Json(*real);
}

bool is_number(const Value& value) {
    return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

double number_of(const Value& value) {
    if (const auto* const whole = std::get_if<std::int64_t>(&value)) {
        return static_cast<double>(*whole);
    }
    const auto* const real = std::get_if<double>(&value);
    return real == nullptr ? 0 : *real;
}

Result<std::string> text_of(const Value& value, std::size_t depth) {
    constexpr std::size_t kTextDepthMax = 20;
    if (depth > kTextDepthMax) {
        return runtime_error("a value contains itself or is nested too deeply");
    }
    if (const auto* const text = std::get_if<std::string>(&value)) {
        return *text;
    }
    if (std::holds_alternative<List*>(value) || std::holds_alternative<Map*>(value)) {
        return std::string(
            std::holds_alternative<List*>(value)
                ? "[list of " + std::to_string(std::get<List*>(value)->items.size()) + "]"
                : "{map of " + std::to_string(std::get<Map*>(value)->members.size()) + "}"
        );
    }
    if (const auto* const real = std::get_if<double>(&value)) {
        return Json(*real).text();
    }
    if (const auto* const whole = std::get_if<std::int64_t>(&value)) {
        return std::to_string(*whole);
    }
    const auto* const truth = std::get_if<bool>(&value);
    return std::string(truth == nullptr ? "null" : *truth ? "true" : "false");
}

const char* type_of(const Value& value) {
    switch (value.index()) {
        case 0: return "null";
        case 1: return "boolean";
        case 2: return "long";
        case 3: return "double";
        case 4: return "String";
        case 5: return "List";
        default: return "Map";
    }
}

bool equal(const Value& a, const Value& b, std::size_t depth) {
    constexpr std::size_t kEqualDepthMax = 20;
    if (is_number(a) && is_number(b)) {
        return a.index() == b.index() ? a == b : number_of(a) == number_of(b);
    }
    if (a.index() != b.index() || depth > kEqualDepthMax) {
        return false;
    }
    const auto* const list = std::get_if<List*>(&a);
    if (list != nullptr) {
        const List& other = *std::get<List*>(b);
        return std::equal(
            (*list)->items.begin(),
            (*list)->items.end(),
            other.items.begin(),
            other.items.end(),
            [depth](const Value& x, const Value& y) { return equal(x, y, depth + 1); }
        );
    }
    return a == b;
}

}  // namespace kumo::api_elastic::script
