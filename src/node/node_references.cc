#include "node/internal/answer.h"
#include "node/node_impl.h"
#include "search/join/cascade.h"
#include "search/join/reference_check.h"
#include "wire/json.h"

#include <algorithm>
#include <utility>

// References between collections. What a document references is looked for before the document is
// written, and what references a document is erased before it is. Each collection has a log of its
// own, so whoever erases a document at the same moment may still leave a reference behind that
// leads nowhere; it joins nothing.

namespace kumo::node {

namespace {

using Answers = std::vector<Result<search::Written>>;

bool is_strict(const search::Field& field) {
    return field.is_reference() && !field.async_reference;
}

bool cascades(const search::Field& field) {
    return field.is_reference() && field.cascade_delete;
}

bool has_strict_references(const search::Schema& schema) {
    return std::any_of(schema.fields.begin(), schema.fields.end(), is_strict);
}

/// The answers of those that were written, with the errors of those that were not in their places.
Answers merge(const std::vector<std::optional<Error>>& refused, Answers written) {
    Answers all;
    all.reserve(refused.size());
    std::size_t next = 0;
    for (const std::optional<Error>& error : refused) {
        if (error) {
            all.emplace_back(*error);
        } else {
            all.push_back(std::move(written[next++]));
        }
    }
    return all;
}

}  // namespace

/// Documents whose references are being looked for.
struct NodeImpl::CheckedWrite {
    CollectionPtr collection;
    WriteBatch batch;
    std::size_t bytes = 0;  ///< Counted as queued.
    std::function<void(Result<Answers>)> done;
    std::vector<std::optional<Error>> refused{};
    std::optional<Error> failed{};
    bool checked = false;
};

/// A collection's name, or what an alias of that name stands for.
NodeImpl::CollectionPtr NodeImpl::find_referenced(const State& state, std::string_view name) {
    auto found = state.collections.find(name);
    if (found == state.collections.end()) {
        const ResourcePtr alias = state.resources.find(ResourceKind::kAlias, name);
        const auto parsed = alias != nullptr ? wire::JsonDocument::parse(alias->value())
                                             : Result<wire::JsonDocument>(not_found(""));
        const wire::JsonValue target =
            parsed.ok() ? parsed.value().root().find("collection_name") : wire::JsonValue();
        if (target && target.is_string()) {
            found = state.collections.find(target.as_string());
        }
    }
    return found == state.collections.end() ? nullptr : found->second;
}

std::shared_ptr<const search::Schema> NodeImpl::current_schema(const Collection& collection) const {
    return info_of(*view_.load(), collection).schema;
}

bool NodeImpl::references_anything(const Collection& collection) const {
    // What a collection was made with says whether it ever had references.
    return collection.spec.schema.has_references()
           && has_strict_references(*current_schema(collection));
}

void NodeImpl::read_barriers(
    std::vector<CollectionPtr> collections,
    std::function<void(const Status&)> done
) {
    if (collections.empty()) {
        done(Status());
        return;
    }
    const CollectionPtr next = std::move(collections.back());
    collections.pop_back();
    read_barrier(
        next,
        [this, collections = std::move(collections), done = std::move(done)](const Status& reached
        ) {
            if (reached.ok()) {
                read_barriers(collections, done);
            } else {
                done(reached);
            }
        }
    );
}

void NodeImpl::write_checked(
    const CollectionPtr& collection,
    WriteBatch batch,
    std::function<void(Result<Answers>)> done
) {
    auto write = std::make_shared<CheckedWrite>();
    for (const std::string& document : batch.documents) {
        write->bytes += document.size();
    }
    const Status admitted = admit(write->bytes);
    if (!admitted.ok()) {
        done(admitted.error());
        return;
    }
    write->collection = collection;
    write->batch = std::move(batch);
    write->done = std::move(done);
    loop_.post([this, write] {
        ++in_flight_;
        checked_writes_[write->collection->id()].push_back(write);
        std::vector<CollectionPtr> referenced;
        const auto view = view_.load();
        for (const search::Field& field : current_schema(*write->collection)->fields) {
            const auto target = is_strict(field)
                                    ? find_referenced(*view->state, field.referenced_collection())
                                    : nullptr;
            if (target != nullptr
                && std::find(referenced.begin(), referenced.end(), target) == referenced.end()) {
                referenced.push_back(target);
            }
        }
        read_barriers(std::move(referenced), [this, write](const Status& reached) {
            if (reached.ok()) {
                check_references(write);
            } else {
                write->failed = reached.error();
                finish_check(write);
            }
        });
    });
}

Result<std::vector<search::ReferenceTarget>> NodeImpl::reference_targets(
    const search::Schema& schema
) const {
    const auto view = view_.load();
    std::vector<search::ReferenceTarget> targets;
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        if (!is_strict(schema.fields[i])) {
            continue;
        }
        search::ReferenceTarget& target = targets.emplace_back();
        target.field = i;
        const auto collection =
            find_referenced(*view->state, schema.fields[i].referenced_collection());
        if (collection != nullptr) {
            KUMO_TRY_ASSIGN(target.snapshot, snapshot(collection->spec.name));
        }
    }
    return targets;
}

