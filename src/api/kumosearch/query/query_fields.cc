#include "api/kumosearch/query/query_fields.h"

#include "search/schema/json_path.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using search::QueryField;

constexpr std::uint32_t kWeightMax = 15;
constexpr std::uint32_t kTyposMax = 2;

/// One entry of query_by and the fields it stands for, so that lists beside query_by keep step.
struct Named {
    std::vector<std::size_t> fields;
};

bool searchable(const search::Field& field) {
    return field.is_string() && field.index && !field.is_pattern();
}

Result<Named>
resolve(std::string_view name, const search::Schema& schema, bool validate_field_names) {
    Named out;
    if (name.ends_with('*')) {
        const std::string_view prefix = name.substr(0, name.size() - 1);
        for (std::size_t i = 0; i < schema.fields.size(); ++i) {
            const search::Field& field = schema.fields[i];
            if (searchable(field) && std::string_view(field.name).starts_with(prefix)) {
                out.fields.push_back(i);
            }
        }
        if (!out.fields.empty() || !validate_field_names) {
            return out;
        }
    }
    const auto at = schema.find(name);
    if (!at) {
        if (!validate_field_names) {
            return out;
        }
        return not_found("Could not find a field named `" + std::string(name) + "` in the schema.");
    }
    const search::Field& field = schema.fields[*at];
    if (field.is_object()) {  // All words inside it.
        for (std::size_t i = 0; i < schema.fields.size(); ++i) {
            if (searchable(schema.fields[i]) && search::is_inside(schema.fields[i].name, name)) {
                out.fields.push_back(i);
            }
        }
        return out;
    }
    if (!field.index) {
        return invalid_argument(
            "Field `" + std::string(name) + "` is marked as a non-indexed field in the schema."
        );
    }
    if (!field.is_string()) {
        return invalid_argument(
            "Field `" + std::string(name) + "` should be a string or a string array."
        );
    }
    out.fields.push_back(*at);
    return out;
}

Error wrong_count(std::string_view parameter) {
    return invalid_argument(
        "Number of values in `" + std::string(parameter)
        + "` does not match number of `query_by` fields."
    );
}

/// Weights as ranks: the heaviest fields get 15, the next 14, and so on.
Result<std::vector<std::uint32_t>>
plan_weights(const Parameters& parameters, std::size_t named_count) {
    std::vector<std::uint32_t> out;
    const std::vector<std::string> texts = parameters.list("query_by_weights");
    if (texts.empty()) {
        for (std::size_t i = 0; i < named_count; ++i) {
            out.push_back(kWeightMax - static_cast<std::uint32_t>(std::min<std::size_t>(i, 15)));
        }
        return out;
    }
    if (texts.size() != named_count) {
        return invalid_argument(
            "Number of weights in `query_by_weights` does not match number of `query_by` fields."
        );
    }
    std::vector<std::uint64_t> weights;
    std::set<std::uint64_t, std::greater<>> distinct;
    for (const std::string& text : texts) {
        const auto weight = parse_unsigned(text);
        if (!weight) {
            return invalid_argument(
                "Parameter `query_by_weights` must be a list of unsigned integers."
            );
        }
        weights.push_back(*weight);
        distinct.insert(*weight);
    }
    for (const std::uint64_t weight : weights) {
        const auto rank = std::distance(distinct.begin(), distinct.find(weight));
        const auto squeezed =
            static_cast<std::uint32_t>(std::min<std::ptrdiff_t>(rank, std::ptrdiff_t{15}));
        out.push_back(weight == 0 ? 0 : kWeightMax - squeezed);
    }
    return out;
}

/// A list that has one value for all fields or one for each.
Result<std::vector<std::string>> spread(
    const Parameters& parameters,
    std::string_view name,
    std::string_view absent,
    std::size_t count
) {
    std::vector<std::string> texts = parameters.list(name);
    if (texts.empty()) {
        texts.emplace_back(absent);
    }
    if (texts.size() == 1) {
        const std::string only = texts.front();
        texts.assign(count, only);
    }
    if (texts.size() != count) {
        return wrong_count(name);
    }
    return texts;
}

