#include "node/node_impl.h"

#include "base/log.h"
#include "node/internal/answer.h"
#include "node/joined_snapshots.h"
#include "node/split_write.h"
#include "search/index/adapted_snapshot.h"
#include "search/index/united_snapshot.h"
#include "search/query/search.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kumo::node {

namespace {

constexpr Duration kDrainTimeMax = std::chrono::seconds(10);

Error shutting_down() {
    return Error{ErrorCode::kUnavailable, "The server is shutting down."};
}

std::int64_t seconds_of(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Status check(const WriteBatch& batch) {
    const auto add = [](std::size_t sum, const std::string& s) {
        return sum + s.size();
    };
    const std::size_t bytes =
        std::accumulate(batch.documents.begin(), batch.documents.end(), std::size_t{0}, add);
    if (batch.documents.size() > kBatchDocumentsMax || bytes > kBatchBytesMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "A batch holds at most " + std::to_string(kBatchDocumentsMax) + " documents and "
                + std::to_string(kBatchBytesMax) + " bytes."};
    }
    return {};
}

ControlPlane::Done answer_resource(io::Loop& loop, Reply<ResourcePtr> reply) {
    return [&loop, reply = std::move(reply)](const Result<Change>& change) {
        auto resource = change.ok() ? Result<ResourcePtr>(change.value().resource)
                                    : Result<ResourcePtr>(change.error());
        answer<ResourcePtr>(loop, reply, std::move(resource));
    };
}

}  // namespace

NodeImpl::NodeImpl(const NodeOptions& options, const NodeEnvironment& environment)
    : options_(options),
      fs_(environment.fs),
      loop_(environment.data_loop),
      pool_(environment.pool),
      background_(environment.background),
      clock_(environment.clock),
      disk_(
          fs_,
          options.data_dir,
          {options.disk_reserve_bytes, options.disk_used_max_percentage},
          clock_
      ),
      memory_(options.memory_used_max_percentage, options.memory_used_percentage, clock_),
      reserve_(fs_, io::join_path(options.data_dir, "reserve")),
      data_log_(fs_, options.data_dir),
      runs_(fs_, options.data_dir),
      live_budget_(std::make_shared<LiveBudget>(options.live_bytes_total_max)),
      jobs_(loop_, pool_, background_),
      view_(std::make_shared<const View>()),
      broken_(std::make_shared<const std::string>()) {}

NodeImpl::~NodeImpl() {
    // The loops have stopped: nothing is acknowledged any more.
    if (flushed_ && !options_.fsync && !log_failed_ && registered_) {
        const Status ended = runs_.end_cleanly(run_, data_log_.directory());
        if (!ended.ok()) {
            log_warn(ended.error().message);
        }
    }
}

Result<std::unique_ptr<Node>>
Node::open(const NodeOptions& options, const NodeEnvironment& environment) {
    auto node = std::make_unique<NodeImpl>(options, environment);
    KUMO_TRY(node->open(environment));
    return std::unique_ptr<Node>(std::move(node));
}

// ---- state

void NodeImpl::create_collection(CollectionSpec spec, io::Loop& loop, Reply<CollectionInfo> reply) {
    if (spec.created_at == 0) {
        spec.created_at = seconds_of(clock_.wall_now());
    }
    if (spec.replication_mode == cluster::AckMode::kMajority && !options_.fsync) {
        // What a machine without power forgets might be all that most of them had.
        answer<CollectionInfo>(
            loop,
            std::move(reply),
            invalid_argument("`replication_mode` majority needs servers that run with `fsync`.")
        );
        return;
    }
    propose(
        CreateCollection{std::move(spec)},
        Room::kNeeded,
        [&loop, reply = std::move(reply)](Result<Change> change) {
            if (!change.ok()) {
                answer<CollectionInfo>(loop, reply, std::move(change).error());
                return;
            }
            const auto& made = change.value().created;
            answer<CollectionInfo>(loop, reply, CollectionInfo{made->spec, 0, schema_of(made)});
        }
    );
}

