#include "api/kumosearch/query/sort_parser.h"

#include "api/kumosearch/parameters.h"
#include "api/kumosearch/query/sort_forms.h"
#include "api/kumosearch/query/vector_query.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <optional>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using search::SortKey;

constexpr std::uint32_t kBracketDepthMax = 16;
constexpr std::size_t kSortPartsMax = 16;

Error malformed() {
    return invalid_argument("Parameter `sort_by` is malformed.");
}

Error no_such_field(std::string_view name) {
    return not_found(
        "Could not find a field named `" + std::string(name) + "` in the schema for sorting."
    );
}

/// Forms of sort_by that later versions have.
bool is_later_form(std::string_view name) {
    constexpr std::array<std::string_view, 2> kLater = {"_seq_id", "_union"};
    return std::find(kLater.begin(), kLater.end(), name) != kLater.end();
}

Status read_text_match_options(std::string_view inside, SortKey& key) {
    KUMO_TRY_ASSIGN(const SortOption option, read_sort_option(inside));
    const auto number = parse_unsigned(option.value);
    if (!number || *number > UINT32_MAX) {
        return invalid_argument(
            "Invalid value passed for _text_match `buckets` or `bucket_size` configuration."
        );
    }
    if (option.name == "buckets") {
        key.buckets = static_cast<std::uint32_t>(*number);
    } else if (option.name == "bucket_size") {
        key.bucket_size = static_cast<std::uint32_t>(*number);
    } else {
        return invalid_argument("Invalid sorting parameter passed for _text_match.");
    }
    return {};
}

Status read_field_options(std::string_view inside, const search::Field& field, SortKey& key) {
    KUMO_TRY_ASSIGN(const SortOption option, read_sort_option(inside));
    if (option.name != "missing_values") {
        return Error{
            ErrorCode::kUnsupported,
            "Sorting `" + field.name + "` by `" + option.name + "` is not supported yet."};
    }
    if (option.value != "first" && option.value != "last" && option.value != "normal") {
        return invalid_argument(
            "The value of `missing_values` must be one of `first`, `last` or `normal`."
        );
    }
    key.missing_first = option.value == "first"
                        // Missing strings rank highest.
                        || (option.value == "normal" && field.is_string() && key.descending);
    return {};
}

/// Reads a key that is no field; false if it is none of those.
Result<bool> read_special(
    const NameAndOptions& split,
    const search::Schema& schema,
    const FilterLimits& limits,
    SortKey& key
) {
    if (split.name == "_group_found" && !split.has_options) {
        key.by = SortKey::By::kGroupFound;
        return true;
    }
    if (split.name == "_vector_distance" && !split.has_options) {
        key.by = SortKey::By::kVectorDistance;
        return true;
    }
    if (split.name == "_vector_query" && split.has_options) {
        KUMO_TRY_ASSIGN(auto vector, parse_vector_query(split.inside, schema, {}));
        key.by = SortKey::By::kVector;
        key.vector = std::make_shared<const search::VectorRequest>(std::move(vector));
        return true;
    }
    if (split.name == "_text_match") {
        key.by = SortKey::By::kTextMatch;
        if (split.has_options) {
            KUMO_TRY(read_text_match_options(split.inside, key));
        }
        return true;
    }
    if (split.name == "_eval") {
        KUMO_TRY(read_eval(split.inside, schema, limits, key));
        return true;
    }
    if (split.name == "_rand") {
        KUMO_TRY(read_random(split.inside, key));
        return true;
    }
    return false;
}

Result<std::optional<SortKey>>
read_key(std::string_view part, const search::Schema& schema, const FilterLimits& limits) {
    const std::size_t colon = part.rfind(':');
    if (colon == std::string_view::npos || part.find(')', colon) != std::string_view::npos) {
        return malformed();
    }
    const std::string order = lower(trim(part.substr(colon + 1)));
    KUMO_TRY_ASSIGN(const NameAndOptions split, split_options(trim(part.substr(0, colon))));
    if (is_later_form(split.name)) {
        return Error{
            ErrorCode::kUnsupported,
            "Sorting by `" + std::string(split.name) + "` is not supported yet."};
    }
    if (order != "asc" && order != "desc") {
        return invalid_argument(
            "Order for field `" + std::string(split.name) + "` should be either ASC or DESC."
        );
    }
    SortKey key;
    key.descending = order == "desc";
    KUMO_TRY_ASSIGN(const bool special, read_special(split, schema, limits, key));
    if (special) {
        return std::optional(key);
    }
    const auto at = schema.find(split.name);
    if (!at || !schema.fields[*at].sort) {
        if (!limits.validate_field_names) {
            return std::optional<SortKey>();
        }
        return no_such_field(split.name);
    }
    key.field = *at;
    // As the documentation has it: without a value, numbers come last in either order, and strings
    // rank highest.
    key.missing_first = schema.fields[*at].is_string() && key.descending;
    if (schema.fields[*at].is_geo()) {
        KUMO_TRY(read_distance_key(split.inside, schema.fields[*at], key));
    } else if (split.has_options && is_decay(split.inside)) {
        KUMO_TRY(read_decay(split.inside, schema.fields[*at], key));
    } else if (split.has_options) {
        KUMO_TRY(read_field_options(split.inside, schema.fields[*at], key));
    }
    return std::optional(key);
}

/// `$Coll(key, key)`, of which a key may lead on.
class JoinedKeys {
public:
    JoinedKeys(std::string_view part, const FilterLimits& limits) : part_(part), limits_(limits) {}

