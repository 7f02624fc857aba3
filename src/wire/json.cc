#include "wire/json.h"

#include "base/assert.h"
#include "wire/internal/json_tree.h"

#include <new>

namespace kumo::wire {

using internal::JsonNode;
using internal::JsonTree;

std::string_view json_type_name(JsonType type) noexcept {
    switch (type) {
        case JsonType::kNull: return "null";
        case JsonType::kBool: return "bool";
        case JsonType::kInt64: return "int64";
        case JsonType::kUint64: return "uint64";
        case JsonType::kDouble: return "double";
        case JsonType::kString: return "string";
        case JsonType::kArray: return "array";
        case JsonType::kObject: return "object";
    }
    return "unknown";
}

JsonType JsonValue::type() const noexcept {
    KUMO_ASSERT(node_ != nullptr);
    return node_->type;
}

bool JsonValue::is_integer() const noexcept {
    return type() == JsonType::kInt64 || type() == JsonType::kUint64;
}

bool JsonValue::is_number() const noexcept {
    return is_integer() || type() == JsonType::kDouble;
}

bool JsonValue::as_bool() const noexcept {
    KUMO_ASSERT(is_bool());
    return node_->boolean;
}

std::int64_t JsonValue::as_int64() const noexcept {
    KUMO_ASSERT(type() == JsonType::kInt64);
    return node_->int64;
}

std::uint64_t JsonValue::as_uint64() const noexcept {
    KUMO_ASSERT(type() == JsonType::kUint64);
    return node_->uint64;
}

ByteView JsonValue::as_string() const noexcept {
    KUMO_ASSERT(is_string());
    return tree_->string_of(*node_);
}

JsonArray JsonValue::as_array() const noexcept {
    KUMO_ASSERT(is_array());
    return JsonArray(*this);
}

JsonObject JsonValue::as_object() const noexcept {
    KUMO_ASSERT(is_object());
    return JsonObject(*this);
}

double JsonValue::as_double() const noexcept {
    switch (type()) {
        case JsonType::kInt64: return static_cast<double>(node_->int64);
        case JsonType::kUint64: return static_cast<double>(node_->uint64);
        default: KUMO_ASSERT(type() == JsonType::kDouble); return node_->number;
    }
}

JsonValue JsonValue::find(ByteView key) const noexcept {
    JsonValue found;
    if (!is_object()) {
        return found;
    }
    const JsonNode* end = node_ + node_->skip;
    for (const JsonNode* name = node_ + 1; name != end;) {
        const JsonNode* value = name + 1;
        if (tree_->string_of(*name) == key) {
            found = JsonValue(tree_, value);
        }
        name = value + value->skip;
    }
    return found;
}

ByteView JsonValue::raw() const noexcept {
    KUMO_ASSERT(node_ != nullptr);
    return {tree_->text + node_->begin, node_->end - node_->begin};
}

std::size_t JsonArray::size() const noexcept {
    return array_.node_->count;
}

JsonArray::Iterator JsonArray::begin() const noexcept {
    return Iterator(JsonValue(array_.tree_, array_.node_ + 1));
}

JsonArray::Iterator JsonArray::end() const noexcept {
    return Iterator(JsonValue(array_.tree_, array_.node_ + array_.node_->skip));
}

JsonArray::Iterator& JsonArray::Iterator::operator++() noexcept {
    value_.node_ += value_.node_->skip;
    return *this;
}

std::size_t JsonObject::size() const noexcept {
    return object_.node_->count;
}

JsonObject::Iterator JsonObject::begin() const noexcept {
    return Iterator(JsonValue(object_.tree_, object_.node_ + 1));
}

JsonObject::Iterator JsonObject::end() const noexcept {
    return Iterator(JsonValue(object_.tree_, object_.node_ + object_.node_->skip));
}

JsonMember JsonObject::Iterator::operator*() const noexcept {
    return {key_.tree_->string_of(*key_.node_), JsonValue(key_.tree_, key_.node_ + 1)};
}

JsonObject::Iterator& JsonObject::Iterator::operator++() noexcept {
    const JsonNode* value = key_.node_ + 1;
    key_.node_ = value + value->skip;
    return *this;
}

JsonValue JsonDocument::root() const noexcept {
    KUMO_ASSERT(tree_ != nullptr);
    return {tree_.get(), tree_->nodes};
}

ByteView JsonDocument::source() const noexcept {
    KUMO_ASSERT(tree_ != nullptr);
    return {tree_->text, tree_->text_bytes};
}

std::size_t JsonDocument::memory_bytes() const noexcept {
    return tree_ == nullptr ? 0 : tree_->block_bytes;
}

void JsonDocument::Free::operator()(const JsonTree* tree) const noexcept {
    ::operator delete(const_cast<JsonTree*>(tree));
}

}  // namespace kumo::wire
