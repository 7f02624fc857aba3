#include "api/kumosearch/parameters.h"

#include "wire/url.h"
#include "wire/utf8.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

Result<std::string> scalar_text(std::string_view name, wire::JsonValue value) {
    if (value.is_string()) {
        return std::string(value.as_string());
    }
    if (value.is_number() || value.is_bool()) {
        return std::string(value.raw());
    }
    return invalid_argument(
        "Parameter `" + std::string(name) + "` must be a string, a number or a boolean."
    );
}

Result<std::string> value_text(std::string_view name, wire::JsonValue value) {
    if (!value.is_array()) {
        return scalar_text(name, value);
    }
    std::string joined;
    for (const wire::JsonValue element : value.as_array()) {
        KUMO_TRY_ASSIGN(const std::string part, scalar_text(name, element));
        joined.append(joined.empty() ? "" : ",").append(part);
    }
    return joined;
}

}  // namespace

Result<Parameters> Parameters::from_query(ByteView query) {
    auto pairs = wire::parse_query(query);
    if (!pairs.ok()) {
        return invalid_argument("Malformed query string: " + pairs.error().message);
    }
    Parameters out;
    for (wire::QueryParameter& pair : pairs.value()) {
        if (!wire::utf8_valid(pair.key) || !wire::utf8_valid(pair.value)) {
            return invalid_argument("Malformed query string: a parameter is not UTF-8.");
        }
        out.set(std::move(pair.key), std::move(pair.value));
    }
    return out;
}

Result<Parameters> Parameters::from_json(wire::JsonValue object) {
    Parameters out;
    for (const wire::JsonMember member : object.as_object()) {
        if (member.value.is_null()) {
            continue;
        }
        KUMO_TRY_ASSIGN(std::string text, value_text(member.key, member.value));
        out.set(std::string(member.key), std::move(text));
    }
    return out;
}

void Parameters::override_with(const Parameters& other) {
    for (const auto& [name, value] : other.values_) {
        values_.insert_or_assign(name, value);
    }
}

void Parameters::and_filter(const std::string& filter) {
    if (trim(filter).empty()) {
        return;
    }
    const std::string& mine = text("filter_by");
    const bool only = trim(mine).empty();
    set("filter_by", only ? filter : "(" + mine + ") && (" + filter + ")");
}

const std::string* Parameters::find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
}

const std::string& Parameters::text(std::string_view name) const {
    static const std::string kEmpty;
    const std::string* value = find(name);
    return value == nullptr ? kEmpty : *value;
}

const std::string& Parameters::text(std::string_view name, std::string_view former) const {
    return has(name) ? text(name) : text(former);
}

bool Parameters::flag(std::string_view name, bool absent) const {
    const std::string& value = text(name);
    return value.empty() ? absent : value == "true";
}

Result<std::uint64_t> Parameters::unsigned_integer(std::string_view name, std::uint64_t absent)
    const {
    const std::string& value = text(name);
    if (value.empty()) {
        return absent;
    }
    const auto number = parse_unsigned(value);
    if (!number) {
        return invalid_argument(
            "Parameter `" + std::string(name) + "` must be an unsigned integer."
        );
    }
    return *number;
}

Result<std::uint32_t> Parameters::unsigned_32(std::string_view name, std::uint32_t absent) const {
    KUMO_TRY_ASSIGN(const std::uint64_t number, unsigned_integer(name, absent));
    if (number > std::numeric_limits<std::uint32_t>::max()) {
        return invalid_argument("Parameter `" + std::string(name) + "` is too large.");
    }
    return static_cast<std::uint32_t>(number);
}

std::vector<std::string> Parameters::list(std::string_view name) const {
    return split_list(text(name));
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view part = trim(text.substr(0, comma));
        if (!part.empty()) {
            out.emplace_back(part);
        }
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return out;
}

std::string_view trim(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || at != end) {
        return std::nullopt;
    }
    return value;
}

std::optional<double> parse_decimal(std::string_view text) {
    double out = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, out);
    return error == std::errc() && at == end && std::isfinite(out) ? std::optional(out)
                                                                   : std::nullopt;
}

}  // namespace kumo::api_kumosearch
