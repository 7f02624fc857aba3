#include "api/kumosearch/query/search_plan.h"

#include "api/kumosearch/query/facet_parser.h"
#include "api/kumosearch/query/filter_parser.h"
#include "api/kumosearch/query/query_fields.h"
#include "api/kumosearch/query/sort_parser.h"
#include "api/kumosearch/query/vector_query.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using search::MatchOptions;
using search::SearchRequest;

constexpr std::uint64_t kLimitHits = 1'000'000;
constexpr std::uint64_t kPerPage = 10;
constexpr std::uint64_t kCutoffMs = 30'000;
constexpr std::uint64_t kCutoffMsMax = 600'000;
constexpr std::size_t kCuratedIdsMax = 1000;
constexpr std::uint32_t kFacetValuesMax = 10'000;
constexpr std::uint32_t kPinnedPositionMax = 1'000'000;
constexpr std::size_t kTagBytesMax = 256;
constexpr std::size_t kGroupFieldsMax = 10;

/// Parameters that this version does not have, and the value that asks for nothing.
struct LaterParameter {
    std::string_view name;
    std::string_view neutral;
};

constexpr LaterParameter kLaterParameters[] = {
    {"pre_segmented_query", "false"},
    {"voice_query", ""},
    {"conversation", "false"},
    {"conversation_id", ""},
    {"conversation_model_id", ""},
    {"nl_query", "false"},
    {"nl_model_id", ""},
    {"personalization_model_id", ""},
};

Status refuse_later_parameters(const Parameters& parameters) {
    for (const LaterParameter& later : kLaterParameters) {
        const std::string& value = parameters.text(later.name);
        if (!value.empty() && value != later.neutral) {
            return Error{
                ErrorCode::kUnsupported,
                "The parameter `" + std::string(later.name) + "` is not supported yet."};
        }
    }
    return {};
}

Status plan_drop_tokens(const Parameters& parameters, MatchOptions& match) {
    const std::string_view mode = parameters.text("drop_tokens_mode");
    constexpr std::string_view kBoth = "both_sides";
    if (mode.empty() || mode == "right_to_left") {
        match.drop_tokens_mode = search::DropTokensMode::kRightToLeft;
    } else if (mode == "left_to_right") {
        match.drop_tokens_mode = search::DropTokensMode::kLeftToRight;
    } else if (mode == kBoth) {
        match.drop_tokens_mode = search::DropTokensMode::kBothSides;
    } else if (mode.starts_with("both_sides:")) {
        match.drop_tokens_mode = search::DropTokensMode::kBothSides;
        const auto count = parse_unsigned(mode.substr(kBoth.size() + 1));
        if (!count || *count > search::kQueryTokensMax) {
            return invalid_argument("Invalid format for drop tokens mode.");
        }
        match.drop_tokens_both_sides_max = static_cast<std::uint32_t>(*count);
    } else {
        return invalid_argument("Invalid format for drop tokens mode.");
    }
    return {};
}

Status plan_words(const Parameters& parameters, MatchOptions& match) {
    const std::string_view split = parameters.text("split_join_tokens");
    if (split == "off") {
        match.split_join_tokens = search::SplitJoin::kOff;
    } else if (split == "always") {
        match.split_join_tokens = search::SplitJoin::kAlways;
    } else if (!split.empty() && split != "fallback") {
        return invalid_argument("Invalid value for `split_join_tokens`.");
    }
    const std::string_view type = parameters.text("text_match_type");
    if (type == "max_weight") {
        match.text_match_type = search::TextMatchType::kMaxWeight;
    } else if (type == "sum_score") {
        match.text_match_type = search::TextMatchType::kSumScore;
    } else if (type == "bm25") {
        match.text_match_type = search::TextMatchType::kBm25;
    } else if (!type.empty() && type != "max_score") {
        return invalid_argument("Invalid value for `text_match_type`.");
    }
    return plan_drop_tokens(parameters, match);
}

