#include "node/internal/answer.h"
#include "node/joined_snapshots.h"
#include "node/node_impl.h"
#include "search/index/adapted_snapshot.h"
#include "search/index/united_snapshot.h"
#include "search/join/joiner.h"
#include "search/join/reference_check.h"
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
    CollectionPtr collection;
    std::vector<std::string> ids;
    std::size_t next = 0;
    std::uint64_t changed = 0;
    bool begun = false;  ///< Some ids have been worked on.
    bool erases = false;
    bool cascaded = false;  ///< What references the documents is gone.
    std::string patch{};    ///< Of an update.
    std::optional<Error> first_error;
};

void NodeImpl::erase_matching(
    std::string collection,
    search::PlannedFilter filter,
    io::Loop& loop,
    Reply<std::uint64_t> reply
) {
    MatchingWrite write;
    write.encode = [](std::span<const std::string> ids) {
        return encode_erase(ids);
    };
    write.erases = true;
    write.room = Room::kNotNeeded;
    write.done = [&loop, reply = std::move(reply)](Result<std::uint64_t> changed) {
        answer<std::uint64_t>(loop, reply, std::move(changed));
    };
    start_matching(collection, std::move(filter), std::move(write));
}

void NodeImpl::update_matching(
    std::string collection,
    search::PlannedFilter filter,
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
    write.patch = patch;
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
    search::PlannedFilter filter,
    MatchingWrite write
) {
    auto found = find(collection);
    Status admitted = found.ok() ? admit(0) : Status(found.error());
    if (admitted.ok() && write.room == Room::kNeeded) {
        admitted = admit_room(0);
    }
    if (!admitted.ok()) {
        write.done(admitted.error());
        return;
    }
    const auto shared = std::make_shared<MatchingWrite>(std::move(write));
    shared->collection = std::move(found).value();
    loop_.post([this, shared, filter = std::move(filter)]() mutable {
        read_barrier(
            shared->collection,
            [this, shared, filter = std::move(filter)](const Status& reached) {
                if (reached.ok()) {
                    match(shared, filter);
                } else {
                    shared->done(reached.error());
                }
            }
        );
    });
}

/// For every shard of the collection.
void NodeImpl::read_barrier(const CollectionPtr& collection, OperationRouter::ReadDone done) {
    struct Waiting {
        std::size_t left;
        Status reached;
        OperationRouter::ReadDone done;
    };

    const auto waiting =
        std::make_shared<Waiting>(Waiting{collection->shards.size(), {}, std::move(done)});
    for (const cluster::ShardId shard : collection->shards) {
        router_->read_barrier({collection, shard}, [waiting](Status reached) {
            if (waiting->reached.ok()) {
                waiting->reached = std::move(reached);
            }
            if (--waiting->left == 0) {
                waiting->done(std::move(waiting->reached));
            }
        });
    }
}

void NodeImpl::match(const std::shared_ptr<MatchingWrite>& write, search::PlannedFilter filter) {
    std::vector<std::shared_ptr<const search::Snapshot>> snapshots;
    for (const cluster::ShardId id : write->collection->shards) {
        const auto shard = shards_->find(id);
        if (shard == nullptr) {
            write->done(no_such_collection(write->collection->spec.name));
            return;
        }
        snapshots.push_back(shard->snapshot());
    }
    search::JoinRequest joins = filter.joins != nullptr ? *filter.joins : search::JoinRequest();
    const Status joined = take_joined(*this, joins);
    if (!joined.ok()) {
        write->done(joined.error());
        return;
    }
    const auto snapshot = search::adapted(search::unite(snapshots), filter.schema);
    auto targets =
        write->patch.empty()
            ? Result<std::vector<search::ReferenceTarget>>(std::vector<search::ReferenceTarget>())
            : reference_targets(*snapshot->schema);
    if (!targets.ok()) {
        write->done(targets.error());
        return;
    }
    const Status submitted = pool_.submit([this,
                                           write,
                                           snapshot,
                                           joins = std::move(joins),
                                           targets = std::move(targets).value(),
                                           filter = std::move(filter)]() mutable {
        search::ReferenceCheck check(*snapshot->schema, std::move(targets), &key_tables_);
        const Status good = check.check(search::WriteAction::kUpdate, write->patch);
        if (!good.ok()) {
            write->done(good.error());
            return;
        }
        search::Joiner(joins, &key_tables_).resolve(*snapshot, filter.filter);
        auto ids = search::matching_ids(*snapshot, filter.filter, kMatchingIdsMax + 1);
        if (ids.ok() && ids.value().size() > kMatchingIdsMax) {
            ids = Error{
                ErrorCode::kLimitExceeded,
                "The filter matches more than " + std::to_string(kMatchingIdsMax)
                    + " documents; narrow it down."};
        }
        if (!ids.ok()) {
            write->done(std::move(ids).error());
            return;
        }
        write->ids = std::move(ids).value();
        loop_.post([this, write] { continue_matching(write); });
    });
    if (!submitted.ok()) {
        write->done(submitted.error());
    }
}

void NodeImpl::continue_matching(const std::shared_ptr<MatchingWrite>& write) {
    if (write->erases && !write->ids.empty() && !std::exchange(write->cascaded, true)) {
        cascade(write->collection, write->ids, [this, write](const Status& done) {
            if (done.ok()) {
                continue_matching(write);
            } else {
                fail_matching(*write, done.error());
            }
        });
        return;
    }
    if (write->next == write->ids.size()) {
        const bool all_failed = write->changed == 0 && write->first_error
                                && write->first_error->code != ErrorCode::kNotFound;
        write->done(all_failed ? Result<std::uint64_t>(*write->first_error) : write->changed);
        return;
    }
    // The ids of one shard follow on each other, as its segments do.
    const cluster::ShardId shard = write->collection->shard_of(write->ids[write->next]);
    const std::size_t most = std::min(kIdsPerOperation, write->ids.size() - write->next);
    std::size_t count = 1;
    while (count < most && write->collection->shard_of(write->ids[write->next + count]) == shard) {
        ++count;
    }
    const std::span<const std::string> ids(&write->ids[write->next], count);
    write->next += count;
    std::string operation = write->encode(ids);
    const std::size_t bytes = operation.size();
    const Status admitted = admit(bytes);
    if (!admitted.ok()) {
        fail_matching(*write, admitted.error());
        return;
    }
    const auto done = [this, bytes, write](Result<Outcome> outcome) {
        queued_bytes_ -= bytes;
        on_batch_done(write, std::move(outcome));
    };
    hand_over({write->collection, shard}, std::move(operation), write->room, done);
}

void NodeImpl::fail_matching(const MatchingWrite& write, const Error& why) {
    write.done(write.begun ? partly_done(why) : why);
}

void NodeImpl::on_batch_done(const std::shared_ptr<MatchingWrite>& write, Result<Outcome> outcome) {
    if (!outcome.ok()) {
        fail_matching(*write, outcome.error());
        return;
    }
    write->begun = true;
    write->changed += outcome.value().changed;
    if (!write->first_error) {
        write->first_error = std::move(outcome.value().first_error);
    }
    continue_matching(write);
}

}  // namespace kumo::node
