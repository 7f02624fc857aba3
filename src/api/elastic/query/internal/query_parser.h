#pragma once

#include "api/elastic/fault.h"
#include "api/elastic/query/internal/field_queries.h"
#include "api/elastic/query/query.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::api_elastic {

using NodeResult = Result<tree::NodePtr>;

/// Reads one query. One use, one thread; what is known of the index stays with the context.
class QueryParser {
public:
    explicit QueryParser(const QueryContext& context) : context_(context) {}

    NodeResult parse(const Json& query);

    const QueryContext& context() const { return context_; }

    /// With its boost, and noted if it has a name.
    NodeResult finish(tree::NodePtr node, const Json& options);

    /// The error for an option that a query does not have.
    static Error unknown_option(std::string_view query, std::string_view option) {
        return parsing_error(
            "[" + std::string(query) + "] query does not support [" + std::string(option) + "]"
        );
    }

private:
    using Read = NodeResult (*)(QueryParser& parser, const Json& body);

    struct Entry {
        std::string_view name;
        Read read;
    };

    static const std::vector<Entry>& entries();
    static Error unknown_query(const std::string& name);

    const QueryContext& context_;
    std::uint32_t depth_ = 0;
};

/// {"field": value} or {"field": {options}}, with boost and _name beside the field or in it.
struct FieldBody {
    std::string field;
    Json value;    ///< Of a short form, or the member that `value_names` say.
    Json options;  ///< The object, or an empty one.
};

/// `value_names`: what the value is called in the long form.
Result<FieldBody> field_body(
    std::string_view query,
    const Json& body,
    std::initializer_list<std::string_view> value_names
);

/// kInvalidArgument for options that are not in the list (boost and _name are).
Status check_options(
    std::string_view query,
    const Json& options,
    std::initializer_list<std::string_view> known
);

// One function for each query, by file.

// term_queries.cc
NodeResult read_term(QueryParser& parser, const Json& body);
NodeResult read_terms(QueryParser& parser, const Json& body);
NodeResult read_range(QueryParser& parser, const Json& body);
NodeResult read_exists(QueryParser& parser, const Json& body);
NodeResult read_ids(QueryParser& parser, const Json& body);
NodeResult read_prefix(QueryParser& parser, const Json& body);
NodeResult read_wildcard(QueryParser& parser, const Json& body);
NodeResult read_regexp(QueryParser& parser, const Json& body);
NodeResult read_fuzzy(QueryParser& parser, const Json& body);
NodeResult read_terms_set(QueryParser& parser, const Json& body);

// compound_queries.cc
NodeResult read_match_all(QueryParser& parser, const Json& body);
NodeResult read_match_none(QueryParser& parser, const Json& body);
NodeResult read_bool(QueryParser& parser, const Json& body);
NodeResult read_dis_max(QueryParser& parser, const Json& body);
NodeResult read_constant_score(QueryParser& parser, const Json& body);
NodeResult read_boosting(QueryParser& parser, const Json& body);
NodeResult read_nested(QueryParser& parser, const Json& body);
NodeResult read_wrapper(QueryParser& parser, const Json& body);
NodeResult read_script(QueryParser& parser, const Json& body);

// score_queries.cc
NodeResult read_function_score(QueryParser& parser, const Json& body);
NodeResult read_script_score(QueryParser& parser, const Json& body);
NodeResult read_distance_feature(QueryParser& parser, const Json& body);
NodeResult read_rank_feature(QueryParser& parser, const Json& body);

// match_queries.cc
NodeResult read_match(QueryParser& parser, const Json& body);
NodeResult read_match_phrase(QueryParser& parser, const Json& body);
NodeResult read_match_phrase_prefix(QueryParser& parser, const Json& body);
NodeResult read_match_bool_prefix(QueryParser& parser, const Json& body);
NodeResult read_multi_match(QueryParser& parser, const Json& body);
NodeResult read_combined_fields(QueryParser& parser, const Json& body);

// query_string.cc, simple_query_string.cc
NodeResult read_query_string(QueryParser& parser, const Json& body);
NodeResult read_simple_query_string(QueryParser& parser, const Json& body);

// like_queries.cc
NodeResult read_more_like_this(QueryParser& parser, const Json& body);

// position_queries.cc
NodeResult read_intervals(QueryParser& parser, const Json& body);
NodeResult read_span_term(QueryParser& parser, const Json& body);
NodeResult read_span_near(QueryParser& parser, const Json& body);
NodeResult read_span_or(QueryParser& parser, const Json& body);
NodeResult read_span_not(QueryParser& parser, const Json& body);
NodeResult read_span_first(QueryParser& parser, const Json& body);
NodeResult read_span_multi(QueryParser& parser, const Json& body);
NodeResult read_span_containing(QueryParser& parser, const Json& body);
NodeResult read_span_within(QueryParser& parser, const Json& body);

// geo_queries.cc
NodeResult read_geo_distance(QueryParser& parser, const Json& body);
NodeResult read_geo_bounding_box(QueryParser& parser, const Json& body);
NodeResult read_geo_polygon(QueryParser& parser, const Json& body);
NodeResult read_geo_shape(QueryParser& parser, const Json& body);
NodeResult read_knn(QueryParser& parser, const Json& body);

}  // namespace kumo::api_elastic
