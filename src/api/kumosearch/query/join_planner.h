#pragma once

#include "base/result.h"
#include "search/join/join.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

/// A collection that may be joined.
struct JoinTarget {
    std::string name;
    std::shared_ptr<const search::Schema> schema;
};

/// The joins that a filter has, where they say which documents a hit is joined with.
struct FilterJoin {
    search::JoinStep step;
    search::Filter filter;
};

/// Which collections one request joins, and by what. One request's; one thread.
class JoinPlanner {
public:
    /// The collection (not an alias) that a name stands for.
    using Resolve = std::function<std::string(std::string name)>;
    /// kNotFound if there is none; any other error is that of the request.
    using Find = std::function<Result<JoinTarget>(const std::string& name)>;

    JoinPlanner(JoinTarget main, Resolve resolve, Find find)
        : main_(std::move(main)), resolve_(std::move(resolve)), find_(std::move(find)) {}

    /// The step to the collection `name` from the one at an index, or (nothing) the one that is
    /// searched. `where` ends the sentence if there is none. A reference there is preferred, and of
    /// several the first one.
    Result<search::JoinStep>
    step(std::optional<std::size_t> from, std::string_view name, std::string_view where = "");

    const search::Schema& schema(std::size_t collection) const {
        return *collections_[collection].schema;
    }

    /// Of the collection that is searched.
    const search::Schema& main() const { return *main_.schema; }

    std::shared_ptr<const search::Schema> shared_schema(std::size_t collection) const {
        return collections_[collection].schema;
    }

    const std::string& name(std::size_t collection) const { return collections_[collection].name; }

    /// The request sees nothing else of these collections: what the filter of a scoped key says of
    /// the documents that it joins.
    void allow_only(const search::Filter& filter);

    /// What has been planned so far. Without includes.
    search::JoinRequest request() const { return {collections_, {}}; }

    bool any() const { return !collections_.empty(); }

private:
    Result<std::size_t> find_collection(std::string_view name, std::string_view where);
    std::optional<std::size_t>
    reference_to(const search::Schema& schema, const std::string& collection) const;
    std::optional<search::JoinStep>
    connect(const JoinTarget& from, const JoinTarget& to, std::size_t collection) const;

    JoinTarget main_;
    Resolve resolve_;
    Find find_;
    std::vector<search::JoinedCollection> collections_;
};

/// The joins that documents which pass have passed: those that are not negated. Of one collection
/// twice, both count as the operator between them says.
std::vector<FilterJoin> joins_of(const search::Filter& filter);

/// The one that leads to the collection, or null.
const FilterJoin* find_join(const std::vector<FilterJoin>& joins, std::size_t collection);

}  // namespace kumo::api_kumosearch
