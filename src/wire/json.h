#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace kumo::wire {

/// What a document may cost. Passing a limit is kInvalidArgument.
struct JsonLimits {
    std::size_t bytes_max = 32U << 20;  ///< At most kJsonBytesMax.
    std::uint32_t depth_max = 64;       ///< Nesting of arrays and objects; at most kJsonDepthMax.
    std::uint32_t keys_max = 10000;     ///< Members of one object.
    /// Tokens (values, names, brackets, commas, colons): the tree takes 24 bytes for each.
    std::size_t tokens_max = 8U << 20;
};

/// Offsets inside a document are 32 bits wide.
inline constexpr std::size_t kJsonBytesMax = 1U << 30;
/// The walk over a document recurses once a level.
inline constexpr std::uint32_t kJsonDepthMax = 512;

enum class JsonType : std::uint8_t {
    kNull,
    kBool,
    kInt64,   ///< An integer that fits int64.
    kUint64,  ///< An integer above int64's range that fits uint64.
    kDouble,  ///< Has a fraction or exponent, or is an integer beyond 64 bits. Always finite.
    kString,
    kArray,
    kObject,
};

/// "null", "bool", "int64", ... For messages.
std::string_view json_type_name(JsonType type) noexcept;

namespace internal {
struct JsonNode;
struct JsonTree;
}  // namespace internal

class JsonArray;
class JsonObject;

/// A handle to one value of a JsonDocument: two words, copied freely. Valid as long as the
/// document lives (moving the document keeps it valid). A default-made handle is *absent*; only
/// operator bool may be asked of it.
/// Thread rule: immutable; any number of threads may read one document.
class JsonValue {
public:
    JsonValue() = default;

    /// False if absent (not if null or false).
    explicit operator bool() const noexcept { return node_ != nullptr; }

    JsonType type() const noexcept;

    bool is_null() const noexcept { return type() == JsonType::kNull; }

    bool is_bool() const noexcept { return type() == JsonType::kBool; }

    bool is_string() const noexcept { return type() == JsonType::kString; }

    bool is_array() const noexcept { return type() == JsonType::kArray; }

    bool is_object() const noexcept { return type() == JsonType::kObject; }

    /// kInt64 or kUint64.
    bool is_integer() const noexcept;
    /// An integer or a double.
    bool is_number() const noexcept;

    /// Each of these requires the type it names.
    bool as_bool() const noexcept;
    std::int64_t as_int64() const noexcept;
    std::uint64_t as_uint64() const noexcept;
    ByteView as_string() const noexcept;  ///< Unescaped, valid UTF-8; may hold NUL.
    JsonArray as_array() const noexcept;
    JsonObject as_object() const noexcept;
    /// Any number, converted. Requires is_number().
    double as_double() const noexcept;

    /// The member of an object; of several with this name, the last. Absent if there is none or
    /// if this is not an object. Linear in the number of members.
    JsonValue find(ByteView key) const noexcept;

    /// The exact bytes of this value in the source, without surrounding white space.
    ByteView raw() const noexcept;

private:
    friend class JsonDocument;
    friend class JsonArray;
    friend class JsonObject;

    JsonValue(const internal::JsonTree* tree, const internal::JsonNode* node)
        : tree_(tree), node_(node) {}

    const internal::JsonTree* tree_ = nullptr;
    const internal::JsonNode* node_ = nullptr;
};

/// The elements of an array, in order. `for (JsonValue v : value.as_array())`.
class JsonArray {
public:
    class Iterator {
    public:
        JsonValue operator*() const noexcept { return value_; }

        Iterator& operator++() noexcept;

        bool operator==(const Iterator& o) const noexcept { return value_.node_ == o.value_.node_; }

    private:
        friend class JsonArray;

        explicit Iterator(JsonValue value) : value_(value) {}

        JsonValue value_;
    };

    std::size_t size() const noexcept;
    Iterator begin() const noexcept;
    Iterator end() const noexcept;

private:
    friend class JsonValue;

    explicit JsonArray(JsonValue array) : array_(array) {}

    JsonValue array_;
};

/// One name and value of an object.
struct JsonMember {
    ByteView key;
    JsonValue value;
};

/// The members of an object in the order of the source, repeated names included.
class JsonObject {
public:
    class Iterator {
    public:
        JsonMember operator*() const noexcept;
        Iterator& operator++() noexcept;

        bool operator==(const Iterator& o) const noexcept { return key_.node_ == o.key_.node_; }

    private:
        friend class JsonObject;

        explicit Iterator(JsonValue key) : key_(key) {}

        JsonValue key_;
    };

    std::size_t size() const noexcept;
    Iterator begin() const noexcept;
    Iterator end() const noexcept;

private:
    friend class JsonValue;

    explicit JsonObject(JsonValue object) : object_(object) {}

    JsonValue object_;
};

/// A parsed JSON text (RFC 8259): one allocation that holds a compact array of nodes, a copy of
/// the source and the unescaped strings. Immutable once parsed.
///
/// Strict: one value and nothing behind it, valid UTF-8, no lone surrogates in escapes, no NaN or
/// numbers beyond double's range. Errors are kInvalidArgument and name the byte offset.
/// Thread rule: parse() from any thread (it keeps a scratch parser per thread), reads from any.
///
/// While parsing, a text of n bytes takes 4 n bytes of scratch beside the document.
class JsonDocument {
public:
    static Result<JsonDocument> parse(ByteView text, const JsonLimits& limits = {});

    JsonDocument(JsonDocument&&) noexcept = default;
    JsonDocument& operator=(JsonDocument&&) noexcept = default;
    ~JsonDocument() = default;

    /// Not to be called on a moved-from document.
    JsonValue root() const noexcept;

    /// The text that was parsed, byte for byte.
    ByteView source() const noexcept;

    /// Heap bytes held.
    std::size_t memory_bytes() const noexcept;

private:
    struct Free {
        void operator()(const internal::JsonTree* tree) const noexcept;
    };

    using Tree = std::unique_ptr<const internal::JsonTree, Free>;

    explicit JsonDocument(Tree tree) : tree_(std::move(tree)) {}

    Tree tree_;
};

}  // namespace kumo::wire
