#include "api/elastic/fault.h"
#include "api/elastic/mapping/date_math.h"
#include "api/elastic/query/internal/common.h"
#include "api/elastic/query/internal/field_queries.h"
#include "search/column/codes.h"
#include "search/tree/tree.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

/// Ranges of a field, as its kind has them.
namespace kumo::api_elastic {

namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kNanosPerMilli = 1'000'000;

/// One bound of integers: the lowest (or highest) that is in.
struct IntBound {
    bool none = false;  ///< Nothing is in.
    std::int64_t value = 0;
};

IntBound from_double(double value, bool included, bool low) {
    if (std::isnan(value)) {
        return {true, 0};
    }
    double edge = low ? std::ceil(value) : std::floor(value);
    if (edge == value && !included) {
        edge += low ? 1 : -1;
    }
    constexpr double kTwoTo63 = 9223372036854775808.0;
    if (edge >= kTwoTo63) {
        return {low, kHighest};
    }
    if (edge < -kTwoTo63) {
        return {!low, kLowest};
    }
    return {false, static_cast<std::int64_t>(edge)};
}

IntBound step(std::int64_t value, bool included, bool low) {
    if (included) {
        return {false, value};
    }
    if (value == (low ? kHighest : kLowest)) {
        return {true, value};
    }
    return {false, low ? value + 1 : value - 1};
}

Error number_format(const Json& value) {
    return fault("number_format_exception", "For input string: \"" + value.text() + "\"");
}

Result<IntBound> int_bound(const Json& value, bool included, bool low) {
    if (const auto whole = value.to_int64()) {
        return step(*whole, included, low);
    }
    if (const auto number = value.to_double()) {
        return from_double(*number, included, low);
    }
    return number_format(value);
}

/// The same of codes of unsigned numbers: the value with its first bit turned.
Result<IntBound> unsigned_bound(const Json& value, bool included, bool low) {
    const auto code = [](std::uint64_t number) {
        return static_cast<std::int64_t>(number ^ (std::uint64_t{1} << 63));
    };
    const std::string text = value.text();
    std::uint64_t whole = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (error == std::errc() && end == text.data() + text.size()) {
        return step(code(whole), included, low);
    }
    const auto number = value.to_double();
    if (!number) {
        return number_format(value);
    }
    double edge = low ? std::ceil(*number) : std::floor(*number);
    if (edge == *number && !included) {
        edge += low ? 1 : -1;
    }
    constexpr double kTwoTo64 = 18446744073709551616.0;
    if (edge < 0) {
        return IntBound{!low, kLowest};
    }
    if (edge >= kTwoTo64) {
        return IntBound{low, kHighest};
    }
    return IntBound{false, code(static_cast<std::uint64_t>(edge))};
}

}  // namespace

Result<FieldQueries::Codes> FieldQueries::int_codes(const RangeBounds& bounds) const {
    const bool is_unsigned = target_.field->kind == FieldKind::kUnsignedLong;
    const auto one = is_unsigned ? unsigned_bound : int_bound;
    Codes out{kLowest, kHighest};
    if (bounds.low) {
        KUMO_TRY_ASSIGN(const IntBound low, one(*bounds.low, bounds.low_included, true));
        if (low.none) {
            return Codes{1, 0};
        }
        out.low = low.value;
    }
    if (bounds.high) {
        KUMO_TRY_ASSIGN(const IntBound high, one(*bounds.high, bounds.high_included, false));
        if (high.none) {
            return Codes{1, 0};
        }
        out.high = high.value;
    }
    return out;
}

