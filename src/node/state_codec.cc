#include "node/state.h"
#include "search/schema/schema_codec.h"
#include "wire/byte_reader.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

using search::append_strings;
using search::read_strings;
using wire::append_sized;
using wire::append_varint;

enum class CommandKind : std::uint8_t {
    kCreateCollection = 1,
    kDropCollection = 2,
    kCreateKey = 3,
    kDeleteKey = 4,
    kCluster = 5,
    kPutResource = 6,
    kDeleteResource = 7,
    kUpdateCollection = 8,
    kKv = 9,
};

/// What may follow on a state, each a number and sized bytes. States from before have none.
enum class Section : std::uint8_t {
    kResources = 1,
    kKv = 2,
};

// What stands in the place of "nested fields" of collections with one shard.
constexpr std::uint64_t kNestedFields = 1;
constexpr std::uint64_t kSeveralShards = 2;
constexpr std::uint64_t kReplication = 4;
constexpr std::uint64_t kHasSets = 8;
constexpr auto kAckModeMax = static_cast<std::uint64_t>(cluster::AckMode::kAsync);

void append_spec(std::string& out, const CollectionSpec& spec) {
    append_sized(out, spec.name);
    append_varint(out, wire::zigzag_encode(spec.created_at));
    append_sized(out, spec.metadata);
    const search::Schema& schema = spec.schema;
    search::append_fields(out, schema.fields);
    append_sized(out, schema.default_sorting_field);
    append_strings(out, schema.token_separators);
    append_strings(out, schema.symbols_to_index);
    const bool several = spec.num_shards != 1;
    const bool replication =
        spec.replication_mode != cluster::AckMode::kSync || spec.min_in_sync != 1;
    const bool sets = !spec.synonym_sets.empty() || !spec.curation_sets.empty();
    append_varint(
        out,
        (schema.enable_nested_fields ? kNestedFields : 0) | (several ? kSeveralShards : 0)
            | (replication ? kReplication : 0) | (sets ? kHasSets : 0)
    );
    if (several) {
        append_varint(out, spec.num_shards);
    }
    if (replication) {
        append_varint(out, static_cast<std::uint64_t>(spec.replication_mode));
        append_varint(out, spec.min_in_sync);
    }
    if (sets) {
        append_strings(out, spec.synonym_sets);
        append_strings(out, spec.curation_sets);
    }
}

CollectionSpec read_spec(wire::ByteReader& in) {
    CollectionSpec spec;
    spec.name = in.text();
    spec.created_at = wire::zigzag_decode(in.number());
    spec.metadata = in.text();
    search::Schema& schema = spec.schema;
    schema.fields = search::read_fields(in);
    schema.default_sorting_field = in.text();
    schema.token_separators = read_strings(in);
    schema.symbols_to_index = read_strings(in);
    const std::uint64_t flags =
        in.below_or_at(kNestedFields | kSeveralShards | kReplication | kHasSets);
    schema.enable_nested_fields = (flags & kNestedFields) != 0;
    if ((flags & kSeveralShards) != 0) {
        spec.num_shards = static_cast<std::uint32_t>(in.below_or_at(UINT32_MAX));
    }
    if ((flags & kReplication) != 0) {
        spec.replication_mode = static_cast<cluster::AckMode>(in.below_or_at(kAckModeMax));
        spec.min_in_sync = static_cast<std::uint32_t>(in.below_or_at(UINT32_MAX));
    }
    if ((flags & kHasSets) != 0) {
        spec.synonym_sets = read_strings(in);
        spec.curation_sets = read_strings(in);
    }
    return spec;
}

void append_collection(std::string& out, const Collection& collection) {
    append_varint(out, static_cast<std::uint64_t>(collection.id()));
    append_spec(out, collection.spec);
    for (std::size_t i = 1; i < collection.shards.size(); ++i) {
        append_varint(out, static_cast<std::uint64_t>(collection.shards[i]));
    }
}

Collection read_collection(wire::ByteReader& in) {
    Collection collection;
    collection.shards.push_back(cluster::ShardId{in.number()});
    collection.spec = read_spec(in);
    const std::uint32_t shards = std::min(collection.spec.num_shards, kShardsPerCollectionMax);
    for (std::uint32_t i = 1; i < shards && in.ok(); ++i) {
        collection.shards.push_back(cluster::ShardId{in.number()});
    }
    return collection;
}

