#include "cli/keys/keys_map.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::cli {
namespace {

constexpr const char* kThree =
    "a1 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-5460 [7->-b2]\n"
    "b2 10.0.0.2:7000@17000,host.two master - 0 0 2 connected 5461-10922\n"
    "c3 [::1]:7000@17000 master - 0 0 3 connected 10923-16383\n"
    "d4 10.0.0.4:7000@17000 slave a1 0 0 1 connected\n";

KeysMap parsed(const std::string& text) {
    auto map = parse_keys_map(text);
    EXPECT_TRUE(map.ok());
    return map.ok() ? map.value() : KeysMap();
}

std::size_t moved(const std::vector<SlotMove>& moves) {
    std::size_t sum = 0;
    for (const SlotMove& move : moves) {
        sum += move.slots.count();
    }
    return sum;
}

TEST(KeysMap, IsWhatANodeTells) {
    const KeysMap map = parsed(kThree);
    ASSERT_EQ(map.nodes.size(), 4U);
    EXPECT_EQ(map.masters().size(), 3U);
    EXPECT_EQ(map.find("a")->address.to_string(), "10.0.0.1:7000");
    EXPECT_EQ(map.find("c3")->address.to_string(), "[::1]:7000");
    EXPECT_EQ(map.find("x"), nullptr);
    EXPECT_EQ(show_slots(map.find("b2")->slots), "5461-10922");
    ASSERT_EQ(map.find("a1")->open.size(), 1U);
    EXPECT_FALSE(map.find("a1")->open[0].importing);
    EXPECT_EQ(map.find("a1")->open[0].peer, "b2");
}

TEST(KeysMap, DamageIsAnError) {
    for (const char* bad :
         {"",
          "a1 host",
          "a1 h:1@2 master - 0 0 1 connected 0-99999",
          "a1 h:1@2 master - 0 0 1 connected 9-3",
          "a1 h:1@2 master - 0 0 1 connected [7-x-b]"}) {
        EXPECT_FALSE(parse_keys_map(bad).ok()) << bad;
    }
}

TEST(KeysMap, ProblemsAreNamed) {
    KeysMap map = parsed(kThree);
    EXPECT_EQ(problems_of(map).size(), 1U) << "an open slot";
    map.nodes[0].open.clear();
    EXPECT_TRUE(problems_of(map).empty());
    map.nodes[2].slots.reset(11000);
    map.nodes[1].failed = true;
    const auto problems = problems_of(map);
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_EQ(problems[1], "nobody has the slots 11000");
}

TEST(KeysPlan, ANewMasterGetsItsShare) {
    const KeysMap map =
        parsed(std::string(kThree) + "e5 10.0.0.5:7000@17000 master - 0 0 9 connected\n");
    BalanceOptions options;
    EXPECT_TRUE(plan_balance(map, options).value().empty()) << "those that have some are equal";
    options.use_empty = true;
    const auto moves = plan_balance(map, options);
    ASSERT_TRUE(moves.ok());
    EXPECT_EQ(moved(moves.value()), 4096U);
    for (const SlotMove& move : moves.value()) {
        EXPECT_EQ(move.target, "e5");
        EXPECT_EQ((move.slots & map.find(move.source)->slots), move.slots);
    }
}

TEST(KeysPlan, WeightsCountAndNoneIsNone) {
    const KeysMap map = parsed(kThree);
    BalanceOptions options;
    options.weights = {{"a1", 0}, {"b2", 3}};
    const auto moves = plan_balance(map, options);
    ASSERT_TRUE(moves.ok());
    std::map<std::string, std::size_t> has = {{"a1", 5461}, {"b2", 5462}, {"c3", 5461}};
    for (const SlotMove& move : moves.value()) {
        has[move.source] -= move.slots.count();
        has[move.target] += move.slots.count();
    }
    EXPECT_EQ(has["a1"], 0U);
    EXPECT_EQ(has["b2"], 12288U);
    EXPECT_EQ(has["c3"], 4096U);
    options.weights = {{"a1", 0}, {"b2", 0}, {"c3", 0}};
    EXPECT_FALSE(plan_balance(map, options).ok());
}

TEST(KeysPlan, ReshardTakesFromEachInProportion) {
    const KeysMap map = parsed(kThree);
    const auto moves = plan_reshard(map, {"a1", "b2", "c3"}, "c3", 1001);
    ASSERT_TRUE(moves.ok());
    ASSERT_EQ(moves.value().size(), 2U) << "not from itself";
    EXPECT_EQ(moved(moves.value()), 1001U);
    EXPECT_NEAR(static_cast<double>(moves.value()[0].slots.count()), 500, 1);
    EXPECT_FALSE(plan_reshard(map, {"a1"}, "b2", 6000).ok());
    EXPECT_FALSE(plan_reshard(map, {"d4"}, "b2", 6).ok()) << "a replica has none";
}

TEST(RespReply, IsTakenWhenItIsWhole) {
    const std::string whole = "*3\r\n$4\r\nname\r\n:12\r\n*2\r\n+ok\r\n$-1\r\n";
    for (std::size_t size = 0; size < whole.size(); ++size) {
        std::string part = whole.substr(0, size);
        const auto taken = take_reply(part);
        ASSERT_TRUE(taken.ok());
        EXPECT_FALSE(taken.value().has_value());
        EXPECT_EQ(part.size(), size);
    }
    std::string bytes = whole + "-ERR no\r\n";
    const auto first = take_reply(bytes);
    ASSERT_TRUE(first.ok() && first.value());
    EXPECT_EQ(first.value()->elements[1].integer, 12);
    EXPECT_EQ(first.value()->elements[2].elements[1].kind, RespReply::Kind::kNull);
    const auto second = take_reply(bytes);
    ASSERT_TRUE(second.ok() && second.value());
    EXPECT_EQ(second.value()->text, "ERR no");
    for (std::string bad : {"x\r\n", "\r\n", ":1x\r\n", "$99999999999\r\n"}) {
        EXPECT_FALSE(take_reply(bad).ok()) << bad;
    }
    std::string deep;
    for (int i = 0; i < 100; ++i) {
        deep += "*1\r\n";
    }
    EXPECT_FALSE(take_reply(deep).ok());
}

TEST(RespAddress, HasAPortOrTheUsualOne) {
    EXPECT_EQ(parse_resp_address("host")->port, 6379);
    EXPECT_EQ(parse_resp_address("[::1]:7000")->to_string(), "[::1]:7000");
    EXPECT_EQ(parse_resp_address("h:7001")->to_string(), "h:7001");
    for (const char* bad : {"", ":1", "h:", "h:0", "h:x", "h:70000", "[::1", "[::1]x"}) {
        EXPECT_FALSE(parse_resp_address(bad).has_value()) << bad;
    }
}

}  // namespace
}  // namespace kumo::cli
