#pragma once

#include "api/elastic/json.h"
#include "api/elastic/mapping/mapping.h"
#include "base/result.h"
#include "search/analysis/analyzer.h"
#include "search/schema/schema.h"
#include "search/tree/function_score.h"
#include "search/tree/tree.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The query DSL as a tree of the engine's (search/tree/tree.h). Stateless; any thread.
namespace kumo::api_elastic {

namespace tree = search::tree;

/// A query with a `_name`: which hits it matches is told in their `matched_queries`.
struct NamedQuery {
    std::string name;
    tree::NodePtr node;
};

/// "inner_hits" of a nested query, as it was asked for.
struct InnerHits {
    std::string path;
    std::string name;  ///< The path unless it says otherwise.
    Json options;
    Json query;  ///< Of the objects.
};

/// What a query is parsed for: one index, at one moment.
struct QueryContext {
    const Mapping& mapping;
    const search::Schema& schema;  ///< Of the snapshot that the tree runs on.
    std::string index;
    std::vector<std::string> aliases{};
    std::int64_t now_millis = 0;
    bool expensive_allowed = true;  ///< "search.allow_expensive_queries"
    std::size_t regex_length_max = 1000;
    std::size_t terms_max = 65536;
    std::uint32_t clauses_max = 1024;
    std::uint32_t depth_max = 20;                  ///< "indices.query.bool.max_nested_depth"
    std::vector<std::string> default_fields{"*"};  ///< "index.query.default_field"
    bool lenient = false;                          ///< "index.query_string.lenient"

    /// The `_source` of a document elsewhere (terms lookup, like-documents); nothing if there is
    /// none. Null: not to be had.
    using Lookup = std::function<Result<std::optional<
        Json>>(const std::string& index, const std::string& id, const std::string& routing)>;
    Lookup lookup{};

    /// What a script says of a document. Null: scripts are not supported.
    std::function<Result<tree::ScoreFunction>(const Json& script)> script{};

    /// Documents with an object of `path` that `query` matches, parsed in a context of its own;
    /// `mode`: "avg", "sum", "min", "max", "none". Null: objects are looked at as if each document
    /// had one.
    std::function<
        Result<tree::NodePtr>(const std::string& path, const Json& query, const std::string& mode)>
        nested{};

    std::string nested_path{};                     ///< The objects that this is parsed for.
    std::vector<NamedQuery>* named = nullptr;      ///< Gets what has a name. Null: nobody asks.
    std::vector<InnerHits>* inner_hits = nullptr;  ///< The same.
};

/// One query: {"match": {...}}. parsing_exception for what is none, query_shard_exception for what
/// does not fit the index, and the API's other errors.
Result<tree::NodePtr> parse_query(const Json& query, const QueryContext& context);

/// `q` and its fellows in a URL: the query_string query that they stand for.
struct UriQuery {
    std::string q;
    std::string df;
    std::string analyzer;
    std::string default_operator;
    bool lenient = false;
    bool analyze_wildcard = false;
};

Json uri_query(const UriQuery& uri);

/// The tokens of a text as a field's search analyzer (or `analyzer`, a name) makes them.
Result<search::TokenBuffer> analyze_query(
    const QueryContext& context,
    const MappedField& field,
    const std::string& text,
    const std::string& analyzer = {}
);

/// "75%", "-1", "2<75%": how many of `clauses` optional clauses have to match.
Result<std::int64_t> minimum_should_match(std::int64_t clauses, const std::string& spec);

}  // namespace kumo::api_elastic