void append_key(std::string& out, const KeyRecord& key) {
    append_varint(out, key.id);
    append_sized(out, key.description);
    append_strings(out, key.actions);
    append_strings(out, key.collections);
    append_varint(out, wire::zigzag_encode(key.expires_at));
    append_varint(out, key.autodelete ? 1 : 0);
    append_sized(out, key.value_prefix);
    append_sized(out, key.digest);
    append_sized(out, key.hmac_state);
}

KeyRecord read_key(wire::ByteReader& in) {
    KeyRecord key;
    key.id = in.number();
    key.description = in.text();
    key.actions = read_strings(in);
    key.collections = read_strings(in);
    key.expires_at = wire::zigzag_decode(in.number());
    key.autodelete = in.below_or_at(1) != 0;
    key.value_prefix = in.text();
    key.digest = in.text();
    key.hmac_state = in.text();
    return key;
}

void append(std::string& out, const CreateCollection& command) {
    append_varint(out, static_cast<std::uint64_t>(CommandKind::kCreateCollection));
    append_spec(out, command.spec);
}

void append(std::string& out, const DropCollection& command) {
    append_varint(out, static_cast<std::uint64_t>(CommandKind::kDropCollection));
    append_sized(out, command.name);
}

void append(std::string& out, const CreateKey& command) {
    append_varint(out, static_cast<std::uint64_t>(CommandKind::kCreateKey));
    append_key(out, command.key);
}

void append(std::string& out, const DeleteKey& command) {
    append_varint(out, static_cast<std::uint64_t>(CommandKind::kDeleteKey));
    append_varint(out, command.id);
}

void append(std::string& out, const cluster::Command& command) {
    append_varint(out, static_cast<std::uint64_t>(CommandKind::kCluster));
    cluster::append_command(out, command);
}

void append(std::string& out, const PutResource& command) {
    append_varint(out, static_cast<std::uint64_t>(CommandKind::kPutResource));
    append_command(out, command);
}

void append(std::string& out, const DeleteResource& command) {
    append_varint(out, static_cast<std::uint64_t>(CommandKind::kDeleteResource));
    append_command(out, command);
}

void append(std::string& out, const KvCommand& command) {
    append_varint(out, static_cast<std::uint64_t>(CommandKind::kKv));
    append_kv_command(out, command);
}

// Which properties a change of a collection names.
constexpr std::uint64_t kSetsMetadata = 1;
constexpr std::uint64_t kSetsSynonyms = 2;
constexpr std::uint64_t kSetsCurations = 4;

void append(std::string& out, const UpdateCollection& command) {
    append_varint(out, static_cast<std::uint64_t>(CommandKind::kUpdateCollection));
    append_sized(out, command.name);
    append_varint(
        out,
        (command.metadata ? kSetsMetadata : 0) | (command.synonym_sets ? kSetsSynonyms : 0)
            | (command.curation_sets ? kSetsCurations : 0)
    );
    if (command.metadata) {
        append_sized(out, *command.metadata);
    }
    if (command.synonym_sets) {
        append_strings(out, *command.synonym_sets);
    }
    if (command.curation_sets) {
        append_strings(out, *command.curation_sets);
    }
}

UpdateCollection read_update(wire::ByteReader& in) {
    UpdateCollection command;
    command.name = in.text();
    const std::uint64_t what = in.below_or_at(kSetsMetadata | kSetsSynonyms | kSetsCurations);
    if ((what & kSetsMetadata) != 0) {
        command.metadata = in.text();
    }
    if ((what & kSetsSynonyms) != 0) {
        command.synonym_sets = read_strings(in);
    }
    if ((what & kSetsCurations) != 0) {
        command.curation_sets = read_strings(in);
    }
    return command;
}

Result<Command> read_command(wire::ByteReader& in) {
    switch (static_cast<CommandKind>(in.below_or_at(UINT8_MAX))) {
        case CommandKind::kCreateCollection: return Command(CreateCollection{read_spec(in)});
        case CommandKind::kDropCollection: return Command(DropCollection{in.text()});
        case CommandKind::kCreateKey: return Command(CreateKey{read_key(in)});
        case CommandKind::kDeleteKey: return Command(DeleteKey{in.number()});
        case CommandKind::kPutResource: return Command(read_put_resource(in));
        case CommandKind::kDeleteResource: return Command(read_delete_resource(in));
        case CommandKind::kUpdateCollection: return Command(read_update(in));
        case CommandKind::kCluster: {
            auto command = cluster::read_command(in);
            if (command) {
                return Command(std::move(*command));
            }
            break;
        }
        case CommandKind::kKv: {
            auto command = read_kv_command(in);
            if (command) {
                return Command(std::move(*command));
            }
            break;
        }
    }
    return corruption("a command of the state's log is of an unknown kind");
}