void NodeImpl::drop_collection(std::string name, io::Loop& loop, Reply<CollectionInfo> reply) {
    // Counted before the command runs: afterwards the documents are out of reach.
    const auto before = collection(name);
    CollectionInfo last = before.ok() ? before.value() : CollectionInfo();
    propose(
        DropCollection{std::move(name)},
        Room::kNotNeeded,
        [&loop, last = std::move(last), reply = std::move(reply)](Result<Change> change) {
            if (!change.ok()) {
                answer<CollectionInfo>(loop, reply, std::move(change).error());
                return;
            }
            const auto& dropped = change.value().dropped;
            CollectionInfo info{dropped->spec, last.num_documents, schema_of(dropped)};
            if (last.schema != nullptr) {
                info.spec.schema = *last.schema;
                info.schema = last.schema;
            }
            answer<CollectionInfo>(loop, reply, std::move(info));
        }
    );
}

CollectionInfo NodeImpl::info_of(const View& view, const Collection& collection) const {
    CollectionInfo info{collection.spec, 0, nullptr};
    for (const cluster::ShardId id : collection.shards) {
        const auto shard = view.shards.find(id);
        if (shard == view.shards.end()) {
            continue;
        }
        const auto snapshot = shard->second->snapshot();
        info.num_documents += snapshot->doc_count;
        if (info.schema == nullptr) {
            info.schema = snapshot->schema;
            info.spec.schema = *snapshot->schema;
        }
    }
    if (info.schema == nullptr) {
        info.schema = std::make_shared<const search::Schema>(info.spec.schema);
    }
    return info;
}

Result<CollectionInfo> NodeImpl::collection(std::string_view name) const {
    KUMO_TRY_ASSIGN(const CollectionPtr found, find(name));
    return info_of(*view_.load(), *found);
}

std::vector<CollectionInfo> NodeImpl::collections() const {
    const auto view = view_.load();
    std::vector<const Collection*> all;
    for (const auto& [name, collection] : view->state->collections) {
        all.push_back(collection.get());
    }
    std::sort(all.begin(), all.end(), [](const Collection* a, const Collection* b) {
        return a->id() > b->id();
    });
    std::vector<CollectionInfo> infos;
    infos.reserve(all.size());
    for (const Collection* collection : all) {
        infos.push_back(info_of(*view, *collection));
    }
    return infos;
}

void NodeImpl::create_key(KeyRecord key, io::Loop& loop, Reply<KeyRecord> reply) {
    propose(
        CreateKey{std::move(key)},
        Room::kNeeded,
        [&loop, reply = std::move(reply)](Result<Change> change) {
            auto key_or_error = change.ok() ? Result<KeyRecord>(*change.value().key)
                                            : Result<KeyRecord>(change.error());
            answer<KeyRecord>(loop, reply, std::move(key_or_error));
        }
    );
}

void NodeImpl::delete_key(std::uint64_t id, io::Loop& loop, Reply<KeyRecord> reply) {
    propose(
        DeleteKey{id},
        Room::kNotNeeded,
        [&loop, reply = std::move(reply)](Result<Change> change) {
            auto key_or_error = change.ok() ? Result<KeyRecord>(*change.value().key)
                                            : Result<KeyRecord>(change.error());
            answer<KeyRecord>(loop, reply, std::move(key_or_error));
        }
    );
}

std::shared_ptr<const std::vector<KeyRecord>> NodeImpl::keys() const {
    return view_.load()->state->keys;
}

void NodeImpl::update_collection(
    UpdateCollection update,
    io::Loop& loop,
    Reply<CollectionInfo> reply
) {
    propose(
        std::move(update),
        Room::kNeeded,
        [this, &loop, reply = std::move(reply)](const Result<Change>& change) {
            auto info =
                change.ok()
                    ? Result<CollectionInfo>(info_of(*view_.load(), *change.value().updated))
                    : Result<CollectionInfo>(change.error());
            answer<CollectionInfo>(loop, reply, std::move(info));
        }
    );
}

