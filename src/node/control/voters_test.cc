#include "node/control/voters.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::node {
namespace {

/// By number, "a1" is node 1 in zone a; behind it: l leads, v votes, f fit, x lost.
VoterCandidate candidate(const std::string& text) {
    VoterCandidate one;
    one.zone = text.substr(0, 1);
    one.id.bytes.back() = static_cast<std::uint8_t>(text[1] - '0');
    const std::string flags = text.substr(2);
    one.leads = flags.find('l') != std::string::npos;
    one.votes = flags.find('v') != std::string::npos;
    one.fit = flags.find('f') != std::string::npos;
    one.lost = flags.find('x') != std::string::npos;
    return one;
}

std::string chosen(const std::vector<std::string>& texts) {
    std::vector<VoterCandidate> candidates;
    for (const std::string& text : texts) {
        candidates.push_back(candidate(text));
    }
    std::string out;
    for (const cluster::NodeId& id : choose_voters(candidates)) {
        out += std::to_string(id.bytes.back());
    }
    return out;
}

TEST(Voters, AreAsManyAsTolerateTheMostFailures) {
    EXPECT_EQ(chosen({"a1lvf"}), "1");
    EXPECT_EQ(chosen({"a1lvf", "a2f"}), "12");
    EXPECT_EQ(chosen({"a1lvf", "a2vf", "a3f"}), "123");
    EXPECT_EQ(chosen({"a1lvf", "a2vf", "a3vf", "a4f"}), "123");
    EXPECT_EQ(chosen({"a1lvf", "a2vf", "a3vf", "a4f", "a5f"}), "12345");
    EXPECT_EQ(chosen({"a1lvf", "a2vf", "a3vf", "a4vf", "a5vf", "a6f", "a7f"}), "12345");
}

TEST(Voters, OfManyNodesTolerateThreeFailures) {
    std::vector<VoterCandidate> candidates;
    for (std::uint8_t number = 1; number <= 20; ++number) {
        VoterCandidate one;
        one.id.bytes.back() = number;
        one.fit = true;
        candidates.push_back(one);
        EXPECT_EQ(
            choose_voters(candidates).size(),
            number < 3    ? number
            : number < 5  ? 3U
            : number < 10 ? 5U
                          : 7U
        );
    }
}

TEST(Voters, AreThoseThatHaveTheLog) {
    EXPECT_EQ(chosen({"a1lvf", "a2", "a3f"}), "13");
    EXPECT_EQ(chosen({"a1lvf", "a2v", "a3v"}), "123") << "who is down votes when it is back";
}

TEST(Voters, ThatAreLostAreReplacedIfSomebodyCan) {
    EXPECT_EQ(chosen({"a1lvf", "a2vx", "a3vf", "a4f"}), "134");
    EXPECT_EQ(chosen({"a1lvf", "a2vx", "a3vf"}), "123");
    EXPECT_EQ(chosen({"a1lvf", "a2vx", "a3vf", "a4"}), "123");
}

TEST(Voters, AreSpreadOverZones) {
    EXPECT_EQ(chosen({"a1lvf", "a2vf", "a3vf", "b4f", "c5f"}), "12345");
    EXPECT_EQ(chosen({"a1vf", "a2lvf", "b3vf", "c4f"}), "234");
    EXPECT_EQ(chosen({"a1lvf", "a2f", "a3f", "b4f", "b5f", "b6f", "c7f", "c8f", "c9f"}), "12457");
}

TEST(Voters, DoNotChangeWithoutNeed) {
    EXPECT_EQ(chosen({"a1f", "a2f", "a3lvf", "a4vf", "a5vf", "a6vf", "a7vf"}), "34567");
    EXPECT_EQ(chosen({"a1f", "a2lvf", "b3f", "b4vf", "c5f", "c6vf"}), "12346");
}

TEST(Voters, IncludeWhoLeads) {
    EXPECT_EQ(chosen({"a1vf", "a2vf", "a3vf", "a4lvx"}), "124");
}

}  // namespace
}  // namespace kumo::node
