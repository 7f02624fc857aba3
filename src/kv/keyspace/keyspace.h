#pragma once

#include "kv/keyspace/database.h"
#include "kv/keyspace/settings.h"
#include "kv/types/encoding_limits.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace kumo::kv {

inline constexpr int kDatabasesDefault = 16;

/// Counters of what happened to keys, for INFO.
struct KeyspaceStats {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t expired = 0;
    std::uint64_t evicted = 0;
};

/// All databases of one partition, and what commands on them depend on.
/// Thread rule: loop-owned.
class Keyspace {
public:
    Keyspace(std::uint64_t seed, int databases, bool slotted);

    /// One empty database, which can exchange slots with this one's database 0. Requires:
    /// slotted().
    Keyspace sibling() const { return Keyspace(databases_.front().sibling()); }

    int database_count() const { return static_cast<int>(databases_.size()); }

    /// Requires: 0 <= index < database_count().
    Database& database(int index) { return databases_[static_cast<std::size_t>(index)]; }

    const Database& database(int index) const {
        return databases_[static_cast<std::size_t>(index)];
    }

    void swap(int first, int second);
    /// All keys of all databases.
    std::size_t size() const;

    bool slotted() const { return slotted_; }

    KeyspaceSettings settings;
    EncodingLimits limits;
    KeyspaceStats stats;

private:
    explicit Keyspace(Database only) : slotted_(true) { databases_.push_back(std::move(only)); }

    std::vector<Database> databases_;
    bool slotted_;
};

}  // namespace kumo::kv