void NodeImpl::change_fields(
    std::string collection,
    search::FieldChange change,
    io::Loop& loop,
    Reply<CollectionInfo> reply
) {
    const auto found = find(collection);
    if (!found.ok()) {
        answer<CollectionInfo>(loop, std::move(reply), found.error());
        return;
    }
    if (found.value()->spec.num_shards > 1) {
        answer<CollectionInfo>(
            loop,
            std::move(reply),
            Error{
                ErrorCode::kUnsupported,
                "Changing `fields` of a collection with several shards is not supported yet."}
        );
        return;
    }
    Operations one;
    one.push_back(
        {found.value()->id(),
         encode_field_change(change),
         [this, collection, &loop, reply = std::move(reply)](Result<Outcome> outcome) {
             if (!outcome.ok()) {
                 answer<CollectionInfo>(loop, reply, std::move(outcome).error());
             } else if (outcome.value().first_error) {
                 answer<CollectionInfo>(loop, reply, *outcome.value().first_error);
             } else {
                 answer<CollectionInfo>(loop, reply, this->collection(collection));
             }
         }}
    );
    submit(found.value(), std::move(one), Room::kNeeded);
}

std::vector<SchemaChange> NodeImpl::schema_changes() const {
    std::vector<SchemaChange> out;
    for (const auto& [id, shard] : view_.load()->shards) {
        const search::RebuildProgress& progress = shard->change_progress();
        if (progress.running) {
            out.push_back({shard->collection().spec.name, progress.documents});
        }
    }
    return out;
}

void NodeImpl::put_resource(PutResource put, io::Loop& loop, Reply<ResourcePtr> reply) {
    propose(std::move(put), Room::kNeeded, answer_resource(loop, std::move(reply)));
}

void NodeImpl::delete_resource(DeleteResource what, io::Loop& loop, Reply<ResourcePtr> reply) {
    propose(std::move(what), Room::kNotNeeded, answer_resource(loop, std::move(reply)));
}

ResourcePtr NodeImpl::resource(ResourceKind kind, std::string_view name) const {
    return view_.load()->state->resources.find(kind, name);
}

std::shared_ptr<const NamedResources> NodeImpl::resources(ResourceKind kind) const {
    return view_.load()->state->resources.shared(kind);
}

void NodeImpl::propose(Command command, Room room, ControlPlane::Done done) {
    const std::size_t bytes = encode_command(command).size();
    Status admitted = room == Room::kNeeded ? admit_room(bytes) : Status();
    if (admitted.ok()) {
        admitted = admit(bytes);
    }
    if (!admitted.ok()) {
        done(admitted.error());
        return;
    }
    loop_.post([this, bytes, command = std::move(command), done = std::move(done)]() mutable {
        ++in_flight_;
        const auto answered = [this, bytes, done](Result<Change> change) {
            queued_bytes_ -= bytes;
            done(change.ok() ? std::move(change) : Result<Change>(explain(change.error())));
            one_less_in_flight();
        };
        if (flushing_) {
            answered(shutting_down());
        } else {
            control_->propose(std::move(command), answered);
        }
    });
}

// ---- documents

Result<NodeImpl::CollectionPtr> NodeImpl::find(std::string_view name) const {
    const auto view = view_.load();
    const auto found = view->state->collections.find(name);
    if (found == view->state->collections.end()) {
        return no_such_collection(name);
    }
    return found->second;
}

Result<std::shared_ptr<Shard>>
NodeImpl::find_readable(std::string_view name, std::string_view document) const {
    const auto view = view_.load();
    const auto found = view->state->collections.find(name);
    if (found == view->state->collections.end()) {
        return no_such_collection(name);
    }
    return readable(*view, found->second->shard_of(document));
}

Result<std::shared_ptr<Shard>> NodeImpl::readable(const View& view, cluster::ShardId shard) const {
    const auto found = view.shards.find(shard);
    if (found == view.shards.end() || !found->second->is_readable() || !control_->has_lease()) {
        return not_ready();
    }
    return found->second;
}

Status NodeImpl::admit(std::size_t bytes) {
    if (stopping_) {
        return shutting_down();
    }
    if (log_failed_) {
        return Error{
            ErrorCode::kUnavailable,
            "The write-ahead log has failed; see the server's log."};
    }
    const std::size_t before = queued_bytes_.fetch_add(bytes);
    if (before > 0 && before + bytes > options_.queued_write_bytes_max) {
        queued_bytes_ -= bytes;
        return Error{ErrorCode::kOverloaded, "Too many writes are waiting; retry later."};
    }
    return {};
}

Status NodeImpl::admit_room(std::size_t bytes) const {
    KUMO_TRY(memory_.admit());
    return disk_.admit(bytes);
}

