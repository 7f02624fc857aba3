#include "node/resource.h"

#include "node/internal/machine_test.h"
#include "node/state.h"

#include <gtest/gtest.h>

namespace kumo::node {
namespace {

/// Of a cluster with one node, with the collection "books".
State with_books() {
    State state;
    const Uuid node{{{1}}};
    cluster::Register begin;
    begin.member.id = node;
    begin.member.boot = Uuid{{{2}}};
    state = apply(state, 0, cluster::Command(cluster::Found{Uuid{{{3}}}, 1})).state;
    state = apply(state, 0, cluster::Command(begin)).state;
    const std::uint64_t run = state.cluster.members.at(node)->incarnation;
    state = apply(state, 0, cluster::Command(cluster::Unfence{node, run})).state;
    return apply(state, 0, CreateCollection{numbered("books")}).state;
}

PutResource alias(const std::string& name) {
    return {ResourceKind::kAlias, name, true, {{"", R"({"collection_name":"books"})"}}};
}

PutResource items(ResourceKind kind, const std::string& name, std::vector<std::string> ids) {
    PutResource put{kind, name, false, {}};
    for (std::string& id : ids) {
        put.items.push_back({id, "\"" + id + "\""});
    }
    return put;
}

std::string ids_of(const ResourcePtr& resource) {
    std::string out;
    for (const Resource::Item& item : resource->items()) {
        out += item->id;
    }
    return out;
}

TEST(Resource, CommandsDoTheSameAfterTheirBytes) {
    State state = with_books();
    PutResource set = items(ResourceKind::kSynonymSet, "s", {"b", "a"});
    set.replace = true;
    UpdateCollection update;
    update.name = "books";
    update.metadata = "{}";
    update.synonym_sets = {"s"};
    for (const Command& command :
         {Command(alias("a")),
          Command(set),
          Command(items(ResourceKind::kSynonymSet, "s", {"c"})),
          Command(items(ResourceKind::kCollectionCurations, "books", {"o"})),
          Command(update),
          Command(DeleteResource{ResourceKind::kSynonymSet, "s", "b"})}) {
        const auto decoded = decode_command(encode_command(command));
        ASSERT_TRUE(decoded.ok());
        const Applied expected = apply(state, 5, command);
        ASSERT_TRUE(expected.change.ok());
        const Applied applied = apply(state, 5, decoded.value());
        EXPECT_EQ(encode_state(applied.state), encode_state(expected.state));
        state = expected.state;
    }
    const auto again = decode_state(encode_state(state));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(encode_state(again.value()), encode_state(state));
    const Resources& resources = again.value().resources;
    EXPECT_EQ(ids_of(resources.find(ResourceKind::kSynonymSet, "s")), "ac");
    EXPECT_EQ(again.value().collections.at("books")->spec.synonym_sets.front(), "s");
    EXPECT_EQ(resources.find(ResourceKind::kAlias, "a")->value(), R"({"collection_name":"books"})");
    const std::string bytes = encode_state(state);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto damaged = decode_state(bytes.substr(0, size));
        // Without the section there is a state, of before.
        EXPECT_TRUE(damaged.ok() ? damaged.value().resources.empty() : true);
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x81);
        (void)decode_state(damaged);
    }
}

TEST(Resource, KindsThatCameLaterNeedNotBeThere) {
    State state = with_books();
    state = apply(state, 0, alias("a")).state;
    const std::string before = encode_state(state);
    PutResource put = alias("7");
    put.kind = ResourceKind::kStemmingDictionary;
    state = apply(state, 0, put).state;
    const auto again = decode_state(encode_state(state));
    ASSERT_TRUE(again.ok());
    EXPECT_NE(again.value().resources.find(ResourceKind::kStemmingDictionary, "7"), nullptr);
    EXPECT_EQ(again.value().resources.find(ResourceKind::kLimit, "7"), nullptr);
    state = apply(state, 0, DeleteResource{ResourceKind::kStemmingDictionary, "7", {}}).state;
    EXPECT_EQ(encode_state(state), before);
}

TEST(Resource, OneThatMustBeNewReplacesNone) {
    State state = with_books();
    PutResource put = alias("a");
    put.must_be_new = true;
    const auto decoded = decode_command(encode_command(put));
    ASSERT_TRUE(decoded.ok());
    state = apply(state, 0, decoded.value()).state;
    EXPECT_NE(state.resources.find(ResourceKind::kAlias, "a"), nullptr);
    const Applied again = apply(state, 0, decoded.value());
    EXPECT_EQ(again.change.error().code, ErrorCode::kAlreadyExists);
    EXPECT_TRUE(apply(state, 0, alias("a")).change.ok());
}

