#include "api/kumosearch/query/facet_parser.h"

#include "api/kumosearch/parameters.h"
#include "api/kumosearch/query/sort_parser.h"
#include "search/column/codes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using search::FacetRange;
using search::FacetRequest;
using search::Field;

Error malformed() {
    return invalid_argument("Facet field format is wrong: parameter `facet_by` is malformed.");
}

Error no_such_facet(std::string_view name) {
    return not_found(
        "Could not find a facet field named `" + std::string(name) + "` in the schema."
    );
}

/// A bound of a range as a column code. Integer columns take the next integer at or above it,
/// because both bounds are "from here on".
Result<std::int64_t> read_bound(const Field& field, std::string_view text, std::int64_t open) {
    text = trim(text);
    if (text.empty()) {
        return open;
    }
    double value = 0;
    const char* end = text.data() + text.size();
    std::int64_t integer = 0;
    if (const auto [at, error] = std::from_chars(text.data(), end, integer);
        error == std::errc() && at == end && field.type != search::ValueType::kFloat) {
        return integer;
    }
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || at != end || !std::isfinite(value)) {
        return invalid_argument("Facet range value is not valid.");
    }
    if (field.type == search::ValueType::kFloat) {
        return search::code_of_double(value);
    }
    const double whole = std::ceil(value);
    if (std::abs(whole) >= std::ldexp(1.0, 63)) {
        return whole < 0 ? INT64_MIN : INT64_MAX;
    }
    return static_cast<std::int64_t>(whole);
}

/// "label:[from, to]"
Result<FacetRange> read_range(const Field& field, std::string_view part) {
    const std::size_t colon = part.find(":[");
    const std::size_t spaced = part.find(": [");
    const std::size_t at = std::min(colon, spaced);
    if (at == std::string_view::npos || !part.ends_with(']')) {
        return invalid_argument("Error splitting the facet range values.");
    }
    const std::size_t open = part.find('[', at);
    const std::string_view bounds = part.substr(open + 1, part.size() - open - 2);
    const std::size_t comma = bounds.find(',');
    if (comma == std::string_view::npos || bounds.find(',', comma + 1) != std::string_view::npos) {
        return invalid_argument("Error splitting the facet range values.");
    }
    FacetRange range;
    range.label = trim(part.substr(0, at));
    KUMO_TRY_ASSIGN(range.from, read_bound(field, bounds.substr(0, comma), INT64_MIN));
    KUMO_TRY_ASSIGN(range.to, read_bound(field, bounds.substr(comma + 1), INT64_MAX));
    if (range.from >= range.to) {
        return invalid_argument("Ranges in facet_by should be from a lower to a higher value.");
    }
    return range;
}

Status read_order(std::string_view text, FacetRequest& facet) {
    const std::size_t colon = text.rfind(':');
    const std::string_view by = trim(text.substr(0, colon));
    const std::string_view order =
        colon == std::string_view::npos ? std::string_view() : trim(text.substr(colon + 1));
    if (order != "asc" && order != "desc") {
        return invalid_argument("Invalid sort format.");
    }
    if (by != "_alpha") {
        return Error{
            ErrorCode::kUnsupported,
            "Sorting facet values by a field is not supported yet."};
    }
    facet.order = order == "asc" ? FacetRequest::Order::kAlphaAscending
                                 : FacetRequest::Order::kAlphaDescending;
    return {};
}

Status read_options(std::string_view inside, const Field& field, FacetRequest& facet) {
    const auto parts = split_outside_brackets(inside, kFacetRangesMax);
    if (!parts.ok()) {
        return malformed();
    }
    for (const std::string_view part : parts.value()) {
        if (part.starts_with("sort_by")) {
            const std::size_t colon = part.find(':');
            if (colon == std::string_view::npos) {
                return malformed();
            }
            KUMO_TRY(read_order(trim(part.substr(colon + 1)), facet));
        } else if (part.starts_with("return_parent")) {
            const std::size_t colon = part.find(':');
            const std::string_view value =
                colon == std::string_view::npos ? part : trim(part.substr(colon + 1));
            if (value != "true" && value != "false") {
                return malformed();
            }
            facet.return_parent = value == "true";
        } else if (part.starts_with("top_k")) {
            return Error{
                ErrorCode::kUnsupported,
                "The facet option `" + std::string(part.substr(0, part.find(':')))
                    + "` is not supported yet."};
        } else if (!field.is_number()) {
            return invalid_argument("Range facet is restricted to only integer and float fields.");
        } else {
            KUMO_TRY_ASSIGN(FacetRange range, read_range(field, part));
            facet.ranges.push_back(std::move(range));
        }
    }
    return {};
}

