#include "search/index/adapted_snapshot.h"

#include "search/segment/adapted_segment.h"

namespace kumo::search {

std::shared_ptr<const Snapshot>
adapted(std::shared_ptr<const Snapshot> snapshot, const std::shared_ptr<const Schema>& schema) {
    if (schema == nullptr || schema == snapshot->schema || *schema == *snapshot->schema) {
        return snapshot;
    }
    auto out = std::make_shared<Snapshot>(*snapshot);
    out->schema = schema;
    out->numbers = nullptr;  // they are of columns that this snapshot may not have
    for (Snapshot::Part& part : out->parts) {
        part.segment = adapted_segment(part.segment, *snapshot->schema, *schema);
    }
    return out;
}

}  // namespace kumo::search
