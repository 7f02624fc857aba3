#pragma once

#include "api/kumosearch/parameters.h"
#include "api/kumosearch/query/field_selection.h"
#include "api/kumosearch/query/join_planner.h"
#include "base/result.h"
#include "search/join/join.h"
#include "search/query/filter.h"

#include <optional>
#include <string>
#include <vector>

/// Joined documents as they are shown: `$Coll(a, $Other(b), strategy: merge) as alias`.
namespace kumo::api_kumosearch {

/// How the documents of one include are shown with the document that they are joined with.
struct JoinShape {
    enum class Strategy : std::uint8_t {
        kNest,       ///< A member; an array if there are several, or if there may be by the schema.
        kNestArray,  ///< A member that is always an array.
        kMerge,      ///< Their members among the document's.
    };

    std::string collection;  ///< As the request names it.
    std::string alias;
    Strategy strategy = Strategy::kNest;
    bool array = false;      ///< The reference is an array.
    std::string count_name;  ///< A member that says how many there are; empty: none.
    FieldSelection fields{};
    std::vector<JoinShape> nested{};
    /// If the reference is inside an object: that object's member, and what of the object and of
    /// the joined document is equal.
    std::string object{};
    std::string object_key{};
    std::string referenced{};
};

/// What include_fields and exclude_fields say of a collection and of those it is joined with.
struct ShownFields {
    FieldSelection fields;
    std::vector<JoinShape> shapes;  ///< One for each include.
    std::vector<search::JoinInclude> includes;
};

inline constexpr std::size_t kIncludesMax = 64;  ///< Of joined collections, nested ones too.

/// Without what they say of joined collections.
Result<FieldSelection> plan_plain_fields(const Parameters& parameters);

/// Joins that `filter` has are shown unless they are excluded. `planner` may be null: then no join
/// is known. Errors are kInvalidArgument in the words clients know.
Result<ShownFields>
plan_shown_fields(const Parameters& parameters, const search::Filter& filter, JoinPlanner* planner);

/// Appends what is shown of a document and of those it is joined with. kInvalidArgument if two
/// things want the same name.
Status append_shown(
    const FieldSelection& fields,
    const std::vector<JoinShape>& shapes,
    ByteView document,
    const std::vector<search::JoinedDocuments>& joined,
    std::string& out
);

}  // namespace kumo::api_kumosearch
