#pragma once

#include "api/elastic/aggregation/aggregation.h"
#include "api/elastic/context.h"
#include "api/elastic/nested/nested_search.h"
#include "api/elastic/query/query.h"
#include "api/elastic/script/run_script.h"
#include "api/elastic/search/hit.h"
#include "api/elastic/search/profile.h"
#include "api/elastic/search/search_request.h"
#include "api/elastic/search/sort.h"
#include "api/elastic/search/target.h"
#include "search/tree/evaluation.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace kumo::api_elastic {

/// One search over some indices: what matches, in order; its aggregations; the answer. One thread.
class SearchRun {
public:
    SearchRun(const Context& context, std::vector<SearchTarget> targets, SearchBody body);

    /// Finds everything. Errors are those of the request, or search_phase_execution_exception.
    Status run();

    /// After run(): the answer of a search that shows hits [from, from + size).
    Result<Json> answer();

    /// The hits of one page, as they stand in "hits.hits".
    Result<Json> hits_json(std::size_t from, std::size_t size);

    /// Documents that match.
    std::uint64_t total() const { return total_; }

    /// All hits are kept in order, for scrolls.
    void keep_all() { keep_all_ = true; }

    const SearchBody& body() const { return body_; }

    /// "hits" with these in it.
    Json hits_object(Json hits) const;
    Json shards_json() const;

    /// Of indices that had nothing to say, but for one of them: what a look at the range of their
    /// values would have told. 0 if the answer shows them all the same.
    std::int64_t shards_without_matches() const;

private:
    struct Target {
        std::unique_ptr<QueryContext> context;
        std::vector<NamedQuery> named;
        std::vector<InnerHits> inner;
        std::vector<InnerHitsFinder> finders;  ///< Of `inner`.
        std::vector<search::tree::AllMatches> named_matches;
        search::tree::NodePtr query;
        search::tree::AllMatches matches;
        Duration time{};
    };

    struct FieldScript {
        std::string name;
        NamedScript script;
        bool ignores_failure = false;
    };

    Status prepare(std::size_t i);
    Status prepare_scripts();
    Status script_keys(Hit& hit) const;
    Status add_script_fields(const Hit& hit, Json& out) const;
    Status find(std::size_t i, bool scored);
    Status filter_slice(std::size_t i);
    Status aggregate();
    Status filter_after_aggregations();
    Status collect();
    void count();
    void count_use();
    Status collapse();
    Status rescore();
    void sort_hits(std::size_t wanted);
    bool needs_scores() const;
    Result<Json> one_hit(const Hit& hit);
    Result<Json> top_hits(const Json& options, const agg::DocSet& docs);
    Json matched_queries(const Hit& hit) const;
    Json total_json() const;
    Json profile() const;
    Status check_fields() const;
    Status add_collapsed(std::size_t hit, Json& out);

    const Context& context_;
    std::vector<SearchTarget> targets_;
    SearchBody body_;
    std::vector<Target> found_;
    std::optional<Sorter> sorter_;
    std::shared_ptr<NestedIndices> nested_ = std::make_shared<NestedIndices>();
    std::optional<NestedSearch> nested_search_;             ///< Of aggregations.
    std::vector<std::optional<NamedScript>> sort_scripts_;  ///< Of the sort's parts.
    std::vector<FieldScript> field_scripts_;
    std::vector<Hit> hits_;
    std::vector<Json> collapsed_;  ///< The key of each hit.
    std::uint64_t total_ = 0;
    bool keep_all_ = false;
    bool terminated_early_ = false;
    std::optional<float> max_score_;
    std::optional<Json> aggregations_;
    AggregationTimes aggregation_times_;
    Duration fetch_time_{};
    MonotonicTime begin_;
};

/// An error in a search of an index: of the request, or else of its shards.
Error wrapped(const std::string& index, const Error& error);

/// What a query of an index is parsed for. `target` outlives it.
std::unique_ptr<QueryContext> query_context(const Context& context, const SearchTarget& target);

/// How many documents match. With an error of its shards.
Result<std::uint64_t>
count_matches(const Context& context, const std::vector<SearchTarget>& targets, const Json& query);

}  // namespace kumo::api_elastic
