#pragma once

#include "api/elastic/aggregation/aggregation.h"
#include "api/elastic/nested/nested_index.h"
#include "api/elastic/query/query.h"
#include "base/result.h"
#include "search/aggregation/values.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// Lets a context's queries look into nested objects. The context, its mapping and `indices` must
/// outlive what is parsed with it.
void enable_nested(QueryContext& context, std::shared_ptr<NestedIndices> indices);

/// The context of queries on the objects at a path, and what it refers to.
struct NestedContext {
    std::shared_ptr<const search::Schema> schema;
    std::unique_ptr<QueryContext> context;
};

NestedContext nested_context(
    const QueryContext& outer,
    const std::string& path,
    std::shared_ptr<NestedIndices> indices
);

/// The objects of one index that aggregations run on, as an index of their own.
struct NestedTarget {
    std::size_t root = 0;  ///< Which index they are from.
    NestedIndexPtr index;
};

/// Nested aggregations of one request: objects become more indices of its run, behind those that
/// are searched. One request's, one thread.
///
///     NestedSearch nested(contexts, snapshots, indices);
///     AggregationContext context{...}; context.nested = nested.entry();
///     parse_aggregations(...); then Run with nested.inputs() behind the indices'.
class NestedSearch {
public:
    /// `contexts` and `snapshots`: of the indices that are searched; they outlive this.
    NestedSearch(
        std::vector<const QueryContext*> contexts,
        std::vector<const search::Snapshot*> snapshots,
        std::shared_ptr<NestedIndices> indices
    );

    /// For AggregationContext::nested.
    std::function<Result<NestedDocs>(const std::string& path)> entry();

    /// What the run needs beside the indices, in order.
    std::vector<agg::IndexInput> inputs() const;

    /// What a document of the run is whose index is not one of those searched: its objects, or
    /// null for one that is.
    const NestedTarget* target(std::size_t index) const;

private:
    struct Group {
        std::string path;       ///< Empty: the documents.
        std::size_t above = 0;  ///< The group that its objects are in.
        std::vector<NestedTarget> targets;
        std::vector<NestedContext> contexts;
        std::vector<const QueryContext*> indices;  ///< By place in the run; null: not these.
    };

    Result<NestedDocs> descend(std::size_t from, const std::string& path);
    Result<NestedDocs> ascend(std::size_t from, const std::string& path);
    Result<std::size_t> group(std::size_t from, const std::string& path);
    NestedDocs docs_of(std::size_t group, agg::Mapped map);
    std::vector<std::size_t> way_up(std::size_t from, std::size_t to) const;

    std::vector<const QueryContext*> contexts_;
    std::vector<const search::Snapshot*> snapshots_;
    std::shared_ptr<NestedIndices> indices_;
    std::vector<std::unique_ptr<Group>> groups_;
};

/// "inner_hits" of one hit: the objects of its document that match. Prepared once for all hits of
/// an index. One thread.
class InnerHitsFinder {
public:
    static Result<InnerHitsFinder> make(
        const QueryContext& context,
        const search::Snapshot& snapshot,
        const InnerHits& wanted,
        const std::shared_ptr<NestedIndices>& indices
    );

    struct Object {
        search::DocId doc = 0;  ///< In index().
        float score = 0;
    };

    /// In the order of the objects.
    std::vector<Object> find(std::size_t part, search::DocId parent) const;

    const NestedIndex& index() const { return *index_; }

    const InnerHits& wanted() const { return wanted_; }

    /// Of nested queries in this one: their documents are this one's objects.
    const std::vector<InnerHitsFinder>& deeper() const { return deeper_; }

private:
    InnerHits wanted_;
    NestedIndexPtr index_;
    search::tree::AllMatches matches_;
    std::vector<InnerHitsFinder> deeper_;
};

}  // namespace kumo::api_elastic
