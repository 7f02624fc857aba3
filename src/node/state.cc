#include "node/state.h"

#include "search/schema/field_finder.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

/// Names may repeat and may be of sets that are gone later: then there is nothing in them.
Status check_sets(
    const State& state,
    ResourceKind kind,
    std::string_view what,
    const std::vector<std::string>& names
) {
    if (names.size() > kSetsPerCollectionMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "A collection has at most " + std::to_string(kSetsPerCollectionMax) + " sets."};
    }
    for (const std::string& name : names) {
        if (state.resources.find(kind, name) == nullptr) {
            return not_found(std::string(what) + " set `" + name + "` not found.");
        }
    }
    return {};
}

Status check_sets(
    const State& state,
    const std::vector<std::string>* synonyms,
    const std::vector<std::string>* curations
) {
    if (synonyms != nullptr) {
        KUMO_TRY(check_sets(state, ResourceKind::kSynonymSet, "Synonym", *synonyms));
    }
    if (curations != nullptr) {
        KUMO_TRY(check_sets(state, ResourceKind::kCurationSet, "Curation", *curations));
    }
    return {};
}

Status check(const State& state, const CollectionSpec& spec) {
    if (spec.name.empty() || spec.name.size() > kCollectionNameBytesMax) {
        return invalid_argument("A collection's name has 1 to 1024 bytes.");
    }
    if (spec.metadata.size() > kMetadataBytesMax) {
        return Error{ErrorCode::kLimitExceeded, "A collection's metadata is above 1 MiB."};
    }
    if (state.collections.contains(spec.name)) {
        return Error{
            ErrorCode::kAlreadyExists,
            "A collection with name `" + spec.name + "` already exists."};
    }
    if (state.collections.size() >= kCollectionsMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "There are " + std::to_string(kCollectionsMax) + " collections already."};
    }
    if (spec.num_shards < 1 || spec.num_shards > kShardsPerCollectionMax) {
        return invalid_argument("A collection has 1 to 64 shards.");
    }
    const auto schema = std::make_shared<const search::Schema>(spec.schema);
    if (spec.num_shards > 1 && search::FieldFinder(schema).finds_any()) {
        // Each shard would find fields of its own.
        return Error{
            ErrorCode::kUnsupported,
            "Fields of type `auto`, `string*`, `object` and patterns as names are not supported "
            "yet "
            "in a collection with several shards."};
    }
    KUMO_TRY(check_sets(state, &spec.synonym_sets, &spec.curation_sets));
    return search::validate(spec.schema);
}

Result<Change> run(State& state, const CreateCollection& command) {
    KUMO_TRY(check(state, command.spec));
    auto made = std::make_shared<Collection>();
    made->spec = command.spec;
    cluster::State cluster = state.cluster;  // All of them, or none.
    for (std::uint32_t i = 0; i < command.spec.num_shards; ++i) {
        KUMO_TRY_ASSIGN(
            const cluster::ShardId shard,
            cluster::add_shard(cluster, command.spec.replication_mode, command.spec.min_in_sync)
        );
        made->shards.push_back(shard);
    }
    state.cluster = std::move(cluster);
    state.collections[command.spec.name] = made;
    Change change;
    change.created = std::move(made);
    return change;
}

Result<Change> run(State& state, const DropCollection& command) {
    const auto found = state.collections.find(command.name);
    if (found == state.collections.end()) {
        return no_such_collection(command.name);
    }
    Change change;
    change.dropped = found->second;
    for (const cluster::ShardId shard : change.dropped->shards) {
        cluster::drop_shard(state.cluster, shard);
    }
    state.collections.erase(found);
    state.resources.erase(ResourceKind::kCollectionSynonyms, command.name);
    state.resources.erase(ResourceKind::kCollectionCurations, command.name);
    state.resources.erase(ResourceKind::kIndexMetadata, command.name);
    return change;
}

Result<Change> run(State& state, const CreateKey& command) {
    const std::vector<KeyRecord>& keys = *state.keys;
    const bool taken = std::any_of(keys.begin(), keys.end(), [&](const KeyRecord& key) {
        return key.digest == command.key.digest;
    });
    if (taken) {
        return Error{ErrorCode::kAlreadyExists, "API key generation conflict."};
    }
    if (keys.size() >= kKeysMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "There are " + std::to_string(kKeysMax) + " keys already."};
    }
    auto next = std::make_shared<std::vector<KeyRecord>>(keys);
    next->push_back(command.key);
    next->back().id = state.next_key_id++;
    Change change;
    change.key = next->back();
    state.keys = std::move(next);
    return change;
}

