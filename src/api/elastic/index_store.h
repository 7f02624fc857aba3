#pragma once

#include "api/elastic/context.h"
#include "api/elastic/json.h"
#include "api/elastic/mapping/mapping.h"
#include "base/result.h"
#include "node/node.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// An index: a collection, and what this dialect knows of it. Immutable; any thread.
struct Index {
    std::string name;
    std::string uuid;
    std::int64_t created_at = 0;  ///< Milliseconds since the epoch.
    Json settings;  ///< Flat: {"index.number_of_replicas": "1", ...}; values are texts.
    Json aliases;   ///< {"name": {"filter": ..., "is_write_index": ...}}
    bool closed = false;
    std::uint64_t mapping_version = 1;
    std::uint64_t settings_version = 1;
    std::uint64_t aliases_version = 1;
    std::shared_ptr<const Mapping> mapping;
    std::uint64_t digest = 0;  ///< Of what is stored; 0: nothing is.

    std::int64_t shards() const;
    std::int64_t replicas() const;
    bool hidden() const;
    /// Empty if it is not set.
    std::string setting(std::string_view name) const;
};

using IndexPtr = std::shared_ptr<const Index>;

/// The indices of the cluster. Reads are of this node's state; changes are agreed on. Any thread
/// but the loop may call what changes.
class IndexStore {
public:
    explicit IndexStore(node::Node& node, io::Loop& loop) : node_(node), loop_(loop) {}

    /// Null if there is none.
    IndexPtr find(std::string_view name) const;
    /// By name.
    std::vector<IndexPtr> all() const;

    /// resource_already_exists_exception.
    Result<IndexPtr> create(const Index& index) const;

    Status remove(const std::string& name) const;

    /// Makes `change` of the index as it is, again if somebody else was faster.
    /// index_not_found_exception; what `change` says.
    Result<IndexPtr> update(const std::string& name, const std::function<Status(Index&)>& change)
        const;

private:
    Status put(const Index& index, std::uint64_t expected) const;

    node::Node& node_;
    io::Loop& loop_;
};

/// What the cluster keeps of this dialect beside indices: templates, pipelines, settings, ...,
/// each a JSON value with a name ("template/logs"). Thread rule as above.
class ClusterStore {
public:
    ClusterStore(node::Node& node, io::Loop& loop) : node_(node), loop_(loop) {}

    /// Null JSON if there is none.
    Json find(const std::string& name) const;
    /// Those whose name begins so; the names without it, in order.
    std::vector<std::pair<std::string, Json>> list(std::string_view prefix) const;
    Status put(const std::string& name, const Json& value) const;
    /// False if there was none.
    Result<bool> remove(const std::string& name) const;
    Result<Json> update(const std::string& name, const std::function<Status(Json&)>& change) const;

    /// A setting of the cluster as text; a transient one before a persistent one. Empty: not set.
    std::string setting(std::string_view name) const;

private:
    node::Node& node_;
    io::Loop& loop_;
};

}  // namespace kumo::api_elastic
