#include "api/kumosearch/query/vector_query.h"

#include "api/kumosearch/parameters.h"
#include "api/kumosearch/query/geo_clause.h"
#include "api/kumosearch/query/sort_parser.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

using search::VectorRequest;

constexpr std::size_t kOptionsMax = 16;

Error malformed(std::string_view why = {}) {
    std::string message = "Malformed vector query string";
    return invalid_argument(message.append(why.empty() ? "" : ": ").append(why).append("."));
}

Status read_count(std::string_view name, std::string_view text, std::uint32_t& out) {
    const auto number = parse_unsigned(text);
    if (!number) {
        return malformed("`" + std::string(name) + "` parameter must be an unsigned integer");
    }
    if (*number > search::kVectorHitsMax && name != "flat_search_cutoff") {
        return Error{
            ErrorCode::kLimitExceeded,
            "The `" + std::string(name) + "` of a vector query must be at most "
                + std::to_string(search::kVectorHitsMax) + "."};
    }
    out = static_cast<std::uint32_t>(std::min<std::uint64_t>(*number, UINT32_MAX));
    return {};
}

Status read_fraction(std::string_view name, std::string_view text, double max, double& out) {
    const auto number = parse_coordinate(text);
    if (!number || *number < 0 || *number > max) {
        return malformed(
            "`" + std::string(name) + "` parameter must be a float between 0.0-"
            + (max > 1 ? "2.0" : "1.0")
        );
    }
    out = *number;
    return {};
}

Status read_option(std::string_view part, VectorRequest& out) {
    const std::size_t colon = part.find(':');
    if (colon == std::string_view::npos) {
        return malformed();
    }
    const std::string_view name = trim(part.substr(0, colon));
    const std::string_view value = trim(part.substr(colon + 1));
    if (name == "id") {
        const bool quoted = value.size() >= 2 && value.front() == '`' && value.back() == '`';
        out.id = std::string(quoted ? value.substr(1, value.size() - 2) : value);
        if (out.id->empty()) {
            return malformed();
        }
        return {};
    }
    if (name == "k") {
        std::uint32_t k = 0;
        KUMO_TRY(read_count(name, value, k));
        out.k = k > 0 ? k : out.k;
        return {};
    }
    if (name == "ef") {
        KUMO_TRY(read_count(name, value, out.ef));
        if (out.ef == 0) {
            return malformed("`ef` parameter must be a positive integer");
        }
        return {};
    }
    if (name == "flat_search_cutoff") {
        return read_count(name, value, out.flat_search_cutoff);
    }
    if (name == "alpha") {
        return read_fraction(name, value, 1, out.alpha);
    }
    if (name == "distance_threshold") {
        double threshold = 0;
        KUMO_TRY(read_fraction(name, value, 2, threshold));
        out.distance_threshold = static_cast<float>(threshold);
        return {};
    }
    if (name == "queries" || name == "query_weights") {
        return Error{
            ErrorCode::kUnsupported,
            "The `" + std::string(name) + "` of a vector query are not supported yet."};
    }
    return malformed("there is no `" + std::string(name) + "`");
}

Status read_numbers(std::string_view list, VectorRequest& out) {
    if (trim(list).empty()) {
        return {};
    }
    const auto parts = split_outside_brackets(list, search::kDimensionsMax);
    if (!parts.ok()) {
        return malformed();
    }
    for (const std::string_view part : parts.value()) {
        const auto number = parse_coordinate(part);
        const float narrow = static_cast<float>(number.value_or(NAN));
        if (!std::isfinite(narrow)) {
            return malformed("one of the vector values is not a float");
        }
        out.query.push_back(narrow);
    }
    return {};
}

}  // namespace

Result<VectorRequest> parse_vector_query(
    std::string_view text,
    const search::Schema& schema,
    const VectorDefaults& defaults
) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return malformed("`:` is missing");
    }
    const std::string name(trim(text.substr(0, colon)));
    const std::string_view body = trim(text.substr(colon + 1));
    if (!body.starts_with('(') || !body.ends_with(')')) {
        return malformed();
    }
    const auto parts = split_outside_brackets(body.substr(1, body.size() - 2), kOptionsMax);
    if (!parts.ok() || !parts.value().front().starts_with('[')
        || !parts.value().front().ends_with(']')) {
        return malformed();
    }
    const auto at = schema.find(name);
    if (!at || !schema.fields[*at].is_vector() || !schema.fields[*at].index) {
        return invalid_argument("Field `" + name + "` does not have a vector query index.");
    }
    VectorRequest out;
    out.field = *at;
    out.k = defaults.k;
    const std::string_view list = parts.value().front();
    KUMO_TRY(read_numbers(list.substr(1, list.size() - 2), out));
    for (std::size_t i = 1; i < parts.value().size(); ++i) {
        KUMO_TRY(read_option(parts.value()[i], out));
    }
    if (out.id && !out.query.empty()) {
        return malformed("cannot pass both vector query and `id` parameter");
    }
    if (!out.id && out.query.empty()) {
        return invalid_argument(
            "When a vector query value is empty, an `id` parameter must be present."
        );
    }
    const std::uint32_t dimensions = schema.fields[*at].vector.dimensions;
    if (!out.id && out.query.size() != dimensions) {
        return invalid_argument(
            "Query field `" + name + "` must have " + std::to_string(dimensions) + " dimensions."
        );
    }
    return out;
}

}  // namespace kumo::api_kumosearch