Result<FieldQueries::Codes> FieldQueries::real_codes(const RangeBounds& bounds) const {
    Codes out{kLowest, kHighest};
    const auto code = [this](const Json& value) -> Result<std::int64_t> {
        if (target_.field->kind == FieldKind::kRange) {
            const auto number = value.to_double();
            if (!number) {
                return number_format(value);
            }
            return search::code_of_double(*number);
        }
        const auto number = value.to_double();
        if (!number) {
            return number_format(value);
        }
        return json_to_code(*target_.field, Json(*number));
    };
    if (bounds.low) {
        KUMO_TRY_ASSIGN(out.low, code(*bounds.low));
        out.low += bounds.low_included ? 0 : 1;
    }
    if (bounds.high) {
        KUMO_TRY_ASSIGN(out.high, code(*bounds.high));
        out.high -= bounds.high_included ? 0 : 1;
    }
    return out;
}

Result<FieldQueries::Codes> FieldQueries::date_codes(const RangeBounds& bounds) const {
    DateFormat format =
        target_.field->kind == FieldKind::kRange && target_.field->format.name().empty()
            ? default_date_format()
            : target_.field->format;
    if (!bounds.format.empty()) {
        KUMO_TRY_ASSIGN(format, DateFormat::make(bounds.format));
    }
    TimeZone zone;
    if (!bounds.time_zone.empty()) {
        KUMO_TRY_ASSIGN(zone, TimeZone::parse(bounds.time_zone));
    }
    const bool nanos = target_.field->kind == FieldKind::kDateNanos;
    const auto code = [&](const Json& value, bool up) -> Result<std::int64_t> {
        KUMO_TRY_ASSIGN(
            const Instant at,
            parse_date_math(
                value.text(),
                format,
                context_.now_millis,
                up ? MissingParts::kHighest : MissingParts::kLowest,
                zone
            )
        );
        if (!nanos) {
            return at.millis;
        }
        constexpr std::int64_t kMost = kHighest / kNanosPerMilli - 1;
        return std::clamp(at.millis, -kMost, kMost) * kNanosPerMilli + at.nanos;
    };
    Codes out{kLowest, kHighest};
    if (bounds.low) {
        KUMO_TRY_ASSIGN(out.low, code(*bounds.low, !bounds.low_included));
        out.low += bounds.low_included ? 0 : 1;
    }
    if (bounds.high) {
        KUMO_TRY_ASSIGN(out.high, code(*bounds.high, bounds.high_included));
        out.high -= bounds.high_included ? 0 : 1;
    }
    return out;
}

Result<FieldQueries::Codes> FieldQueries::codes_of(const RangeBounds& bounds) const {
    const MappedField& field = *target_.field;
    if (field.is_date()) {
        return date_codes(bounds);
    }
    if (field.kind == FieldKind::kRange) {
        if (field.type == "date_range") {
            return date_codes(bounds);
        }
        const bool real = field.type == "float_range" || field.type == "double_range";
        return real ? real_codes(bounds) : int_codes(bounds);
    }
    return field.is_real() ? real_codes(bounds) : int_codes(bounds);
}

NodeResult FieldQueries::range(const RangeBounds& bounds) const {
    if (target_.field == nullptr) {
        if (target_.path == "_id" || target_.path == "_index") {
            return illegal_argument(
                "Field [" + target_.path + "] of type [" + target_.path
                + "] does not support range queries"
            );
        }
        return tree::match_none();
    }
    const MappedField& field = *target_.field;
    if (field.kind == FieldKind::kRange) {
        return range_field(bounds);
    }
    if ((field.is_text() || field.kind == FieldKind::kKeyword) && !context_.expensive_allowed) {
        return too_expensive("[range] queries on [text] or [keyword] fields");
    }
    if (field.is_object()) {
        return tree::match_none();
    }
    if (field.kind == FieldKind::kConstantKeyword) {
        const Json* constant = field.definition.find("value");
        const std::string value = constant != nullptr ? constant->text() : "";
        const bool above = !bounds.low || value > bounds.low->text()
                           || (bounds.low_included && value == bounds.low->text());
        const bool below = !bounds.high || value < bounds.high->text()
                           || (bounds.high_included && value == bounds.high->text());
        return constant != nullptr && above && below ? tree::match_all() : tree::match_none();
    }
    if (field.is_text() || field.is_exact()) {
        return string_range(bounds);
    }
    if (!field.is_int() && !field.is_real()) {
        return illegal_argument(
            "Field [" + field.path + "] of type [" + field.type + "] does not support range queries"
        );
    }
    return point_range(bounds);
}

