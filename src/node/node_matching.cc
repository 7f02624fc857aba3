#include "node/internal/answer.h"
#include "node/node_impl.h"
#include "search/query/search.h"
#include "wire/json.h"

#include <algorithm>
#include <utility>

// Writes to whatever a filter matches: the ids are looked up at once, on the pool, against one
// snapshot; then lists of ids are logged, one after the other. What other writes do to those
// documents in between stands: an id that is gone is left alone.

namespace kumo::node {

namespace {

/// A list's length: what one turn of the data loop updates, and what a log record holds.
constexpr std::size_t kIdsPerOperation = 1000;

}  // namespace

struct NodeImpl::MatchingWrite {
    std::function<std::string(std::span<const std::string>)> encode;
    Room room = Room::kNeeded;
    std::function<void(Result<std::uint64_t>)> done;
    /// Not the shard itself: its queue holds this while a list is being logged.
    std::shared_ptr<const Collection> collection;
    std::vector<std::string> ids;
    std::size_t next = 0;
    std::uint64_t changed = 0;
    std::optional<Error> first_error;
};

void NodeImpl::erase_matching(
    std::string collection,
    search::Filter filter,
    io::Loop& loop,
    Reply<std::uint64_t> reply
) {
    MatchingWrite write;
    write.encode = [](std::span<const std::string> ids) {
        return encode_erase(ids);
    };
    write.room = Room::kNotNeeded;
    write.done = [&loop, reply = std::move(reply)](Result<std::uint64_t> changed) {
        answer<std::uint64_t>(loop, reply, std::move(changed));
    };
    start_matching(collection, std::move(filter), std::move(write));
}

void NodeImpl::update_matching(
    std::string collection,
    search::Filter filter,
    std::string patch,
    search::DirtyValues dirty,
    io::Loop& loop,
    Reply<std::uint64_t> reply
) {
    const auto parsed = wire::JsonDocument::parse(patch);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        const std::string why = parsed.ok() ? "not a JSON object" : parsed.error().message;
        answer<std::uint64_t>(loop, std::move(reply), invalid_argument("Bad JSON: " + why));
        return;
    }
    MatchingWrite write;
    write.encode = [patch = std::move(patch), dirty](std::span<const std::string> ids) {
        return encode_update(patch, dirty, ids);
    };
    write.done = [&loop, reply = std::move(reply)](Result<std::uint64_t> changed) {
        answer<std::uint64_t>(loop, reply, std::move(changed));
    };
    start_matching(collection, std::move(filter), std::move(write));
}

void NodeImpl::start_matching(
    std::string_view collection,
    search::Filter filter,
    MatchingWrite write
) {
    auto shard = find(collection);
    const Status admitted = shard.ok() ? admit(0, write.room) : Status(shard.error());
    if (!admitted.ok()) {
        write.done(admitted.error());
        return;
    }
    const auto shared = std::make_shared<MatchingWrite>(std::move(write));
    shared->collection = shard.value()->shared_collection();
    io::Loop& loop = loop_;
    const Status submitted = pool_.submit(
        [this, &loop, shared, shard = std::move(shard).value(), filter = std::move(filter)] {
            auto ids = search::matching_ids(*shard->snapshot(), filter, kMatchingIdsMax + 1);
            if (ids.ok() && ids.value().size() > kMatchingIdsMax) {
                ids = Error{
                    ErrorCode::kLimitExceeded,
                    "The filter matches more than " + std::to_string(kMatchingIdsMax)
                        + " documents; narrow it down."};
            }
            if (!ids.ok()) {
                shared->done(std::move(ids).error());
                return;
            }
            shared->ids = std::move(ids).value();
            loop.post([this, shared] { continue_matching(shared); });
        }
    );
    if (!submitted.ok()) {
        shared->done(submitted.error());
    }
}

void NodeImpl::continue_matching(const std::shared_ptr<MatchingWrite>& write) {
    if (write->next == write->ids.size()) {
        const bool all_failed = write->changed == 0 && write->first_error
                                && write->first_error->code != ErrorCode::kNotFound;
        write->done(all_failed ? Result<std::uint64_t>(*write->first_error) : write->changed);
        return;
    }
    const auto shard = shards_.find(write->collection->stream);
    if (shard == shards_.end()) {
        write->done(no_such_collection(write->collection->spec.name));
        return;
    }
    const std::size_t count = std::min(kIdsPerOperation, write->ids.size() - write->next);
    const std::span<const std::string> ids(&write->ids[write->next], count);
    write->next += count;
    std::string operation = write->encode(ids);
    const std::size_t bytes = operation.size();
    const Status admitted = admit(bytes, write->room);
    if (!admitted.ok()) {
        write->done(admitted.error());
        return;
    }
    hand_over(shard->second, std::move(operation), [this, bytes, write](Result<Outcome> outcome) {
        queued_bytes_ -= bytes;
        on_batch_done(write, std::move(outcome));
    });
}

void NodeImpl::on_batch_done(const std::shared_ptr<MatchingWrite>& write, Result<Outcome> outcome) {
    if (!outcome.ok()) {
        write->done(std::move(outcome).error());
        return;
    }
    write->changed += outcome.value().changed;
    if (!write->first_error) {
        write->first_error = std::move(outcome.value().first_error);
    }
    continue_matching(write);
}

}  // namespace kumo::node