Status plan_match(const Parameters& p, MatchOptions& match) {
    KUMO_TRY_ASSIGN(match.min_len_1typo, p.unsigned_32("min_len_1typo", match.min_len_1typo));
    KUMO_TRY_ASSIGN(match.min_len_2typo, p.unsigned_32("min_len_2typo", match.min_len_2typo));
    KUMO_TRY_ASSIGN(
        match.typo_tokens_threshold,
        p.unsigned_32("typo_tokens_threshold", match.typo_tokens_threshold)
    );
    KUMO_TRY_ASSIGN(
        match.drop_tokens_threshold,
        p.unsigned_32("drop_tokens_threshold", match.drop_tokens_threshold)
    );
    if (!p.text("max_candidates").empty()) {
        KUMO_TRY_ASSIGN(match.max_candidates, p.unsigned_32("max_candidates", 0));
    }
    match.exhaustive_search = p.flag("exhaustive_search", false);
    match.prioritize_exact_match = p.flag("prioritize_exact_match", true);
    match.prioritize_token_position = p.flag("prioritize_token_position", false);
    match.prioritize_num_matching_fields = p.flag("prioritize_num_matching_fields", true);
    match.typos_in_numbers = p.flag("enable_typos_for_numerical_tokens", true);
    match.typos_in_alphanumerics = p.flag("enable_typos_for_alpha_numerical_tokens", true);
    match.synonym_prefix = p.flag("synonym_prefix", false);
    match.demote_synonym_match = p.flag("demote_synonym_match", false);
    KUMO_TRY_ASSIGN(match.synonym_num_typos, p.unsigned_32("synonym_num_typos", 0));
    if (match.synonym_num_typos > 2) {
        return invalid_argument("Value of `synonym_num_typos` must not be greater than 2.");
    }
    KUMO_TRY_ASSIGN(
        match.max_extra_prefix,
        p.unsigned_32("max_extra_prefix", match.max_extra_prefix)
    );
    KUMO_TRY_ASSIGN(
        match.max_extra_suffix,
        p.unsigned_32("max_extra_suffix", match.max_extra_suffix)
    );
    return plan_words(p, match);
}

/// Where the page begins and ends.
Status plan_page(const Parameters& p, const DialectOptions& options, SearchPlan& plan) {
    ResultShape& shape = plan.shape;
    const bool facet_query = !trim(p.text("facet_query")).empty();
    const std::string_view size = p.text("per_page").empty() ? "limit" : "per_page";
    KUMO_TRY_ASSIGN(shape.per_page, p.unsigned_integer(size, facet_query ? 0 : kPerPage));
    if (shape.per_page > options.max_per_page) {
        return Error{
            ErrorCode::kLimitExceeded,
            "Only upto " + std::to_string(options.max_per_page) + " hits can be fetched per page."};
    }
    KUMO_TRY_ASSIGN(shape.page, p.unsigned_integer("page", 1));
    KUMO_TRY_ASSIGN(const std::uint64_t hits_max, p.unsigned_integer("limit_hits", kLimitHits));
    shape.page = std::max<std::uint64_t>(shape.page, 1);
    KUMO_TRY_ASSIGN(std::uint64_t offset, p.unsigned_integer("offset", 0));
    if (!p.text("offset").empty() && p.text("page").empty()) {
        shape.offset = offset;
    } else if (shape.page - 1 > hits_max || (shape.page - 1) * shape.per_page > hits_max) {
        offset = std::numeric_limits<std::uint64_t>::max();
    } else {
        offset = (shape.page - 1) * shape.per_page;
    }
    if (offset > hits_max || offset + shape.per_page > hits_max) {
        return Error{
            ErrorCode::kLimitExceeded,
            "Only upto " + std::to_string(hits_max)
                + " hits can be fetched. Ensure that `page` and `per_page` parameters are within "
                  "this range."};
    }
    plan.request.offset = offset;
    plan.request.limit = shape.per_page;
    return {};
}