void NodeImpl::check_references(const std::shared_ptr<CheckedWrite>& write) {
    const auto schema = current_schema(*write->collection);
    auto targets = reference_targets(*schema);
    Status submitted = targets.ok() ? Status() : Status(targets.error());
    if (submitted.ok()) {
        submitted =
            pool_.submit([this, write, schema, targets = std::move(targets).value()]() mutable {
                search::ReferenceCheck check(*schema, std::move(targets), &key_tables_);
                for (const std::string& document : write->batch.documents) {
                    const Status good = check.check(write->batch.action, document);
                    write->refused.push_back(
                        good.ok() ? std::nullopt : std::optional<Error>(good.error())
                    );
                }
                loop_.post([this, write] { finish_check(write); });
            });
    }
    if (!submitted.ok()) {
        write->failed = submitted.error();
        finish_check(write);
    }
}

/// Writes go on in the order in which they came, whatever is found out first.
void NodeImpl::finish_check(const std::shared_ptr<CheckedWrite>& write) {
    write->checked = true;
    const cluster::ShardId id = write->collection->id();
    for (;;) {
        const auto queue = checked_writes_.find(id);
        if (queue == checked_writes_.end()) {
            return;
        }
        if (queue->second.empty()) {
            checked_writes_.erase(queue);
            return;
        }
        if (!queue->second.front()->checked) {
            return;
        }
        const auto next = queue->second.front();
        queue->second.pop_front();
        queued_bytes_ -= next->bytes;
        write_rest(*next);
        one_less_in_flight();
    }
}

void NodeImpl::write_rest(CheckedWrite& write) {
    if (write.failed) {
        write.done(*write.failed);
        return;
    }
    WriteBatch rest;
    rest.action = write.batch.action;
    rest.dirty = write.batch.dirty;
    for (std::size_t i = 0; i < write.refused.size(); ++i) {
        if (!write.refused[i]) {
            rest.documents.push_back(std::move(write.batch.documents[i]));
        }
    }
    if (rest.documents.empty() && !write.refused.empty()) {
        write.done(merge(write.refused, {}));
        return;
    }
    write_now(
        write.collection,
        std::move(rest),
        [refused = std::move(write.refused),
         done = std::move(write.done)](Result<Answers> written) {
            done(
                written.ok() ? Result<Answers>(merge(refused, std::move(written).value()))
                             : std::move(written)
            );
        }
    );
}

// ---- what goes with what it references

std::vector<NodeImpl::CollectionPtr> NodeImpl::find_cascading(const State& state) {
    std::vector<CollectionPtr> out;
    for (const auto& [name, collection] : state.collections) {
        const auto& fields = collection->spec.schema.fields;
        if (std::any_of(fields.begin(), fields.end(), cascades)) {
            out.push_back(collection);
        }
    }
    return out;
}

/// The collections whose documents may go with those of the first one, and it.
std::vector<NodeImpl::CollectionPtr> NodeImpl::depending_on(const CollectionPtr& collection) const {
    const auto view = view_.load();
    std::vector<CollectionPtr> all{collection};
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (const CollectionPtr& other : view->cascading) {
            const auto& fields = other->spec.schema.fields;
            const bool depends =
                std::any_of(fields.begin(), fields.end(), [&](const search::Field& field) {
                    return cascades(field)
                           && find_referenced(*view->state, field.referenced_collection())
                                  == all[i];
                });
            if (depends && std::find(all.begin(), all.end(), other) == all.end()) {
                all.push_back(other);
            }
        }
    }
    return all;
}

bool NodeImpl::is_referenced(const CollectionPtr& collection) const {
    return depending_on(collection).size() > 1;
}

