#include "node/state.h"

#include "node/internal/machine_test.h"
#include "node/operation.h"

#include <gtest/gtest.h>

namespace kumo::node {
namespace {

CreateCollection with_everything() {
    CollectionSpec spec = numbered("books");
    spec.created_at = -5;
    spec.metadata = R"({"a":1})";
    search::Field field;
    field.name = "tags";
    field.array = true;
    field.facet = true;
    field.optional = true;
    field.locale = "ja";
    spec.schema.fields.push_back(field);
    spec.schema.token_separators = {"-", "/"};
    spec.schema.symbols_to_index = {"+"};
    return {spec};
}

CreateKey key(const std::string& digest) {
    KeyRecord record;
    record.description = "search only";
    record.actions = {"documents:search"};
    record.collections = {"a.*", "b"};
    record.expires_at = 64723363199;
    record.autodelete = true;
    record.value_prefix = "abcd";
    record.digest = digest;
    record.hmac_state = std::string(64, '\x7f');
    return {record};
}

/// Of a cluster with one node.
State alone() {
    State state;
    const Uuid node{{{1}}};
    cluster::Register begin;
    begin.member.id = node;
    begin.member.boot = Uuid{{{2}}};
    state = apply(state, 0, cluster::Command(cluster::Found{Uuid{{{3}}}, 1})).state;
    state = apply(state, 0, cluster::Command(begin)).state;
    const std::uint64_t run = state.cluster.members.at(node)->incarnation;
    return apply(state, 0, cluster::Command(cluster::Unfence{node, run})).state;
}

State sample() {
    State state = alone();
    state = apply(state, 1, with_everything()).state;
    state = apply(state, 2, key("one")).state;
    CreateCollection other{numbered("b")};
    other.spec.replication_mode = cluster::AckMode::kAsync;
    other.spec.min_in_sync = 3;
    search::Field vector;
    vector.name = "vector";
    vector.type = search::ValueType::kFloat;
    vector.array = true;
    vector.vector = {768, search::VectorMetric::kInnerProduct, 24, 300};
    other.spec.schema.fields.push_back(vector);
    search::Field place;
    place.name = "place";
    place.type = search::ValueType::kGeoPoint;
    other.spec.schema.fields.push_back(place);
    state = apply(state, 3, other).state;
    return apply(state, 4, key("two")).state;
}

TEST(State, IsTheSameAfterItsBytes) {
    const State state = sample();
    const std::string bytes = encode_state(state);
    const auto decoded = decode_state(bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(encode_state(decoded.value()), bytes);
    const auto& fields = decoded.value().collections.at("books")->spec.schema.fields;
    ASSERT_EQ(fields.size(), 3U);
    EXPECT_TRUE(fields[0].sort);
    EXPECT_TRUE(fields[2].array && fields[2].facet && fields[2].optional && fields[2].store);
    EXPECT_FALSE(fields[2].sort || fields[2].infix || fields[2].stem);
    EXPECT_EQ(fields[2].locale, "ja");
    EXPECT_EQ(decoded.value().keys->at(1).id, 1U);
    const CollectionSpec& other = decoded.value().collections.at("b")->spec;
    EXPECT_EQ(other.replication_mode, cluster::AckMode::kAsync);
    EXPECT_EQ(other.min_in_sync, 3U);
    const std::vector<search::Field>& more = other.schema.fields;
    const search::VectorOptions& vector = more[more.size() - 2].vector;
    EXPECT_EQ(vector.dimensions, 768U);
    EXPECT_EQ(vector.metric, search::VectorMetric::kInnerProduct);
    EXPECT_EQ(vector.m, 24U);
    EXPECT_EQ(vector.ef_construction, 300U);
    EXPECT_EQ(more.back().type, search::ValueType::kGeoPoint);
    EXPECT_FALSE(more.back().is_vector());
}

TEST(State, ACommandDoesTheSameAfterItsBytes) {
    const State state = sample();
    for (const Command& command :
         {Command(key("three")),
          Command(DeleteKey{1}),
          Command(DropCollection{"b"}),
          Command(CreateCollection{numbered("c")})}) {
        const auto decoded = decode_command(encode_command(command));
        ASSERT_TRUE(decoded.ok());
        const Applied expected = apply(state, 5, command);
        EXPECT_TRUE(expected.change.ok());
        EXPECT_EQ(
            encode_state(apply(state, 5, decoded.value()).state),
            encode_state(expected.state)
        );
    }
}

TEST(State, AnErrorChangesNothingButTheNumber) {
    State state = sample();
    for (const Command& command :
         {Command(key("one")),
          Command(DeleteKey{9}),
          Command(DropCollection{"c"}),
          Command(CreateCollection{numbered("b")}),
          Command(CreateCollection{})}) {
        const Applied applied = apply(state, state.applied, command);
        EXPECT_FALSE(applied.change.ok());
        EXPECT_EQ(encode_state(applied.state), encode_state(state));
    }
}

TEST(State, NeverGivesAShardTwice) {
    State state = sample();
    const auto before = state.collections.at("b")->id();
    state = apply(state, 5, DropCollection{"b"}).state;
    state = apply(state, 6, CreateCollection{numbered("b")}).state;
    EXPECT_GT(state.collections.at("b")->id(), before);
}

TEST(State, MakesAndDropsAllShardsOfACollection) {
    State state = sample();
    const std::size_t before = state.cluster.shards.size();
    CreateCollection create{numbered("c")};
    create.spec.num_shards = 3;
    state = apply(state, 5, create).state;
    EXPECT_EQ(state.cluster.shards.size(), before + 3);
    EXPECT_EQ(state.collections.at("c")->shards.size(), 3U);
    const State again = decode_state(encode_state(state)).value();
    EXPECT_EQ(again.collections.at("c")->shards, state.collections.at("c")->shards);
    EXPECT_EQ(again.collections.at("c")->spec.num_shards, 3U);
    EXPECT_EQ(encode_state(again), encode_state(state));
    state = apply(state, 6, DropCollection{"c"}).state;
    EXPECT_EQ(state.cluster.shards.size(), before);
}

/// A string literal with NULs in it.
template <std::size_t kSize>
std::string bytes(const char (&literal)[kSize]) {
    return {literal, kSize - 1};
}

TEST(State, ACollectionOfOneShardHasTheBytesFromBeforeThereWereMore) {
    const std::string fields =
        bytes("\x02\x01n\x01\x98\x01\x00\x01t\x00\x88\x01\x00") + bytes("\x01n\x00\x00");
    const std::string command = bytes(
                                    "\x01\x01"
                                    "a\x00\x00"
                                )
                                + fields + bytes("\x00");
    EXPECT_EQ(encode_command(CreateCollection{numbered("a")}), command);
    const auto decoded = decode_command(command);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(std::get<CreateCollection>(decoded.value()).spec.num_shards, 1U);
    const State state = apply(alone(), 1, CreateCollection{numbered("a")}).state;
    const auto shard = static_cast<char>(state.collections.at("a")->id());
    const std::string in_state = std::string("\x01") + shard + command.substr(1);
    EXPECT_NE(encode_state(state).find(in_state), std::string::npos);
}

TEST(State, ACommandWithAWrongNumberOfShardsChangesNothing) {
    const State state = sample();
    for (const std::uint32_t number : {0U, 65U, UINT32_MAX}) {
        CreateCollection create{numbered("c")};
        create.spec.num_shards = number;
        const auto command = decode_command(encode_command(create));
        ASSERT_TRUE(command.ok());
        const Applied applied = apply(state, state.applied, command.value());
        EXPECT_EQ(applied.change.error().code, ErrorCode::kInvalidArgument);
        EXPECT_EQ(encode_state(applied.state), encode_state(state));
    }
}

TEST(State, DamagedBytesAreCorruptionOrSomethingElse) {
    State several = sample();
    CreateCollection create{numbered("c")};
    create.spec.num_shards = 3;
    several = apply(several, 5, create).state;
    const std::string state = encode_state(several);
    const std::string command = encode_command(create);
    for (std::size_t size = 0; size < state.size(); ++size) {
        EXPECT_EQ(decode_state(state.substr(0, size)).error().code, ErrorCode::kCorruption);
    }
    for (std::size_t size = 0; size < command.size(); ++size) {
        EXPECT_EQ(decode_command(command.substr(0, size)).error().code, ErrorCode::kCorruption);
    }
    EXPECT_FALSE(decode_state(state + "x").ok());
    EXPECT_FALSE(decode_command(command + "x").ok());
    for (std::size_t at = 0; at < state.size(); ++at) {
        std::string damaged = state;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x85);
        (void)decode_state(damaged);  // Whatever it is, it is found out in bounds.
    }
}

TEST(Operation, DamagedBytesChangeNothing) {
    const auto schema = std::make_shared<const search::Schema>(numbered("a").schema);
    search::Index index(schema, {}, {});
    const auto write = batch(search::WriteAction::kCreate, {document("1", 1), document("2", 2)});
    const std::vector<std::string> ids = {"1", "2"};
    const std::vector<std::string> operations = {
        encode_write(write),
        encode_erase(ids),
        encode_update(R"({"n":3})", search::DirtyValues::kReject, ids),
        encode_truncate() + "x"};
    for (const std::string& operation : operations) {
        for (std::size_t size = 0; size < operation.size(); ++size) {
            const auto outcome = apply_operation(index, operation.substr(0, size));
            const bool truncate = operation.size() == 2 && size == 1;
            EXPECT_TRUE(truncate || outcome.error().code == ErrorCode::kCorruption);
        }
    }
    EXPECT_EQ(index.doc_count(), 0U);
    EXPECT_FALSE(apply_operation(index, encode_update("[", {}, ids)).ok());
    EXPECT_EQ(apply_operation(index, encode_write(write)).value().written.size(), 2U);
    EXPECT_EQ(apply_operation(index, operations[2]).value().changed, 2U);
    EXPECT_EQ(apply_operation(index, encode_erase(ids)).value().document, document("2", 3));
}

TEST(State, HasNoCollectionsBeforeItHasNodes) {
    const State empty;
    EXPECT_EQ(
        apply(empty, 1, CreateCollection{numbered("a")}).change.error().code,
        ErrorCode::kUnavailable
    );
}

}  // namespace
}  // namespace kumo::node