/// "id:position,id:position"; ids may hold colons.
Status plan_pinned(const Parameters& parameters, SearchRequest& request) {
    const std::vector<std::string> items = parameters.list("pinned_hits");
    for (const std::string& item : items) {
        const std::size_t colon = item.rfind(':');
        const auto position = colon == std::string::npos
                                  ? std::nullopt
                                  : parse_unsigned(std::string_view(item).substr(colon + 1));
        if (!position || *position == 0 || *position > kPinnedPositionMax || colon == 0) {
            return invalid_argument("Pinned hits are not in expected format.");
        }
        request.pinned_ids[static_cast<std::uint32_t>(*position)].push_back(item.substr(0, colon));
    }
    if (items.size() > kCuratedIdsMax) {
        return Error{ErrorCode::kLimitExceeded, "Only upto 1000 hits can be pinned."};
    }
    return {};
}

Status plan_hidden(const Parameters& parameters, SearchRequest& request) {
    request.hidden_ids = parameters.list("hidden_hits");
    if (request.hidden_ids.size() > kCuratedIdsMax) {
        return Error{ErrorCode::kLimitExceeded, "Only upto 1000 hits can be hidden."};
    }
    return {};
}

/// The string fields that a list of names (with '*' at the end) means.
std::vector<std::size_t>
fields_named(const std::vector<std::string>& names, const search::Schema& schema) {
    std::vector<std::size_t> out;
    for (const std::string_view name : names) {
        const bool prefix = name.ends_with('*');
        for (std::size_t i = 0; i < schema.fields.size(); ++i) {
            const search::Field& field = schema.fields[i];
            const bool fits =
                prefix ? std::string_view(field.name).starts_with(name.substr(0, name.size() - 1))
                       : field.name == name;
            if (fits && field.is_string() && field.index && !field.is_pattern()
                && std::find(out.begin(), out.end(), i) == out.end()) {
                out.push_back(i);
            }
        }
    }
    return out;
}

Status plan_highlights(const Parameters& p, const search::Schema& schema, SearchPlan& plan) {
    search::HighlightOptions& highlight = plan.request.highlight;
    const std::vector<std::string> names = p.list("highlight_fields");
    if (names.empty()) {
        for (const search::QueryField& query : plan.request.fields) {
            if (plan.shape.fields.shows(schema.fields[query.field].name)) {
                highlight.fields.push_back(query.field);
            }
        }
    } else {
        highlight.fields = fields_named(names, schema);
    }
    highlight.full_fields = fields_named(p.list("highlight_full_fields"), schema);
    for (const std::size_t field : highlight.full_fields) {
        if (std::find(highlight.fields.begin(), highlight.fields.end(), field)
            == highlight.fields.end()) {
            highlight.fields.push_back(field);
        }
    }
    if (p.has("highlight_start_tag")) {
        highlight.start_tag = p.text("highlight_start_tag");
    }
    if (p.has("highlight_end_tag")) {
        highlight.end_tag = p.text("highlight_end_tag");
    }
    if (highlight.start_tag.size() > kTagBytesMax || highlight.end_tag.size() > kTagBytesMax) {
        return invalid_argument("A highlight tag is longer than 256 bytes.");
    }
    KUMO_TRY_ASSIGN(
        highlight.affix_num_tokens,
        p.unsigned_32("highlight_affix_num_tokens", highlight.affix_num_tokens)
    );
    KUMO_TRY_ASSIGN(
        highlight.snippet_threshold,
        p.unsigned_32("snippet_threshold", highlight.snippet_threshold)
    );
    return {};
}

