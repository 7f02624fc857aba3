#include "node/joined_snapshots.h"

#include "search/index/adapted_snapshot.h"

namespace kumo::node {

Status take_joined(const Node& node, search::JoinRequest& joins) {
    for (search::JoinedCollection& collection : joins.collections) {
        KUMO_TRY_ASSIGN(const auto snapshot, node.snapshot(collection.name));
        collection.snapshot = search::adapted(snapshot, collection.schema);
    }
    return {};
}

}  // namespace kumo::node