void NodeImpl::submit(const CollectionPtr& collection, Operations operations, Room room) {
    std::size_t all_bytes = 0;
    for (const Operation& operation : operations) {
        all_bytes += operation.bytes.size();
    }
    const Status admitted = admit(all_bytes);
    if (!admitted.ok()) {
        for (const Operation& operation : operations) {
            operation.done(admitted.error());
        }
        return;
    }
    loop_.post([this, room, collection, operations = std::move(operations)]() mutable {
        for (Operation& operation : operations) {
            const std::size_t bytes = operation.bytes.size();
            hand_over(
                {collection, operation.shard},
                std::move(operation.bytes),
                room,
                [this, bytes, done = std::move(operation.done)](Result<Outcome> outcome) {
                    queued_bytes_ -= bytes;
                    done(std::move(outcome));
                }
            );
        }
    });
}

void NodeImpl::hand_over(ShardOf target, std::string operation, Room room, Shard::Done done) {
    if (flushing_) {
        done(shutting_down());
        return;
    }
    ++in_flight_;
    router_->submit(
        std::move(target),
        std::move(operation),
        room == Room::kNeeded,
        [this, done = std::move(done)](Result<Outcome> outcome) {
            done(outcome.ok() ? std::move(outcome) : Result<Outcome>(explain(outcome.error())));
            one_less_in_flight();
        }
    );
}

/// The error as clients are to see it.
Error NodeImpl::explain(const Error& error) {
    const bool disk =
        error.code == ErrorCode::kResourceExhausted && error.message != out_of_memory().message;
    return disk ? out_of_disk() : error;
}

/// Whatever kept one part from being carried out, others were: it is no refusal.
Error NodeImpl::partly_done(const Error& why) {
    return Error{ErrorCode::kUnavailable, "Not all of it was carried out: " + why.message};
}

void NodeImpl::write(
    std::string collection,
    WriteBatch batch,
    io::Loop& loop,
    Reply<std::vector<Result<search::Written>>> reply
) {
    using Answers = std::vector<Result<search::Written>>;
    const Status good = check(batch);
    const auto found = find(collection);
    if (!good.ok() || !found.ok()) {
        answer<Answers>(loop, std::move(reply), good.ok() ? found.error() : good.error());
        return;
    }
    const auto done = [&loop, reply = std::move(reply)](Result<Answers> answers) {
        answer<Answers>(loop, reply, std::move(answers));
    };
    if (!batch.documents.empty() && references_anything(*found.value())) {
        write_checked(found.value(), std::move(batch), done);
    } else {
        write_now(found.value(), std::move(batch), done);
    }
}

void NodeImpl::write_now(
    const CollectionPtr& collection,
    WriteBatch batch,
    std::function<void(Result<std::vector<Result<search::Written>>>)> done
) {
    using Answers = std::vector<Result<search::Written>>;
    if (collection->spec.num_shards > 1 && !batch.documents.empty()) {
        write_split(collection, std::move(batch), std::move(done));
        return;
    }
    Operations one;
    one.push_back(
        {collection->id(),
         encode_write(batch),
         [done = std::move(done)](Result<Outcome> outcome) {
             done(
                 outcome.ok() ? Result<Answers>(std::move(outcome.value().written))
                              : Result<Answers>(outcome.error())
             );
         }}
    );
    submit(collection, std::move(one), Room::kNeeded);
}

void NodeImpl::write_split(
    const CollectionPtr& collection,
    WriteBatch batch,
    std::function<void(Result<std::vector<Result<search::Written>>>)> done
) {
    const auto turn = next_turn_.fetch_add(static_cast<std::uint32_t>(batch.documents.size()));
    const auto split = std::make_shared<SplitWrite>(
        std::move(batch),
        collection->spec.num_shards,
        turn,
        std::move(done)
    );
    Operations operations;
    for (std::size_t i = 0; i < split->size(); ++i) {
        operations.push_back(
            {collection->shards[split->shard(i)],
             split->encode(i),
             [split, i](Result<Outcome> outcome) {
                 split->answer(i, std::move(outcome));
             }}
        );
    }
    submit(collection, std::move(operations), Room::kNeeded);
}