void read_cluster(wire::ByteReader& in, State& state) {
    state.cluster = cluster::read_state(in);
    const std::size_t proposals = in.count();
    for (std::size_t i = 0; i < proposals && in.ok(); ++i) {
        const Uuid node = in.uuid();
        const Uuid run = in.uuid();
        state.proposals[node] = {run, in.number()};
    }
}

Status read_sections(wire::ByteReader& in, State& state) {
    while (in.ok() && !in.at_end()) {
        const auto section = static_cast<Section>(in.below_or_at(UINT8_MAX));
        const ByteView bytes = in.sized();
        if (in.ok() && section == Section::kResources) {
            KUMO_TRY_ASSIGN(state.resources, read_resources(bytes));
        } else if (in.ok() && section == Section::kKv) {
            KUMO_TRY_ASSIGN(state.kv, read_kv_state(bytes));
        } else {
            return corruption("the state has a section of an unknown kind");
        }
    }
    return {};
}

}  // namespace

std::string encode_command(const Command& command) {
    std::string out;
    std::visit([&out](const auto& what) { append(out, what); }, command);
    return out;
}

Result<Command> decode_command(ByteView bytes) {
    wire::ByteReader in(bytes);
    KUMO_TRY_ASSIGN(Command command, read_command(in));
    if (!in.at_end()) {
        return corruption("a command of the state's log is not well formed");
    }
    return command;
}

std::string encode_proposal(const Proposal& proposal) {
    std::string out(proposal.node.view());
    out.append(proposal.mark.run.view());
    append_varint(out, proposal.mark.number);
    return out + encode_command(proposal.command);
}

Result<Proposal> decode_proposal(ByteView bytes) {
    wire::ByteReader in(bytes);
    const Uuid node = in.uuid();
    const Uuid run = in.uuid();
    const std::uint64_t number = in.number();
    if (!in.ok()) {
        return corruption("a command of the control plane's log is not well formed");
    }
    KUMO_TRY_ASSIGN(Command command, decode_command(in.rest()));
    return Proposal{node, {run, number}, std::move(command)};
}

std::string encode_state(const State& state) {
    std::string out;
    append_varint(out, state.applied);
    append_varint(out, state.next_key_id);
    append_varint(out, state.collections.size());
    for (const auto& [name, collection] : state.collections) {
        append_collection(out, *collection);
    }
    append_varint(out, state.keys->size());
    for (const KeyRecord& key : *state.keys) {
        append_key(out, key);
    }
    cluster::append_state(out, state.cluster);
    append_varint(out, state.proposals.size());
    for (const auto& [node, mark] : state.proposals) {
        out.append(node.view());
        out.append(mark.run.view());
        append_varint(out, mark.number);
    }
    if (!state.resources.empty()) {
        std::string resources;
        append_resources(resources, state.resources);
        append_varint(out, static_cast<std::uint64_t>(Section::kResources));
        append_sized(out, resources);
    }
    if (!state.kv.empty()) {
        std::string kv;
        append_kv_state(kv, state.kv);
        append_varint(out, static_cast<std::uint64_t>(Section::kKv));
        append_sized(out, kv);
    }
    return out;
}

Result<State> decode_state(ByteView bytes) {
    wire::ByteReader in(bytes);
    State state;
    state.applied = in.number();
    state.next_key_id = in.number();
    const std::size_t collections = in.count();
    for (std::size_t i = 0; i < collections && in.ok(); ++i) {
        auto collection = std::make_shared<Collection>(read_collection(in));
        if (collection->shards.size() != collection->spec.num_shards) {
            return corruption("the state has a collection with a wrong number of shards");
        }
        state.collections[collection->spec.name] = std::move(collection);
    }
    const std::size_t keys = in.count();
    auto records = std::make_shared<std::vector<KeyRecord>>();
    for (std::size_t i = 0; i < keys && in.ok(); ++i) {
        records->push_back(read_key(in));
    }
    state.keys = std::move(records);
    read_cluster(in, state);
    KUMO_TRY(read_sections(in, state));
    if (!in.at_end()) {
        return corruption("the state is not well formed");
    }
    return state;
}

}  // namespace kumo::node
