#include "api/kumosearch/query/sort_forms.h"

#include "api/kumosearch/parameters.h"
#include "api/kumosearch/query/geo_clause.h"
#include "api/kumosearch/query/sort_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

using search::Decay;
using search::ScoredFilter;
using search::SortKey;

constexpr std::size_t kDecayOptionsMax = 16;

/// `(filter):score`
Result<ScoredFilter> read_scored_filter(
    std::string_view part,
    const search::Schema& schema,
    const FilterLimits& limits
) {
    const std::size_t close = part.rfind(')');
    const std::size_t colon = close == std::string_view::npos ? close : part.find(':', close);
    if (!part.starts_with('(') || colon == std::string_view::npos
        || !trim(part.substr(close + 1, colon - close - 1)).empty()) {
        return invalid_argument("An expression of `_eval` must look like `(filter):score`.");
    }
    const auto score = parse_unsigned(trim(part.substr(colon + 1)));
    if (!score || *score > INT32_MAX) {
        return invalid_argument("The scores of `_eval` must be integers from 0 to 2147483647.");
    }
    ScoredFilter out;
    out.score = static_cast<std::int64_t>(*score);
    KUMO_TRY_ASSIGN(out.filter, parse_filter(part.substr(1, close - 1), schema, limits));
    return out;
}

/// How many "&&" and "||" it was made of.
std::uint32_t operators_in(const search::Filter& filter) {
    using Kind = search::Filter::Kind;
    const bool joins = filter.kind == Kind::kAnd || filter.kind == Kind::kOr;
    auto count = static_cast<std::uint32_t>(joins ? filter.children.size() - 1 : 0);
    for (const search::Filter& child : filter.children) {
        count += operators_in(child);
    }
    if (filter.join != nullptr) {
        count += 1 + operators_in(filter.join->filter);
    }
    return count;
}

/// How many vertices and circles it has.
std::size_t vertices_in(const search::Filter& filter) {
    std::size_t count = filter.region != nullptr ? filter.region->vertex_count() : 0;
    for (const search::Filter& child : filter.children) {
        count += vertices_in(child);
    }
    return count + (filter.join != nullptr ? vertices_in(filter.join->filter) : 0);
}

Result<double> read_number(const SortOption& option) {
    const char* begin = option.value.data();
    const char* end = begin + option.value.size();
    double number = 0;
    const auto [at, error] = std::from_chars(begin, end, number);
    if (error != std::errc() || at != end || !std::isfinite(number)) {
        return invalid_argument(
            "The value of `" + option.name + "` in a decay function must be a number."
        );
    }
    return number;
}

Result<Decay::Function> read_function(std::string_view name) {
    using Function = Decay::Function;
    constexpr std::array<std::pair<std::string_view, Function>, 4> kFunctions = {
        {{"gauss", Function::kGauss},
         {"exp", Function::kExponential},
         {"linear", Function::kLinear},
         {"diff", Function::kDifference}}};
    for (const auto& [known, function] : kFunctions) {
        if (known == name) {
            return function;
        }
    }
    return invalid_argument("The value of `func` must be `gauss`, `linear`, `exp` or `diff`.");
}

Status read_decay_option(const SortOption& option, Decay& decay) {
    if (option.name == "func") {
        KUMO_TRY_ASSIGN(decay.function, read_function(option.value));
        return {};
    }
    const std::array<std::pair<std::string_view, double*>, 4> numbers = {
        {{"origin", &decay.origin},
         {"scale", &decay.scale},
         {"offset", &decay.offset},
         {"decay", &decay.decay}}};
    for (const auto& [name, number] : numbers) {
        if (name == option.name) {
            KUMO_TRY_ASSIGN(*number, read_number(option));
            return {};
        }
    }
    return invalid_argument("A decay function has no `" + option.name + "`.");
}

Status check_decay(const Decay& decay, const std::vector<std::string>& given) {
    const auto has = [&](std::string_view name) {
        return std::find(given.begin(), given.end(), name) != given.end();
    };
    const bool needs_scale = decay.function != Decay::Function::kDifference;
    if (!has("origin") || !has("func") || (needs_scale && !has("scale"))) {
        return invalid_argument(
            "A decay function needs `origin` and `func`, and `scale` unless it is `diff`."
        );
    }
    if (decay.scale <= 0 || decay.offset < 0 || decay.decay <= 0 || decay.decay >= 1) {
        return invalid_argument(
            "A decay function needs a `scale` above 0, an `offset` of 0 or above and a `decay` "
            "between 0 and 1."
        );
    }
    return {};
}