    Result<std::vector<SortKey>> read() { return read(part_, limits_.collection, 0); }

private:
    static Error bad_reference() { return invalid_argument("Reference `sort_by` is malformed."); }

    Result<std::vector<SortKey>>
    read(std::string_view text, std::optional<std::size_t> from, std::uint32_t depth) {
        const std::size_t open = text.find('(');
        if (open == std::string_view::npos || !text.ends_with(')')
            || depth == search::kJoinDepthMax) {
            return bad_reference();
        }
        const std::string_view name = trim(text.substr(1, open - 1));
        const std::string_view inside = trim(text.substr(open + 1, text.size() - open - 2));
        if (limits_.joins == nullptr || name.empty() || inside.empty()) {
            return bad_reference();
        }
        KUMO_TRY_ASSIGN(
            const search::JoinStep step,
            limits_.joins->step(from, name, " in `sort_by`")
        );
        const auto schema = limits_.joins->shared_schema(step.collection);
        const auto parts = split_outside_brackets(inside, kSortPartsMax);
        if (!parts.ok()) {
            return bad_reference();
        }
        std::vector<SortKey> keys;
        for (const std::string_view part : parts.value()) {
            if (part.starts_with('$')) {
                KUMO_TRY_ASSIGN(const auto further, read(part, step.collection, depth + 1));
                for (const SortKey& key : further) {
                    keys.push_back(one_further(step, key));
                }
                continue;
            }
            FilterLimits there = limits_;
            there.collection = step.collection;
            auto key = read_key(part, *schema, there);
            if (!key.ok()) {
                return Error{
                    key.error().code == ErrorCode::kNotFound ? ErrorCode::kInvalidArgument
                                                             : key.error().code,
                    "Referenced collection `" + std::string(name) + "`: " + key.error().message};
            }
            if (key.value()) {
                KUMO_TRY_ASSIGN(keys.emplace_back(), leaf(step, *key.value()));
            }
        }
        return keys;
    }

    static Result<SortKey> leaf(const search::JoinStep& step, const SortKey& there) {
        search::JoinSort join;
        join.step.step = step;
        join.field = there.field;
        if (there.by == SortKey::By::kFilters) {
            for (const search::ScoredFilter& scored : there.filters) {
                join.scores.emplace_back(scored.filter, scored.score);
            }
        } else if (there.by != SortKey::By::kField) {
            return Error{
                ErrorCode::kUnsupported,
                "Joined collections are sorted by fields and by `_eval`."};
        }
        SortKey key;
        key.by = SortKey::By::kJoined;
        key.descending = there.descending;
        key.missing_first = there.missing_first;
        key.join = std::make_shared<const search::JoinSort>(std::move(join));
        return key;
    }

    static SortKey one_further(const search::JoinStep& step, const SortKey& there) {
        search::JoinSort join;
        join.step.step = step;
        join.next = there.join;
        SortKey key = there;
        key.join = std::make_shared<const search::JoinSort>(std::move(join));
        return key;
    }

    std::string_view part_;
    const FilterLimits& limits_;
};

}  // namespace

Result<std::vector<std::string_view>>
split_outside_brackets(std::string_view text, std::size_t parts_max) {
    std::vector<std::string_view> parts;
    std::uint32_t depth = 0;
    bool quoted = false;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const char c = i < text.size() ? text[i] : ',';
        if (i < text.size() && c == '`') {
            quoted = !quoted;
        } else if (i < text.size() && quoted) {
            continue;
        } else if (c == '(' || c == '[') {
            ++depth;
        } else if (c == ')' || c == ']') {
            if (depth-- == 0) {
                return invalid_argument("unbalanced brackets");
            }
        } else if (c == ',' && (depth == 0 || i == text.size())) {
            parts.push_back(trim(text.substr(begin, i - begin)));
            begin = i + 1;
        }
        if (depth > kBracketDepthMax || parts.size() > parts_max) {
            return invalid_argument("too many parts or brackets");
        }
    }
    if (depth != 0 || quoted) {
        return invalid_argument("unbalanced brackets");
    }
    return parts;
}

Result<NameAndOptions> split_options(std::string_view text) {
    const std::size_t open = text.find('(');
    if (open == std::string_view::npos) {
        return NameAndOptions{text, {}, false};
    }
    if (!text.ends_with(')')) {
        return invalid_argument("a parenthesis is not at the end");
    }
    return NameAndOptions{
        trim(text.substr(0, open)),
        trim(text.substr(open + 1, text.size() - open - 2)),
        true};
}

Result<std::vector<SortKey>>
parse_sort(std::string_view text, const search::Schema& schema, const FilterLimits& limits) {
    std::vector<SortKey> keys;
    if (trim(text).empty()) {
        return keys;
    }
    const auto parts = split_outside_brackets(text, kSortPartsMax);
    if (!parts.ok()) {
        return malformed();
    }
    for (const std::string_view part : parts.value()) {
        if (part.starts_with('$')) {
            KUMO_TRY_ASSIGN(const auto joined, JoinedKeys(part, limits).read());
            keys.insert(keys.end(), joined.begin(), joined.end());
            continue;
        }
        auto key = read_key(part, schema, limits);
        if (!key.ok()) {
            return std::move(key).error();
        }
        if (key.value()) {
            keys.push_back(*key.value());
        }
    }
    if (keys.size() > search::kSortKeysMax) {
        return Error{ErrorCode::kLimitExceeded, "Only upto 3 sort_by fields can be specified."};
    }
    return keys;
}

}  // namespace kumo::api_kumosearch