TEST(Resource, AStateWithoutAnyHasTheBytesFromBefore) {
    State state = with_books();
    const std::string before = encode_state(state);
    state = apply(state, 0, alias("a")).state;
    EXPECT_GT(encode_state(state).size(), before.size());
    state = apply(state, 0, DeleteResource{ResourceKind::kAlias, "a", {}}).state;
    EXPECT_EQ(encode_state(state), before);
}

TEST(Resource, ItemsKeepTheirPlaces) {
    State state = with_books();
    const auto put = [&](std::vector<std::string> ids) {
        return apply(state, 0, items(ResourceKind::kCollectionSynonyms, "books", std::move(ids)));
    };
    state = put({"a", "b"}).state;
    state = put({"c", "a"}).state;
    EXPECT_EQ(ids_of(state.resources.find(ResourceKind::kCollectionSynonyms, "books")), "abc");
}

TEST(Resource, ThoseOfACollectionGoWithIt) {
    State state = with_books();
    const auto put = items(ResourceKind::kCollectionSynonyms, "books", {"a"});
    state = apply(state, 0, put).state;
    state = apply(state, 0, alias("b")).state;
    state = apply(state, 0, DropCollection{"books"}).state;
    EXPECT_EQ(state.resources.find(ResourceKind::kCollectionSynonyms, "books"), nullptr);
    EXPECT_NE(state.resources.find(ResourceKind::kAlias, "b"), nullptr);
    EXPECT_EQ(apply(state, 0, put).change.error().code, ErrorCode::kNotFound);
}

TEST(Resource, RefusesWhatCannotBe) {
    State state = with_books();
    const auto code = [&](const Command& command) {
        const Applied applied = apply(state, state.applied, command);
        EXPECT_EQ(encode_state(applied.state), encode_state(state));
        return applied.change.ok() ? ErrorCode::kInternal : applied.change.error().code;
    };
    EXPECT_EQ(code(alias("")), ErrorCode::kInvalidArgument);
    EXPECT_EQ(code(alias("books")), ErrorCode::kAlreadyExists);
    EXPECT_EQ(
        code(alias(std::string(kResourceNameBytesMax + 1, 'a'))),
        ErrorCode::kInvalidArgument
    );
    PutResource two = alias("a");
    two.items.push_back(two.items.front());
    EXPECT_EQ(code(two), ErrorCode::kInvalidArgument);
    PutResource big = alias("a");
    big.items.front().value.resize(kResourceItemBytesMax + 1);
    EXPECT_EQ(code(big), ErrorCode::kLimitExceeded);
    EXPECT_EQ(code(items(ResourceKind::kSynonymSet, "s", {"a"})), ErrorCode::kNotFound);
    EXPECT_EQ(code(DeleteResource{ResourceKind::kPreset, "p", {}}), ErrorCode::kNotFound);
    PutResource many{ResourceKind::kSynonymSet, "s", true, {}};
    for (std::size_t i = 0; i <= kResourceItemsMax; ++i) {
        many.items.push_back({std::to_string(i), ""});
    }
    EXPECT_EQ(code(many), ErrorCode::kLimitExceeded);
    UpdateCollection update;
    update.name = "books";
    update.curation_sets = {"none"};
    EXPECT_EQ(code(update), ErrorCode::kNotFound);
}

TEST(Resource, RefusesMoreThanIsKeptInMemory) {
    Resources resources;
    PutResource put{
        ResourceKind::kPreset,
        "",
        true,
        {{"", std::string(kResourceItemBytesMax, 'a')}}};
    std::size_t fit = 0;
    for (; fit < 64; ++fit) {
        put.name = "p" + std::to_string(fit);
        if (!apply(resources, put).ok()) {
            break;
        }
    }
    EXPECT_EQ(fit, kResourcesBytesMax / kResourceItemBytesMax - 1);
    ASSERT_TRUE(apply(resources, DeleteResource{ResourceKind::kPreset, "p0", {}}).ok());
    EXPECT_TRUE(apply(resources, put).ok());
}

TEST(Resource, IsMadeIntoSomethingOnceForEachVariant) {
    struct Made : Resource::Derived {};

    const Resource resource({});
    std::size_t made = 0;
    const auto make = [&](const Resource&) -> Resource::DerivedPtr {
        ++made;
        return std::make_shared<const Made>();
    };
    EXPECT_EQ(resource.derived("a", make), resource.derived("a", make));
    EXPECT_EQ(made, 1U);
    for (int i = 0; i < 100; ++i) {
        EXPECT_NE(resource.derived(std::to_string(i), make), nullptr);
    }
    EXPECT_NE(resource.derived("0", make), resource.derived("1", make));
    EXPECT_EQ(made, 101U);
}

}  // namespace
}  // namespace kumo::node