void NodeImpl::erase(
    std::string collection,
    std::string id,
    io::Loop& loop,
    Reply<std::string> reply
) {
    const auto found = find(collection);
    if (!found.ok()) {
        answer<std::string>(loop, std::move(reply), found.error());
        return;
    }
    if (is_referenced(found.value())) {
        loop_.post([this, collection = found.value(), id, &loop, reply] {
            cascade(collection, {id}, [this, collection, id, &loop, reply](const Status& done) {
                if (done.ok()) {
                    erase_now(collection, id, loop, reply);
                } else {
                    answer<std::string>(loop, reply, done.error());
                }
            });
        });
        return;
    }
    erase_now(found.value(), id, loop, std::move(reply));
}

void NodeImpl::erase_now(
    const CollectionPtr& collection,
    const std::string& id,
    io::Loop& loop,
    Reply<std::string> reply
) {
    Operations one;
    one.push_back(
        {collection->shard_of(id),
         encode_erase({&id, 1}),
         [&loop, reply = std::move(reply)](Result<Outcome> outcome) {
             if (!outcome.ok()) {
                 answer<std::string>(loop, reply, std::move(outcome).error());
             } else if (outcome.value().first_error) {
                 answer<std::string>(loop, reply, *outcome.value().first_error);
             } else {
                 answer<std::string>(loop, reply, std::move(outcome.value().document));
             }
         }}
    );
    submit(collection, std::move(one), Room::kNotNeeded);
}

void NodeImpl::truncate(std::string collection, io::Loop& loop, Reply<std::uint64_t> reply) {
    const auto found = find(collection);
    if (!found.ok()) {
        answer<std::uint64_t>(loop, std::move(reply), found.error());
        return;
    }

    struct Sum {
        std::size_t left = 0;
        std::uint64_t changed = 0;
        bool begun = false;  ///< Some shard has done it, or may have.
        std::optional<Error> error;
    };

    const auto sum = std::make_shared<Sum>();
    sum->left = found.value()->shards.size();
    const auto done = [sum, &loop, reply = std::move(reply)](Result<Outcome> outcome) {
        if (outcome.ok()) {
            sum->changed += outcome.value().changed;
            sum->begun = true;
        } else {
            // What became of one may not be known, whatever another says.
            const bool differs = sum->error && sum->error->code != outcome.error().code;
            sum->begun = sum->begun || differs;
            sum->error = std::move(outcome).error();
        }
        if (--sum->left == 0) {
            const auto failed = [&] {
                return sum->begun ? partly_done(*sum->error) : *sum->error;
            };
            auto count = sum->error ? Result<std::uint64_t>(failed()) : sum->changed;
            answer<std::uint64_t>(loop, reply, std::move(count));
        }
    };
    Operations operations;
    for (const cluster::ShardId shard : found.value()->shards) {
        operations.push_back({shard, encode_truncate(), done});
    }
    submit(found.value(), std::move(operations), Room::kNotNeeded);
}

// ---- reads

void NodeImpl::document(
    std::string collection,
    std::string id,
    io::Loop& loop,
    Reply<std::string> reply
) {
    auto shard = find_readable(collection, id);
    if (!shard.ok()) {
        answer<std::string>(loop, std::move(reply), std::move(shard).error());
        return;
    }
    // At the primary with everything applied there is nothing to wait for.
    const store::Seq committed = shard.value()->committed();
    const auto snapshot = shard.value()->snapshot();
    if (shard.value()->is_primary() && snapshot->applied_seq >= committed
        && control_->has_lease()) {
        answer<std::string>(loop, reply, search::fetch_document(*snapshot, id));
        return;
    }
    loop_.post([this, shard = std::move(shard).value(), id = std::move(id), &loop, reply] {
        const ShardOf of{shard->shared_collection(), shard->id()};
        router_->read_barrier(of, [this, of, id, &loop, reply](const Status& reached) {
            const auto here = shards_->find(of.shard);
            if (!reached.ok() || here == nullptr) {
                answer<std::string>(loop, reply, reached.ok() ? not_ready() : reached.error());
            } else {
                answer<std::string>(loop, reply, search::fetch_document(*here->snapshot(), id));
            }
        });
    });
}