Status plan_facets(
    const Parameters& p,
    const search::Schema& schema,
    const FilterLimits& limits,
    SearchPlan& plan
) {
    KUMO_TRY_ASSIGN(plan.request.facets, parse_facets(p.text("facet_by"), schema, limits));
    KUMO_TRY_ASSIGN(const std::uint32_t typos, p.unsigned_32("facet_query_num_typos", 2));
    KUMO_TRY(apply_facet_query(
        p.text("facet_query"),
        std::min<std::uint32_t>(typos, 2),
        schema,
        limits,
        plan.request.facets
    ));
    const std::vector<std::string> parents = p.list("facet_return_parent");
    for (search::FacetRequest& facet : plan.request.facets) {
        facet.return_parent =
            facet.return_parent
            || (!facet.join
                && std::any_of(parents.begin(), parents.end(), [&](const std::string& name) {
                       return name == "*" || name == schema.fields[facet.field].name;
                   }));
        plan.shape.facet_names.push_back(name_of_facet(facet, schema, limits.joins));
    }
    KUMO_TRY_ASSIGN(const std::uint32_t values, p.unsigned_32("max_facet_values", 10));
    plan.request.max_facet_values = std::min(values, kFacetValuesMax);
    plan.shape.max_facet_values = plan.request.max_facet_values;
    return {};
}

/// group_by and what belongs to it.
Status plan_groups(
    const Parameters& p,
    const search::Schema& schema,
    const DialectOptions& options,
    SearchRequest& request
) {
    search::GroupRequest group;
    KUMO_TRY_ASSIGN(group.limit, p.unsigned_32("group_limit", group.limit));
    // Grouping is exact, so how many candidates to look at changes nothing.
    KUMO_TRY(p.unsigned_integer("group_max_candidates", 0));
    group.missing_together = p.flag("group_missing_values", true);
    for (const std::string& name : p.list("group_by")) {
        const auto at = schema.find(name);
        if (!at && !p.flag("validate_field_names", true)) {
            continue;
        }
        if (!at) {
            return not_found("Could not find a field named `" + name + "` in the schema.");
        }
        if (!schema.fields[*at].facet) {
            return invalid_argument("Group by field `" + name + "` should be a facet field.");
        }
        group.fields.push_back(*at);
    }
    if (group.fields.size() > kGroupFieldsMax) {
        return Error{ErrorCode::kLimitExceeded, "Only upto 10 fields can be grouped by."};
    }
    if (group.fields.empty()) {
        const auto by_size = [](const search::SortKey& key) {
            return key.by == search::SortKey::By::kGroupFound;
        };
        if (std::any_of(request.sort.begin(), request.sort.end(), by_size)) {
            return invalid_argument("Sorting by `_group_found` needs the parameter `group_by`.");
        }
        return {};
    }
    if (group.limit == 0 || group.limit > options.max_group_limit) {
        return Error{
            ErrorCode::kLimitExceeded,
            "Value of `group_limit` must be between 1 and "
                + std::to_string(options.max_group_limit) + "."};
    }
    request.group = std::move(group);
    return {};
}

/// vector_query and what belongs to it; after the page.
Status plan_vector(const Parameters& p, const search::Schema& schema, SearchRequest& request) {
    constexpr std::uint64_t kHybridHits = 100;
    const std::string_view text = trim(p.text("vector_query"));
    if (text.empty()) {
        const auto by_distance = [](const search::SortKey& key) {
            return key.by == search::SortKey::By::kVectorDistance;
        };
        if (std::any_of(request.sort.begin(), request.sort.end(), by_distance)) {
            return invalid_argument(
                "Sorting by `_vector_distance` needs the parameter `vector_query`."
            );
        }
        return {};
    }
    const bool matches_all = request.q == "*" || trim(request.q).empty();
    const std::uint64_t page_end = request.offset + request.limit;
    const std::uint64_t k = matches_all ? (page_end > 0 ? page_end : kPerPage) : kHybridHits;
    VectorDefaults defaults;
    defaults.k = static_cast<std::uint32_t>(std::min<std::uint64_t>(k, search::kVectorHitsMax));
    KUMO_TRY_ASSIGN(request.vector, parse_vector_query(text, schema, defaults));
    request.vector->rerank = p.flag("rerank_hybrid_matches", false);
    return {};
}