std::vector<search::CascadeLink> NodeImpl::cascade_links(
    const std::vector<CollectionPtr>& collections,
    const std::vector<std::shared_ptr<const search::Snapshot>>& snapshots
) const {
    const auto view = view_.load();
    std::vector<search::CascadeLink> links;
    for (std::size_t c = 0; c < collections.size(); ++c) {
        const search::Schema& schema = *snapshots[c]->schema;
        for (std::size_t f = 0; f < schema.fields.size(); ++f) {
            const search::Field& field = schema.fields[f];
            if (!cascades(field)) {
                continue;
            }
            const auto target = find_referenced(*view->state, field.referenced_collection());
            const auto at = std::find(collections.begin(), collections.end(), target);
            if (at == collections.end()) {
                continue;
            }
            const auto referenced = static_cast<std::size_t>(at - collections.begin());
            search::CascadeLink link{referenced, std::nullopt, c, f};
            if (field.referenced_field() != "id") {
                link.referenced_field =
                    snapshots[referenced]->schema->find(field.referenced_field());
                if (!link.referenced_field) {
                    continue;
                }
            }
            links.push_back(link);
        }
    }
    return links;
}

void NodeImpl::cascade(
    const CollectionPtr& collection,
    std::vector<std::string> ids,
    std::function<void(const Status&)> done
) {
    auto collections = depending_on(collection);
    if (collections.size() == 1) {
        done(Status());
        return;
    }
    read_barriers(
        collections,
        [this, collections, ids = std::move(ids), done = std::move(done)](const Status& reached) {
            if (reached.ok()) {
                plan_cascade(collections, ids, done);
            } else {
                done(reached);
            }
        }
    );
}

void NodeImpl::plan_cascade(
    const std::vector<CollectionPtr>& collections,
    const std::vector<std::string>& ids,
    const std::function<void(const Status&)>& done
) {
    std::vector<std::shared_ptr<const search::Snapshot>> snapshots;
    for (const CollectionPtr& each : collections) {
        auto taken = snapshot(each->spec.name);
        if (!taken.ok()) {
            done(taken.error());
            return;
        }
        snapshots.push_back(std::move(taken).value());
    }
    auto links = cascade_links(collections, snapshots);
    const Status submitted = pool_.submit([this, collections, snapshots, links, ids, done] {
        auto planned = search::plan_cascade(snapshots, links, 0, ids);
        loop_.post([this, collections, planned = std::move(planned), done]() mutable {
            if (planned.ok()) {
                run_cascade(
                    std::make_shared<std::deque<ShardOperation>>(
                        operations_of(collections, planned.value())
                    ),
                    done
                );
            } else {
                done(planned.error());
            }
        });
    });
    if (!submitted.ok()) {
        done(submitted.error());
    }
}

std::deque<NodeImpl::ShardOperation> NodeImpl::operations_of(
    const std::vector<CollectionPtr>& collections,
    const std::vector<search::CascadeChanges>& changes
) {
    std::deque<ShardOperation> out;
    for (const search::CascadeChanges& change : changes) {
        const CollectionPtr& collection = collections[change.collection];
        std::map<cluster::ShardId, std::vector<std::string>> erased;
        for (const std::string& id : change.erased) {
            auto& list = erased[collection->shard_of(id)];
            list.push_back(id);
            if (list.size() == kCascadeIdsPerOperation) {
                out.push_back({collection, collection->shard_of(id), encode_erase(list)});
                list.clear();
            }
        }
        for (const auto& [shard, list] : erased) {
            if (!list.empty()) {
                out.push_back({collection, shard, encode_erase(list)});
            }
        }
        for (const auto& [id, patch] : change.patched) {
            out.push_back(
                {collection,
                 collection->shard_of(id),
                 encode_update(patch, search::DirtyValues::kCoerceOrReject, {&id, 1})}
            );
        }
    }
    return out;
}

void NodeImpl::run_cascade(
    const std::shared_ptr<std::deque<ShardOperation>>& operations,
    const std::function<void(const Status&)>& done
) {
    if (operations->empty()) {
        done(Status());
        return;
    }
    ShardOperation next = std::move(operations->front());
    operations->pop_front();
    const std::size_t bytes = next.bytes.size();
    const Status admitted = admit(bytes);
    if (!admitted.ok()) {
        done(admitted);
        return;
    }
    hand_over(
        {next.collection, next.shard},
        std::move(next.bytes),
        Room::kNotNeeded,
        [this, bytes, operations, done](const Result<Outcome>& outcome) {
            queued_bytes_ -= bytes;
            if (outcome.ok()) {
                run_cascade(operations, done);
            } else {
                done(outcome.error());
            }
        }
    );
}

}  // namespace kumo::node