Result<Change> run(State& state, const DeleteKey& command) {
    const auto has_id = [&](const KeyRecord& key) {
        return key.id == command.id;
    };
    auto next = std::make_shared<std::vector<KeyRecord>>(*state.keys);
    const auto found = std::find_if(next->begin(), next->end(), has_id);
    if (found == next->end()) {
        return not_found("There is no key with id " + std::to_string(command.id) + ".");
    }
    Change change;
    change.key = std::move(*found);
    next->erase(found);
    state.keys = std::move(next);
    return change;
}

Result<Change> run(State& state, const UpdateCollection& command) {
    const auto found = state.collections.find(command.name);
    if (found == state.collections.end()) {
        return no_such_collection(command.name);
    }
    if (command.metadata && command.metadata->size() > kMetadataBytesMax) {
        return Error{ErrorCode::kLimitExceeded, "A collection's metadata is above 1 MiB."};
    }
    KUMO_TRY(check_sets(
        state,
        command.synonym_sets ? &*command.synonym_sets : nullptr,
        command.curation_sets ? &*command.curation_sets : nullptr
    ));
    auto next = std::make_shared<Collection>(*found->second);
    if (command.metadata) {
        next->spec.metadata = *command.metadata;
    }
    if (command.synonym_sets) {
        next->spec.synonym_sets = *command.synonym_sets;
    }
    if (command.curation_sets) {
        next->spec.curation_sets = *command.curation_sets;
    }
    found->second = next;
    Change change;
    change.updated = std::move(next);
    return change;
}

Result<Change> run(State& state, const PutResource& command) {
    if (is_of_collection(command.kind) && !state.collections.contains(command.name)) {
        return no_such_collection(command.name);
    }
    if (command.kind == ResourceKind::kAlias && state.collections.contains(command.name)) {
        return Error{
            ErrorCode::kAlreadyExists,
            "Name `" + command.name + "` conflicts with an existing collection name."};
    }
    Change change;
    KUMO_TRY_ASSIGN(change.resource, apply(state.resources, command));
    return change;
}

Result<Change> run(State& state, const DeleteResource& command) {
    Change change;
    KUMO_TRY_ASSIGN(change.resource, apply(state.resources, command));
    return change;
}

Result<Change> run(State& state, const cluster::Command& command) {
    if (state.kv.groups.empty()) {
        KUMO_TRY(cluster::apply(state.cluster, command));
        return Change{};
    }
    const cluster::State before = state.cluster;
    KUMO_TRY(cluster::apply(state.cluster, command));
    follow(state.kv, before, state.cluster);
    return Change{};
}

Result<Change> run(State& state, const KvCommand& command) {
    KUMO_TRY(apply(state.kv, state.cluster, command));
    return Change{};
}

}  // namespace

std::shared_ptr<const search::Schema> schema_of(const std::shared_ptr<const Collection>& collection
) {
    return {collection, &collection->spec.schema};
}

Error not_ready() {
    return Error{ErrorCode::kUnavailable, "Not Ready or Lagging"};
}

Error no_such_collection(std::string_view name) {
    return not_found("No collection with name `" + std::string(name) + "` found.");
}

Applied apply(const State& state, store::Seq seq, const Proposal& proposal) {
    if (proposal.node.is_nil()) {
        return apply(state, seq, proposal.command);
    }
    const auto known = state.proposals.find(proposal.node);
    const bool again = known != state.proposals.end() && known->second.run == proposal.mark.run
                       && proposal.mark.number <= known->second.number;
    if (again) {
        Applied same{state, Error{ErrorCode::kAlreadyExists, "this command has been applied"}};
        same.state.applied = seq;
        return same;
    }
    Applied next = apply(state, seq, proposal.command);
    next.state.proposals[proposal.node] = proposal.mark;
    return next;
}

Applied apply(const State& state, store::Seq seq, const Command& command) {
    State next = state;
    next.applied = seq;
    auto change = std::visit([&next](const auto& what) { return run(next, what); }, command);
    return Applied{std::move(next), std::move(change)};
}

}  // namespace kumo::node