/// `prefix*`: all facet fields that begin so.
Status add_prefixed(
    std::string_view prefix,
    const search::Schema& schema,
    std::vector<FacetRequest>& out
) {
    const std::size_t before = out.size();
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        const Field& field = schema.fields[i];
        if (field.facet && !field.is_pattern() && !field.is_object()
            && std::string_view(field.name).starts_with(prefix) && out.size() < kFacetsMax) {
            FacetRequest facet;
            facet.field = i;
            out.push_back(std::move(facet));
        }
    }
    return out.size() == before ? no_such_facet(std::string(prefix) + "*") : Status();
}

}  // namespace

namespace {

/// `$Coll(field, field(...))`: facets of that collection, by the step that leads to it.
Status
add_joined(const NameAndOptions& part, const FilterLimits& limits, std::vector<FacetRequest>& out) {
    if (limits.joins == nullptr || limits.collection || !part.has_options) {
        return invalid_argument("Error parsing reference facet: `" + std::string(part.name) + "`.");
    }
    KUMO_TRY_ASSIGN(
        const search::JoinStep step,
        limits.joins->step(std::nullopt, trim(part.name.substr(1)), " in `facet_by`")
    );
    FilterLimits there = limits;
    there.collection = step.collection;
    const auto schema = limits.joins->shared_schema(step.collection);
    KUMO_TRY_ASSIGN(auto facets, parse_facets(part.inside, *schema, there));
    for (FacetRequest& facet : facets) {
        facet.join = search::JoinPathStep{step, {}};
        out.push_back(std::move(facet));
    }
    return {};
}

}  // namespace

Result<std::vector<FacetRequest>>
parse_facets(std::string_view text, const search::Schema& schema, const FilterLimits& limits) {
    std::vector<FacetRequest> out;
    if (trim(text).empty()) {
        return out;
    }
    const auto parts = split_outside_brackets(text, kFacetsMax);
    if (!parts.ok()) {
        return malformed();
    }
    for (const std::string_view part : parts.value()) {
        const auto split = split_options(part);
        if (!split.ok() || split.value().name.empty()) {
            return malformed();
        }
        const std::string_view name = split.value().name;
        if (name.starts_with('$')) {
            // NOLINTNEXTLINE(*NewDeleteLeaks): the analyzer loses a moved Status
            KUMO_TRY(add_joined(split.value(), limits, out));
            continue;
        }
        if (name.ends_with('*')) {
            KUMO_TRY(add_prefixed(name.substr(0, name.size() - 1), schema, out));
            continue;
        }
        const auto at = schema.find(name);
        if (!at || !schema.fields[*at].facet || schema.fields[*at].is_object()) {
            if (!limits.validate_field_names) {
                continue;
            }
            return no_such_facet(name);
        }
        FacetRequest facet;
        facet.field = *at;
        if (split.value().has_options) {
            KUMO_TRY(read_options(split.value().inside, schema.fields[*at], facet));
        }
        out.push_back(std::move(facet));
    }
    return out;
}

std::string
name_of_facet(const FacetRequest& facet, const search::Schema& schema, const JoinPlanner* joins) {
    if (!facet.join) {
        return schema.fields[facet.field].name;
    }
    const std::size_t collection = facet.join->step.collection;
    return joins->name(collection) + "(" + joins->schema(collection).fields[facet.field].name + ")";
}

Status apply_facet_query(
    std::string_view facet_query,
    std::uint32_t num_typos,
    const search::Schema& schema,
    const FilterLimits& limits,
    std::vector<FacetRequest>& facets
) {
    if (trim(facet_query).empty()) {
        return {};
    }
    const std::size_t colon = facet_query.find(':');
    if (colon == std::string_view::npos) {
        return invalid_argument("Facet query must be in the `facet_field: value` format.");
    }
    const std::string name(trim(facet_query.substr(0, colon)));
    const bool joined = name.starts_with('$');
    const std::string_view words = trim(facet_query.substr(colon + 1));
    for (FacetRequest& facet : facets) {
        if (name_of_facet(facet, schema, limits.joins) == (joined ? name.substr(1) : name)
            && joined == facet.join.has_value()) {
            facet.query = words;
            facet.query_num_typos = num_typos;
            return {};
        }
    }
    return invalid_argument(
        "Facet query refers to a facet field `" + name
        + "` that is not part of `facet_by` parameter."
    );
}

}  // namespace kumo::api_kumosearch
