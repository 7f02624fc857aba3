#pragma once

#include "base/result.h"
#include "search/index/index.h"
#include "search/join/join_keys.h"
#include "search/schema/schema.h"

#include <memory>
#include <string>
#include <vector>

namespace kumo::search {

/// Where the documents of one reference are.
struct ReferenceTarget {
    std::size_t field = 0;                       ///< Position of the reference.
    std::shared_ptr<const Snapshot> snapshot{};  ///< Null: there is no such collection.
};

/// Whether the documents that others reference are there, as of some snapshots. References that
/// are asynchronous are not looked at. One batch's; one thread.
class ReferenceCheck {
public:
    ReferenceCheck(const Schema& schema, std::vector<ReferenceTarget> targets, KeyTables* tables);

    /// kInvalidArgument in the words clients know. What is no document is left to the index.
    Status check(WriteAction action, ByteView document);

private:
    struct Target {
        ReferenceTarget where;
        Status usable;
        std::unique_ptr<KeyFinder> finder;
        const Field* referenced = nullptr;  ///< Null: the id.
    };

    Status check_target(const Field& field, Target& target, KeyTables* tables) const;
    Status check_field(Target& target, bool whole, wire::JsonValue document);
    Status check_value(Target& target, wire::JsonValue value);

    const Schema& schema_;
    std::vector<Target> targets_;
};

}  // namespace kumo::search
