#include "api/kumosearch/query/filter_clause.h"

#include "api/kumosearch/parameters.h"
#include "search/column/codes.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using search::Field;
using search::Filter;
using search::ValueType;

Error field_error(const Field& field, std::string_view what) {
    return invalid_argument("Error with filter field `" + field.name + "`: " + std::string(what));
}

Filter negate(Filter filter) {
    Filter out;
    out.kind = Filter::Kind::kNot;
    out.children.push_back(std::move(filter));
    return out;
}

bool is_negative(FilterOperator op) {
    return op == FilterOperator::kNotEquals || op == FilterOperator::kNotMatches;
}

template <typename T>
std::optional<T> number_in(std::string_view text) {
    T value{};
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && at == end ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> code_in(ValueType type, std::string_view text) {
    if (type == ValueType::kInt32) {
        const auto value = number_in<std::int32_t>(text);
        return value ? std::optional<std::int64_t>(*value) : std::nullopt;
    }
    if (type == ValueType::kInt64) {
        return number_in<std::int64_t>(text);
    }
    const auto value = number_in<double>(text);
    return value && std::isfinite(*value) ? std::optional(search::code_of_double(*value))
                                          : std::nullopt;
}

Result<std::int64_t> read_code(const Field& field, std::string_view text) {
    const auto code = code_in(field.type, trim(text));
    if (!code) {
        const bool integer = field.type != ValueType::kFloat;
        return field_error(
            field,
            std::string("Not ") + (integer ? "an " : "a ") + search::type_name(field.type, false)
                + "."
        );
    }
    return *code;
}

Filter::Range range_of(FilterOperator op, std::int64_t code) {
    constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
    constexpr Filter::Range kNothing{1, 0};
    switch (op) {
        case FilterOperator::kGreater:
            return code == kHighest ? kNothing : Filter::Range(code + 1, kHighest);
        case FilterOperator::kGreaterEquals: return {code, kHighest};
        case FilterOperator::kLess:
            return code == kLowest ? kNothing : Filter::Range(kLowest, code - 1);
        case FilterOperator::kLessEquals: return {kLowest, code};
        case FilterOperator::kMatches:
        case FilterOperator::kEquals:
        case FilterOperator::kNotEquals:
        case FilterOperator::kNotMatches: break;
    }
    return {code, code};
}

/// "5", "1..5", ">5".
Result<Filter::Range> read_range(const Field& field, FilterOperator op, std::string_view text) {
    FilterLexer lexer(text);
    const FilterOperator own = lexer.take_operator(true);
    const bool comparison = own != FilterOperator::kMatches;
    if (comparison && (op != FilterOperator::kMatches || is_negative(own))) {
        return field_error(field, "Numerical field has an invalid comparator.");
    }
    const std::string_view number = lexer.rest();
    const std::size_t dots = number.find("..");
    if (dots == std::string_view::npos) {
        KUMO_TRY_ASSIGN(const std::int64_t code, read_code(field, number));
        return range_of(comparison ? own : op, code);
    }
    if (comparison
        || (op != FilterOperator::kMatches && op != FilterOperator::kEquals && !is_negative(op))) {
        return field_error(field, "Numerical field has an invalid comparator.");
    }
    KUMO_TRY_ASSIGN(const std::int64_t low, read_code(field, number.substr(0, dots)));
    KUMO_TRY_ASSIGN(const std::int64_t high, read_code(field, number.substr(dots + 2)));
    return Filter::Range(low, high);
}

Result<Filter> number_clause(const Field& field, FilterOperator op, const FilterValues& values) {
    Filter out;
    out.kind = Filter::Kind::kRange;
    for (const FilterValue& value : values.items) {
        if (value.prefix) {
            return field_error(field, "Prefix matching needs a string field.");
        }
        KUMO_TRY_ASSIGN(const Filter::Range range, read_range(field, op, value.text));
        out.ranges.push_back(range);
    }
    return out;
}

Result<Filter> bool_clause(const Field& field, const FilterValues& values) {
    Filter out;
    out.kind = Filter::Kind::kRange;
    for (const FilterValue& value : values.items) {
        if (value.prefix || (value.text != "true" && value.text != "false")) {
            return invalid_argument(
                "Values of filter field `" + field.name + "`: must be `true` or `false`."
            );
        }
        const std::int64_t code = value.text == "true" ? 1 : 0;
        out.ranges.emplace_back(code, code);
    }
    return out;
}

Filter string_value(std::size_t position, FilterOperator op, const FilterValue& value) {
    const bool whole = op == FilterOperator::kEquals || op == FilterOperator::kNotEquals;
    Filter out;
    out.field = position;
    out.text = value.text;
    if (whole) {
        out.kind = value.prefix ? Filter::Kind::kStartsWith : Filter::Kind::kExact;
    } else {
        out.kind = value.prefix ? Filter::Kind::kWordsPrefix : Filter::Kind::kWords;
    }
    return out;
}

Filter string_clause(std::size_t position, FilterOperator op, const FilterValues& values) {
    if (values.items.size() == 1) {
        return string_value(position, op, values.items.front());
    }
    Filter out;
    out.kind = Filter::Kind::kOr;
    for (const FilterValue& value : values.items) {
        out.children.push_back(string_value(position, op, value));
    }
    return out;
}

}  // namespace

Result<Filter> make_clause(
    const Field& field,
    std::size_t position,
    FilterOperator op,
    const FilterValues& values
) {
    for (const FilterValue& value : values.items) {
        if (value.text.empty() && !value.quoted) {
            return field_error(field, "Filter value cannot be empty.");
        }
    }
    if (values.items.empty()) {
        return field_error(field, "Filter value array cannot be empty.");
    }
    Filter out;
    switch (field.type) {
        case ValueType::kString: out = string_clause(position, op, values); break;
        case ValueType::kAuto:
        case ValueType::kAnyString:
        case ValueType::kObject: break;  // They have no values.
        case ValueType::kBool: {
            KUMO_TRY_ASSIGN(out, bool_clause(field, values));
            break;
        }
        case ValueType::kInt32:
        case ValueType::kInt64:
        case ValueType::kFloat: {
            KUMO_TRY_ASSIGN(out, number_clause(field, op, values));
            break;
        }
        case ValueType::kGeoPoint:
        case ValueType::kGeoPolygon: return field_error(field, "Not a geographic filter.");
    }
    out.field = position;
    return is_negative(op) ? negate(std::move(out)) : std::move(out);
}

Result<Filter> make_id_clause(FilterOperator op, const FilterValues& values) {
    Filter out;
    if (!values.list && values.items.size() == 1 && values.items.front().prefix
        && values.items.front().text.empty()) {
        return is_negative(op) ? negate(std::move(out)) : std::move(out);
    }
    out.kind = Filter::Kind::kIds;
    for (const FilterValue& value : values.items) {
        if (value.text.empty() || value.prefix) {
            return invalid_argument("Error with filter field `id`: Filter value cannot be empty.");
        }
        out.values.push_back(value.text);
    }
    if (out.values.empty()) {
        return invalid_argument("Error with filter field `id`: Filter value cannot be empty.");
    }
    return is_negative(op) ? negate(std::move(out)) : std::move(out);
}

}  // namespace kumo::api_kumosearch
