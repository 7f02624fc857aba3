#include "node/internal/answer.h"
#include "node/node_impl.h"

#include <optional>
#include <utility>

namespace kumo::node {

void NodeImpl::write_mapped(
    std::string collection,
    search::MappedBatch batch,
    io::Loop& loop,
    Reply<std::vector<Result<search::Written>>> reply
) {
    using Answers = std::vector<Result<search::Written>>;
    const auto found = find(collection);
    std::optional<Error> refused;
    if (!found.ok()) {
        refused = found.error();
    } else if (found.value()->spec.num_shards > 1) {
        refused = Error{
            ErrorCode::kUnsupported,
            "Mapped documents in a collection of several shards are not supported yet."};
    } else if (batch.writes.size() > kBatchDocumentsMax) {
        refused = Error{ErrorCode::kLimitExceeded, "A batch holds at most 10000 documents."};
    }
    if (refused) {
        answer<Answers>(loop, std::move(reply), *refused);
        return;
    }
    Operations one;
    one.push_back(
        {found.value()->id(),
         encode_mapped(batch),
         [&loop, reply = std::move(reply)](Result<Outcome> outcome) {
             answer<Answers>(
                 loop,
                 reply,
                 outcome.ok() ? Result<Answers>(std::move(outcome.value().written))
                              : Result<Answers>(outcome.error())
             );
         }}
    );
    submit(found.value(), std::move(one), Room::kNeeded);
}

}  // namespace kumo::node
