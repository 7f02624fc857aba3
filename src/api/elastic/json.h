#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "wire/json.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kumo::api_elastic {

/// A JSON value that can be built and changed: what this dialect's requests, answers, mappings and
/// settings are made of. Objects keep the order in which members came; a name stands once (of
/// several in a text, the last one's value, at the first one's place). A plain value: copies are
/// deep. Not for documents in bulk: those stay bytes.
class Json {
public:
    using Array = std::vector<Json>;
    using Member = std::pair<std::string, Json>;
    using Object = std::vector<Member>;

    Json() = default;

    // Implicit, so that answers read as what they are.
    // NOLINTBEGIN(google-explicit-constructor): see above
    Json(std::nullptr_t) {}

    Json(bool value) : value_(value) {}

    Json(int value) : value_(std::int64_t{value}) {}

    Json(long value) : value_(static_cast<std::int64_t>(value)) {}

    Json(long long value) : value_(static_cast<std::int64_t>(value)) {}

    Json(unsigned value) : value_(std::int64_t{value}) {}

    Json(unsigned long value) : value_(from_unsigned(value)) {}

    Json(unsigned long long value) : value_(from_unsigned(value)) {}

    Json(double value) : value_(value) {}

    Json(const char* text) : value_(std::string(text)) {}

    Json(std::string_view text) : value_(std::string(text)) {}

    Json(std::string text) : value_(std::move(text)) {}

    Json(Array items) : value_(std::move(items)) {}

    Json(Object members) : value_(std::move(members)) {}

    // NOLINTEND(google-explicit-constructor)

    static Json object(std::initializer_list<Member> members = {}) { return Json(Object(members)); }

    static Json array(std::initializer_list<Json> items = {}) { return Json(Array(items)); }

    /// The double that is written as the shortest text of the float: 0.1f is 0.1.
    static Json number_float(float value);

    static Result<Json> parse(ByteView text, const wire::JsonLimits& limits = {});
    static Json from(wire::JsonValue value);

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }

    bool is_bool() const { return std::holds_alternative<bool>(value_); }

    bool is_string() const { return std::holds_alternative<std::string>(value_); }

    bool is_array() const { return std::holds_alternative<Array>(value_); }

    bool is_object() const { return std::holds_alternative<Object>(value_); }

    /// int64 or uint64.
    bool is_integer() const { return is_int64() || is_uint64(); }

    bool is_int64() const { return std::holds_alternative<std::int64_t>(value_); }

    /// Above int64's range.
    bool is_uint64() const { return std::holds_alternative<std::uint64_t>(value_); }

    bool is_double() const { return std::holds_alternative<double>(value_); }

    bool is_number() const { return is_integer() || is_double(); }

    // Requests are hostile: of a value of another type these are false, "", 0 and empty lists.
    bool as_bool() const { return value_or(false); }

    const std::string& as_string() const& { return get_or<std::string>(); }

    const Array& items() const& { return get_or<Array>(); }

    const Object& members() const& { return get_or<Object>(); }

    std::string as_string() && { return std::move(make<std::string>()); }

    Array items() && { return std::move(make<Array>()); }

    Object members() && { return std::move(make<Object>()); }

    std::int64_t as_int64() const { return value_or(std::int64_t{0}); }

    std::uint64_t as_uint64() const { return value_or(std::uint64_t{0}); }

    /// To be changed; a value of another type becomes an empty one of this.
    Array& items() & { return make<Array>(); }

    Object& members() & { return make<Object>(); }

    double as_double() const;

    /// The member; null if there is none or this is no object.
    const Json* find(std::string_view name) const;
    Json* find(std::string_view name);
    /// Follows names with dots between them, also where a member's own name has dots.
    const Json* at_path(std::string_view path) const;
    /// The member, made null if there is none. Something that is no object becomes one.
    Json& operator[](std::string_view name);
    void erase(std::string_view name);
    /// Something that is no array becomes one.
    Json& push(Json value);

    bool empty() const { return size() == 0; }

    /// Of an array, an object or a string; 0 of others.
    std::size_t size() const;

    /// Scalars as text: strings as they are, numbers and booleans as JSON writes them, null as
    /// "null". For values that settings and parameters may write either way.
    std::string text() const;
    /// A boolean, or a string that says one.
    std::optional<bool> to_bool() const;
    /// An integer, a double without a fraction, or a string that is an integer.
    std::optional<std::int64_t> to_int64() const;
    /// A number, or a string that is one.
    std::optional<double> to_double() const;

    void append_to(std::string& out) const;
    std::string dump() const;
    /// With line breaks and two spaces a level, as `pretty` asks for.
    std::string pretty() const;
    /// As YAML, for `format=yaml`.
    std::string yaml() const;

    /// Objects are merged, member by member; everything else is replaced.
    void merge(const Json& patch);

    /// Numbers by value; objects whatever the order of their members.
    bool operator==(const Json& other) const;

private:
    using Value = std::variant<
        std::monostate,
        bool,
        std::int64_t,
        std::uint64_t,
        double,
        std::string,
        Array,
        Object>;

    static Value from_unsigned(std::uint64_t value);

    template <typename T>
    T value_or(T otherwise) const {
        const T* const found = std::get_if<T>(&value_);
        return found == nullptr ? otherwise : *found;
    }

    template <typename T>
    const T& get_or() const {
        static const T kEmpty;
        const T* const found = std::get_if<T>(&value_);
        return found == nullptr ? kEmpty : *found;
    }

    template <typename T>
    T& make() {
        if (!std::holds_alternative<T>(value_)) {
            value_ = T();
        }
        return *std::get_if<T>(&value_);
    }

    Value value_;
};

}  // namespace kumo::api_elastic
