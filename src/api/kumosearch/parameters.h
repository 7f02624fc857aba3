#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "wire/json.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_kumosearch {

/// The named parameters of one request, all as text, as they come in a query string or as the
/// members of a search object. Errors are kInvalidArgument in the words clients know. A value.
class Parameters {
public:
    /// Of a repeated name the last one counts. Values must be UTF-8.
    static Result<Parameters> from_query(ByteView query);

    /// Strings as they are, numbers and booleans as they are written, arrays of such joined by
    /// commas. Requires an object.
    static Result<Parameters> from_json(wire::JsonValue object);

    void set(std::string name, std::string value) {
        values_.insert_or_assign(std::move(name), std::move(value));
    }

    /// Takes over all of `other`, whose values win.
    void override_with(const Parameters& other);

    /// Takes over what is in `other` and not here.
    void complete_with(const Parameters& other) {
        values_.insert(other.values_.begin(), other.values_.end());
    }

    /// ANDs a filter_by to the one that is here; an empty one changes nothing.
    void and_filter(const std::string& filter);

    /// Null if absent.
    const std::string* find(std::string_view name) const;

    bool has(std::string_view name) const { return find(name) != nullptr; }

    /// The value, or an empty text.
    const std::string& text(std::string_view name) const;

    /// Of two spellings of one parameter (a current and a former name), the value of the first
    /// that is given; else an empty text.
    const std::string& text(std::string_view name, std::string_view former) const;

    /// True only for the literal "true"; `absent` if the parameter is not given or empty.
    bool flag(std::string_view name, bool absent) const;

    /// `absent` if it is not given or empty.
    Result<std::uint64_t> unsigned_integer(std::string_view name, std::uint64_t absent) const;
    Result<std::uint32_t> unsigned_32(std::string_view name, std::uint32_t absent) const;

    /// A comma-separated list, each part trimmed, empty parts dropped.
    std::vector<std::string> list(std::string_view name) const;

    const std::map<std::string, std::string, std::less<>>& all() const { return values_; }

private:
    std::map<std::string, std::string, std::less<>> values_;
};

/// Parts between commas, trimmed, empty ones dropped.
std::vector<std::string> split_list(std::string_view text);

/// Without white space at both ends.
std::string_view trim(std::string_view text);

/// A decimal number and nothing else.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);

/// A number as in JSON and nothing else.
std::optional<double> parse_decimal(std::string_view text);

}  // namespace kumo::api_kumosearch