NodeResult FieldQueries::point_range(const RangeBounds& bounds) const {
    KUMO_TRY_ASSIGN(const Codes codes, codes_of(bounds));
    if (!target_.engine) {
        return tree::match_none();
    }
    return tree::code_range(*target_.engine, codes.low, codes.high);
}

NodeResult FieldQueries::string_range(const RangeBounds& bounds) const {
    tree::TermRange range;
    const auto text = [this](const Json& value) -> Result<std::string> {
        if (target_.field->is_text() || target_.field->kind == FieldKind::kFlatObject) {
            return value.text();
        }
        return json_to_string(*target_.field, value);
    };
    const std::string leaf = target_.leaf.empty() ? "" : target_.leaf + "=";
    range.low_included = bounds.low_included;
    range.high_included = bounds.high_included;
    if (bounds.low) {
        KUMO_TRY_ASSIGN(range.low, text(*bounds.low));
        *range.low = leaf + *range.low;
    } else if (!leaf.empty()) {
        range.low = leaf;
    }
    if (bounds.high) {
        KUMO_TRY_ASSIGN(range.high, text(*bounds.high));
        *range.high = leaf + *range.high;
    } else if (!leaf.empty()) {
        range.high = leaf + "\xF4\x8F\xBF\xBF";
    }
    if (!target_.engine) {
        return tree::match_none();
    }
    return tree::term_range(*target_.engine, std::move(range));
}

/// Both of a range field's ends are fields: how the two ranges lie is a matter of two comparisons.
NodeResult FieldQueries::range_field(const RangeBounds& bounds) const {
    const auto low_end = engine_of(target_.field->path + "#gte");
    const auto high_end = engine_of(target_.field->path + "#lte");
    const bool strings = target_.field->type == "ip_range";
    Codes codes{kLowest, kHighest};
    if (!strings) {
        KUMO_TRY_ASSIGN(codes, codes_of(bounds));
    }
    const std::string relation =
        bounds.relation.empty() ? "intersects" : lower_case(bounds.relation);
    if (relation != "intersects" && relation != "contains" && relation != "within") {
        return illegal_argument(
            "[range] query does not support relation [" + bounds.relation + "]"
        );
    }
    if (!low_end || !high_end) {
        return tree::match_none();
    }
    tree::Boolean both;
    if (strings) {
        std::string low = std::string(32, '0');
        std::string high = std::string(32, 'f');
        if (bounds.low) {
            KUMO_TRY_ASSIGN(low, ip_digits(bounds.low->text()));
        }
        if (bounds.high) {
            KUMO_TRY_ASSIGN(high, ip_digits(bounds.high->text()));
        }
        const std::string& first = relation == "intersects" ? high : low;
        const std::string& second = relation == "intersects" ? low : high;
        if (relation == "within") {
            both.must = {
                tree::term_range(*low_end, {low, std::nullopt, bounds.low_included, true}),
                tree::term_range(*high_end, {std::nullopt, high, true, bounds.high_included})};
        } else {
            both.must = {
                tree::term_range(*low_end, {std::nullopt, first, true, bounds.high_included}),
                tree::term_range(*high_end, {second, std::nullopt, bounds.low_included, true})};
        }
    } else if (relation == "within") {
        both.must = {
            tree::code_range(*low_end, codes.low, kHighest),
            tree::code_range(*high_end, kLowest, codes.high)};
    } else if (relation == "contains") {
        both.must = {
            tree::code_range(*low_end, kLowest, codes.low),
            tree::code_range(*high_end, codes.high, kHighest)};
    } else {
        both.must = {
            tree::code_range(*low_end, kLowest, codes.high),
            tree::code_range(*high_end, codes.low, kHighest)};
    }
    return tree::constant(tree::boolean(std::move(both)));
}

}  // namespace kumo::api_elastic
