#pragma once

#include "search/geo/geo_region.h"
#include "search/schema/schema.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kumo::search {

struct DocSets;
struct Join;
struct JoinRequest;

/// A filter over documents, as a tree: what every dialect's filter language is translated into.
/// A plain value.
struct Filter {
    enum class Kind : std::uint8_t {
        kAll,    ///< Every document.
        kAnd,    ///< All of `children`.
        kOr,     ///< Any of `children`.
        kNot,    ///< Not the one child.
        kRange,  ///< Some value of column `field` lies in one of `ranges`.
        kWords,  ///< One element of text field `field` contains all words of `text`.
        kExact,  ///< One element of text field `field` has exactly the words of `text`, in order.
        kStartsWith,   ///< One element's words start with those of `text`, the last one a prefix.
        kWordsPrefix,  ///< As kWords, with the last word of `text` a prefix.
        kIds,          ///< The document's id is one of `values`.
        kInRegion,     ///< Some point of geopoint field `field` is in `region`.
        kHasPoint,     ///< The polygon in geopolygon field `field` has `point` in it.
        kElement,      ///< One object at `path`, or in the array there, passes the one child.
        kJoin,         ///< Some document that `join` leads to passes it (search/join/join.h).
        kDocs,         ///< The document is in `docs`: what a join has come to.
    };

    /// Inclusive bounds, as column codes (search/column/codes.h).
    using Range = std::pair<std::int64_t, std::int64_t>;

    Kind kind = Kind::kAll;
    std::size_t field = 0;  ///< Position in Schema::fields.
    std::vector<Range> ranges;
    std::string text;
    std::vector<std::string> values;
    std::vector<Filter> children;
    std::shared_ptr<const GeoRegion> region{};
    GeoPoint point{};
    std::shared_ptr<const Join> join{};
    std::shared_ptr<const DocSets> docs{};
    // Inside a kElement: where an object has the field, and what it is.
    std::string path{};
    ValueType type = ValueType::kString;

    static Filter of_ids(std::vector<std::string> ids) {
        Filter filter;
        filter.kind = Kind::kIds;
        filter.values = std::move(ids);
        return filter;
    }
};

/// A filter and the schema that its positions of fields are of; null: that of whatever it is used
/// on.
struct PlannedFilter {
    // NOLINTNEXTLINE(google-explicit-constructor): a filter without fields is one for any schema.
    PlannedFilter(Filter what = {}, std::shared_ptr<const Schema> of = nullptr)
        : filter(std::move(what)), schema(std::move(of)) {}

    Filter filter;
    std::shared_ptr<const Schema> schema;
    std::shared_ptr<const JoinRequest> joins{};  ///< Null: it joins nothing.
};

}  // namespace kumo::search