Result<std::shared_ptr<const search::Snapshot>> NodeImpl::snapshot(std::string_view collection
) const {
    const auto view = view_.load();
    const auto found = view->state->collections.find(collection);
    if (found == view->state->collections.end()) {
        return no_such_collection(collection);
    }
    if (found->second->shards.size() == 1) {
        KUMO_TRY_ASSIGN(const auto shard, readable(*view, found->second->id()));
        return shard->snapshot();
    }
    std::vector<std::shared_ptr<const search::Snapshot>> snapshots;
    snapshots.reserve(found->second->shards.size());
    for (const cluster::ShardId id : found->second->shards) {
        KUMO_TRY_ASSIGN(const auto shard, readable(*view, id));
        snapshots.push_back(shard->snapshot());
    }
    return search::unite(snapshots);
}

void NodeImpl::search(
    std::string collection,
    search::SearchRequest request,
    io::Loop& loop,
    Reply<search::SearchResult> reply
) {
    auto documents = snapshot(collection);
    if (!documents.ok()) {
        answer<search::SearchResult>(loop, std::move(reply), std::move(documents).error());
        return;
    }
    const Status joined = take_joined(*this, request.joins);
    if (!joined.ok()) {
        answer<search::SearchResult>(loop, std::move(reply), joined.error());
        return;
    }
    const Status submitted = pool_.submit([this,
                                           documents = std::move(documents).value(),
                                           request = std::move(request),
                                           &loop,
                                           reply] {
        const auto adapted = search::adapted(documents, request.schema);
        answer<search::SearchResult>(
            loop,
            reply,
            search::search(*adapted, request, clock_, &key_tables_)
        );
    });
    if (!submitted.ok()) {
        answer<search::SearchResult>(loop, std::move(reply), submitted.error());
    }
}

Result<ReadVersion> NodeImpl::read_version(std::string_view collection) const {
    const auto view = view_.load();
    const auto found = view->state->collections.find(collection);
    if (found == view->state->collections.end()) {
        return no_such_collection(collection);
    }
    ReadVersion version;
    version.add(found->second);
    for (const cluster::ShardId id : found->second->shards) {
        KUMO_TRY_ASSIGN(const auto shard, readable(*view, id));
        version.add(shard->snapshot());
    }
    for (std::size_t kind = 0; kind < kResourceKinds; ++kind) {
        version.add(view->state->resources.shared(static_cast<ResourceKind>(kind)));
    }
    return version;
}

Health NodeImpl::health() const {
    Health health;
    health.broken = *broken_.load();
    health.ok = caught_up_ && !log_failed_ && control_->has_lease();
    health.resource_error = disk_.is_full()    ? "OUT_OF_DISK"
                            : memory_.is_out() ? "OUT_OF_MEMORY"
                                               : "";
    return health;
}

// ---- the end

void NodeImpl::shut_down(io::Loop& loop, Reply<bool> reply) {
    stopping_ = true;
    control_->announce_end();
    loop_.post([this, &loop, reply = std::move(reply)] {
        io::Task done = [&loop, reply] {
            answer<bool>(loop, reply, true);
        };
        if (flushed_) {
            done();
            return;
        }
        when_flushed_.push_back(std::move(done));
        // Operations that wait for room on the disk are in the log, and need not be waited for.
        (void)loop_.add_timer(kDrainTimeMax, [this] { start_flush(); });
        flush_if_drained();
    });
}

void NodeImpl::one_less_in_flight() {
    --in_flight_;
    flush_if_drained();
}

void NodeImpl::flush_if_drained() {
    if (!when_flushed_.empty() && in_flight_ == 0) {
        start_flush();
    }
}

/// The others go on first: what is stored then is of no hurry to anybody.
void NodeImpl::start_flush() {
    if (!std::exchange(flushing_, true)) {
        control_->retire([this] { flush_shards(); });
    }
}

void NodeImpl::flush_shards() {
    flushes_left_ = 1 + shards_->shards().size();
    for (const auto& [id, shard] : shards_->shards()) {
        shard->interrupt_change();
        shard->flush([this] { on_flushed(); });
    }
    on_flushed();
}

void NodeImpl::on_flushed() {
    if (--flushes_left_ > 0) {
        return;
    }
    flushed_ = true;
    for (const io::Task& task : std::exchange(when_flushed_, {})) {
        task();
    }
}

}  // namespace kumo::node
