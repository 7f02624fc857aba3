#pragma once

#include "api/elastic/json.h"
#include "api/elastic/mapping/mapping.h"
#include "base/result.h"
#include "search/index/index.h"
#include "search/tree/matches.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Nested objects. The engine has a document's values flat; whoever asks for values of one object
/// looks at the objects as documents of their own, in an index that is made of the sources when it
/// is needed.
namespace kumo::api_elastic {

/// More objects in one index are kLimitExceeded.
inline constexpr std::size_t kNestedIndexObjectsMax = 2'000'000;

/// The engine's fields of the objects at a path.
std::shared_ptr<const search::Schema>
nested_schema(const Mapping& mapping, const std::string& path);

/// The objects of one path in the documents of one snapshot, deleted ones left out. Segments are
/// those of the documents, one for one. An object's stored form has the id and numbers of its
/// document and the object in a source that has nothing else: {"users": {...}}.
/// Immutable; any thread.
class NestedIndex {
public:
    static Result<std::shared_ptr<const NestedIndex>>
    make(const Mapping& mapping, const std::string& path, const search::Snapshot& parents);

    const std::shared_ptr<const search::Snapshot>& snapshot() const { return snapshot_; }

    const std::string& path() const { return path_; }

    search::DocId parent(std::size_t part, search::DocId object) const {
        return parts_[part].parents[object];
    }

    /// The objects of a document: from the first to before the second.
    std::pair<search::DocId, search::DocId> objects(std::size_t part, search::DocId parent) const;

    /// "_nested" of a hit: the paths and places that lead to the object.
    Json place(std::size_t part, search::DocId object) const;

    /// The documents of objects that match; `mode`: what becomes of the objects' scores.
    search::tree::Matches to_parents(
        std::size_t part,
        const search::tree::Matches& objects,
        const std::string& mode
    ) const;

    /// The objects of documents.
    std::vector<search::DocId>
    to_objects(std::size_t part, const std::vector<search::DocId>& parents) const;

private:
    struct Part {
        std::vector<search::DocId> parents;  ///< Of each object; ascending.
        std::vector<std::uint32_t> places;   ///< One for each level of each object.
    };

    class Builder;

    std::string path_;
    std::vector<std::string>
        levels_;  ///< Nested paths that lead to the objects; the last is path_.
    std::shared_ptr<const search::Snapshot> snapshot_;
    std::vector<Part> parts_;
};

using NestedIndexPtr = std::shared_ptr<const NestedIndex>;

/// Those that one request has needed. One thread.
class NestedIndices {
public:
    Result<NestedIndexPtr>
    of(const Mapping& mapping, const std::string& path, const search::Snapshot& parents);

    std::shared_ptr<const search::Schema> schema(const Mapping& mapping, const std::string& path);

private:
    std::map<std::pair<const search::Snapshot*, std::string>, NestedIndexPtr> indices_;
    std::map<std::pair<const Mapping*, std::string>, std::shared_ptr<const search::Schema>>
        schemas_;
};

}  // namespace kumo::api_elastic