/// An option of a distance, in whole meters.
Result<std::int64_t> read_meters(const SortOption& option) {
    // Halfway around the Earth; more is as far.
    constexpr double kFarthest = 21e6;
    const auto meters = parse_distance(option.value);
    if (!meters) {
        return invalid_argument(
            "Sort field's parameter `" + option.name + "` must be a distance in `km` or `mi`."
        );
    }
    return static_cast<std::int64_t>(std::llround(std::min(*meters, kFarthest)));
}

}  // namespace

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

Result<SortOption> read_sort_option(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.find(',') != std::string_view::npos) {
        return invalid_argument("Parameter `sort_by` is malformed.");
    }
    return SortOption{lower(trim(text.substr(0, colon))), lower(trim(text.substr(colon + 1)))};
}

Status read_eval(
    std::string_view inside,
    const search::Schema& schema,
    const FilterLimits& limits,
    SortKey& key
) {
    key.by = SortKey::By::kFilters;
    if (inside.empty()) {
        return invalid_argument("The expression of `_eval` is empty.");
    }
    if (!inside.starts_with('[')) {
        KUMO_TRY_ASSIGN(key.filters.emplace_back().filter, parse_filter(inside, schema, limits));
        return {};
    }
    const auto parts =
        inside.ends_with(']')
            ? split_outside_brackets(inside.substr(1, inside.size() - 2), kEvalExpressionsMax)
            : Result<std::vector<std::string_view>>(invalid_argument(""));
    if (!parts.ok()) {
        return invalid_argument(
            "The list of `_eval` must have 1 to " + std::to_string(kEvalExpressionsMax)
            + " expressions, with brackets in pairs."
        );
    }
    FilterLimits left = limits;  // Those of the list together.
    for (const std::string_view part : parts.value()) {
        KUMO_TRY_ASSIGN(key.filters.emplace_back(), read_scored_filter(part, schema, left));
        const search::Filter& last = key.filters.back().filter;
        left.operators_max -= std::min(left.operators_max, operators_in(last));
        left.vertices_max -= std::min(left.vertices_max, vertices_in(last));
    }
    return {};
}

Status read_random(std::string_view inside, SortKey& key) {
    key.by = SortKey::By::kRandom;
    if (inside.empty()) {
        return {};
    }
    const auto seed = parse_unsigned(inside);
    if (!seed) {
        return invalid_argument("The seed of `_rand` must be an unsigned integer.");
    }
    key.seed = *seed;
    return {};
}

bool is_decay(std::string_view inside) {
    const std::string text = lower(inside);
    return text.find(',') != std::string::npos || text.starts_with("func")
           || text.starts_with("origin");
}

Status read_decay(std::string_view inside, const search::Field& field, SortKey& key) {
    if (!field.is_number()) {
        return invalid_argument(
            "A decay function sorts by a field of integers or floats, which `" + field.name
            + "` is not."
        );
    }
    key.by = SortKey::By::kDecay;
    KUMO_TRY_ASSIGN(const auto parts, split_outside_brackets(inside, kDecayOptionsMax));
    std::vector<std::string> given;
    for (const std::string_view part : parts) {
        KUMO_TRY_ASSIGN(SortOption option, read_sort_option(part));
        KUMO_TRY(read_decay_option(option, key.decay));
        given.push_back(std::move(option.name));
    }
    return check_decay(key.decay, given);
}

Status read_distance_key(std::string_view inside, const search::Field& field, SortKey& key) {
    const Error malformed = invalid_argument("Bad syntax for sorting field `" + field.name + "`");
    const auto parts = split_outside_brackets(inside, kDecayOptionsMax);
    if (!parts.ok() || parts.value().size() < 2) {
        return malformed;
    }
    const auto lat = parse_coordinate(parts.value()[0]);
    const auto lng = parse_coordinate(parts.value()[1]);
    if (!lat || !lng || !is_valid(search::GeoPoint{*lat, *lng})) {
        return malformed;
    }
    key.by = SortKey::By::kGeoDistance;
    key.missing_first = false;
    key.geo.origin = {*lat, *lng};
    for (std::size_t i = 2; i < parts.value().size(); ++i) {
        KUMO_TRY_ASSIGN(const SortOption option, read_sort_option(parts.value()[i]));
        KUMO_TRY_ASSIGN(const std::int64_t meters, read_meters(option));
        if (option.name == "exclude_radius") {
            key.geo.exclude_radius_meters = meters;
        } else if (option.name == "precision") {
            key.geo.precision_meters = meters;
        } else {
            return malformed;
        }
    }
    return {};
}

}  // namespace kumo::api_kumosearch