Status plan_query(const Parameters& p, const search::Schema& schema, SearchRequest& request) {
    if (!p.has("q")) {
        return invalid_argument("Parameter `q` is required.");
    }
    request.q = p.text("q");
    if (request.q.size() > search::kQueryBytesMax) {
        return invalid_argument("Parameter `q` is longer than 4000 bytes.");
    }
    KUMO_TRY_ASSIGN(request.fields, plan_query_fields(p, schema));
    const bool matches_all = request.q == "*" || trim(request.q).empty();
    if (!matches_all && request.fields.empty()) {
        return invalid_argument("No search fields specified for the query.");
    }
    return {};
}

/// What is sorted by and counted is what the filter lets pass.
search::JoinSort with_filters(const search::JoinSort& sort, const search::Filter& filter) {
    search::JoinSort out = sort;
    const auto joins = joins_of(filter);
    if (const FilterJoin* join = find_join(joins, sort.step.step.collection)) {
        out.step.filter = join->filter;
    }
    if (sort.next != nullptr) {
        out.next =
            std::make_shared<const search::JoinSort>(with_filters(*sort.next, out.step.filter));
    }
    return out;
}

/// What is shown of hits, and of what they are joined with. After all that may join.
Status plan_shown(const Parameters& p, JoinPlanner* joins, SearchPlan& plan) {
    SearchRequest& request = plan.request;
    KUMO_TRY_ASSIGN(ShownFields shown, plan_shown_fields(p, request.filter, joins));
    plan.shape.fields = std::move(shown.fields);
    if (joins == nullptr || !joins->any()) {
        return {};
    }
    for (search::SortKey& key : request.sort) {
        if (key.join != nullptr) {
            key.join =
                std::make_shared<const search::JoinSort>(with_filters(*key.join, request.filter));
        }
    }
    const auto filter_joins = joins_of(request.filter);
    for (search::FacetRequest& facet : request.facets) {
        if (!facet.join) {
            continue;
        }
        if (const auto* join = find_join(filter_joins, facet.join->step.collection)) {
            facet.join->filter = join->filter;
        }
    }
    plan.shape.joins = std::move(shown.shapes);
    request.joins = joins->request();
    request.joins.includes = std::move(shown.includes);
    return {};
}

}  // namespace

Result<SearchPlan> plan_search(
    const Parameters& p,
    const search::Schema& schema,
    const DialectOptions& options,
    JoinPlanner* joins
) {
    SearchPlan plan;
    SearchRequest& request = plan.request;
    KUMO_TRY(refuse_later_parameters(p));
    KUMO_TRY(plan_query(p, schema, request));
    KUMO_TRY(plan_match(p, request.match));
    FilterLimits limits{options.filter_by_max_ops, p.flag("validate_field_names", true)};
    limits.joins = joins;
    KUMO_TRY_ASSIGN(request.filter, parse_filter(p.text("filter_by"), schema, limits));
    KUMO_TRY_ASSIGN(request.sort, parse_sort(p.text("sort_by"), schema, limits));
    KUMO_TRY(plan_groups(p, schema, options, request));
    KUMO_TRY(plan_facets(p, schema, limits, plan));
    KUMO_TRY(plan_page(p, options, plan));
    KUMO_TRY(plan_vector(p, schema, request));
    KUMO_TRY(plan_pinned(p, request));
    KUMO_TRY(plan_hidden(p, request));
    request.filter_pinned = p.flag("filter_curated_hits", false);
    KUMO_TRY(plan_shown(p, joins, plan));
    KUMO_TRY(plan_highlights(p, schema, plan));
    KUMO_TRY_ASSIGN(const std::uint64_t cutoff, p.unsigned_integer("search_cutoff_ms", kCutoffMs));
    request.time_limit = std::chrono::milliseconds(std::min(cutoff, kCutoffMsMax));
    const std::vector<std::string> hidden = p.list("exclude_fields");
    plan.shape.show_out_of = std::find(hidden.begin(), hidden.end(), "out_of") == hidden.end();
    plan.shape.show_time =
        std::find(hidden.begin(), hidden.end(), "search_time_ms") == hidden.end();
    plan.shape.highlights_list = p.flag("enable_highlight_v1", true);
    plan.shape.q = request.q;
    return plan;
}

}  // namespace kumo::api_kumosearch