Result<std::uint32_t> read_typos(const std::string& text) {
    const auto typos = parse_unsigned(text);
    if (!typos) {
        return invalid_argument("Parameter `num_typos` must be an unsigned integer.");
    }
    if (*typos > kTyposMax) {
        return invalid_argument("Value of `num_typos` must not be greater than 2.");
    }
    return static_cast<std::uint32_t>(*typos);
}

/// Words of these languages are too short for typos.
bool has_typos(const search::Field& field) {
    const std::string language = field.locale.substr(0, 2);
    return language != "zh" && language != "ja" && language != "ko";
}

Result<search::InfixMode> read_infix(const std::string& mode) {
    if (mode == "off") {
        return search::InfixMode::kOff;
    }
    if (mode == "always") {
        return search::InfixMode::kAlways;
    }
    if (mode == "fallback") {
        return search::InfixMode::kFallback;
    }
    return invalid_argument("Unknown infix value: `" + mode + "`.");
}

Status check_infix(const search::Field& field, search::InfixMode mode) {
    if (mode == search::InfixMode::kOff || field.infix) {
        return {};
    }
    return invalid_argument(
        "Could not find `" + field.name
        + "` in the infix index. Make sure to enable infix search by specifying `infix: true` in "
          "the schema."
    );
}

/// What weights are relative to the highest; 1 without any.
std::vector<float> relative_weights(const Parameters& parameters, std::size_t count) {
    constexpr float kLeast = 0.01F;
    std::vector<float> out(count, 1);
    const std::vector<std::string> texts = parameters.list("query_by_weights");
    for (std::size_t i = 0; i < texts.size() && texts.size() == count; ++i) {
        out[i] = static_cast<float>(parse_unsigned(texts[i]).value_or(0));
    }
    const float highest = count == 0 ? 1 : *std::max_element(out.begin(), out.end());
    for (float& weight : out) {
        weight = highest > 0 ? std::max(weight / highest, kLeast) : 1;
    }
    return out;
}

/// What is said of each name in query_by, in its place.
struct NameOptions {
    std::vector<std::uint32_t> weights;
    std::vector<float> relative;
    std::vector<std::string> prefixes;
    std::vector<std::string> typos;
    std::vector<std::string> infixes;
};

Result<NameOptions> plan_options(const Parameters& parameters, std::size_t count) {
    NameOptions out;
    KUMO_TRY_ASSIGN(out.weights, plan_weights(parameters, count));
    KUMO_TRY_ASSIGN(out.prefixes, spread(parameters, "prefix", "true", count));
    KUMO_TRY_ASSIGN(out.typos, spread(parameters, "num_typos", "2", count));
    KUMO_TRY_ASSIGN(out.infixes, spread(parameters, "infix", "off", count));
    out.relative = relative_weights(parameters, count);
    return out;
}

/// The fields that the i-th name stands for.
Status add_fields(
    const Named& named,
    const NameOptions& options,
    std::size_t i,
    const search::Schema& schema,
    std::vector<QueryField>& out
) {
    KUMO_TRY_ASSIGN(const std::uint32_t num_typos, read_typos(options.typos[i]));
    KUMO_TRY_ASSIGN(const search::InfixMode infix, read_infix(options.infixes[i]));
    const bool prefix = options.prefixes[i] == "true";
    for (const std::size_t field : named.fields) {
        KUMO_TRY(check_infix(schema.fields[field], infix));
        const std::uint32_t typos_max = has_typos(schema.fields[field]) ? num_typos : 0;
        out.push_back({field, options.weights[i], typos_max, prefix, infix, options.relative[i]});
    }
    return {};
}

}  // namespace

Result<std::vector<QueryField>>
plan_query_fields(const Parameters& parameters, const search::Schema& schema) {
    const std::vector<std::string> names = parameters.list("query_by");
    KUMO_TRY_ASSIGN(const NameOptions options, plan_options(parameters, names.size()));
    const bool validate = parameters.flag("validate_field_names", true);
    std::vector<QueryField> out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].starts_with('$')) {
            return invalid_argument("Query by reference is not yet supported.");
        }
        KUMO_TRY_ASSIGN(const Named named, resolve(names[i], schema, validate));
        KUMO_TRY(add_fields(named, options, i, schema, out));
    }
    if (out.size() > kQueryFieldsMax) {
        return Error{ErrorCode::kLimitExceeded, "Only upto 256 fields can be searched."};
    }
    return out;
}

}  // namespace kumo::api_kumosearch
