#include "node/control/key_comparison.h"

#include <gtest/gtest.h>

namespace kumo::node {
namespace {

using Nodes = std::vector<cluster::NodeId>;

cluster::NodeId node(char letter) {
    return uuid_from_bytes(std::string(16, letter)).value();
}

MonotonicTime at(int seconds) {
    return MonotonicTime() + std::chrono::seconds(100 + seconds);
}

TEST(KeyComparison, AsksUntilThereIsAnAnswer) {
    KeyComparison keys;
    keys.on_connected(node('a'));
    EXPECT_EQ(keys.due(at(0)), Nodes()) << "there is nothing to compare with";
    keys.set_own("xy");
    EXPECT_EQ(keys.due(at(0)), Nodes{node('a')});
    EXPECT_EQ(keys.due(at(0)), Nodes());
    keys.on_answer(node('a'), Error{ErrorCode::kUnavailable, "not yet"});
    EXPECT_EQ(keys.due(at(1)), Nodes{node('a')});
    keys.on_answer(node('a'), std::string("xy"));
    EXPECT_EQ(keys.due(at(2)), Nodes());
    EXPECT_TRUE(keys.others().empty());
    EXPECT_TRUE(keys.to_name(at(2)).empty());
}

TEST(KeyComparison, NamesAnotherKeyOnceAMinuteUntilItIsMended) {
    KeyComparison keys;
    keys.set_own("xy");
    keys.on_connected(node('a'));
    keys.on_answer(node('a'), std::string("xz"));
    EXPECT_EQ(keys.others(), std::set{node('a')});
    EXPECT_EQ(keys.to_name(at(0)), Nodes{node('a')});
    EXPECT_EQ(keys.to_name(at(59)), Nodes());
    EXPECT_EQ(keys.to_name(at(60)), Nodes{node('a')});
    // A new run has to be asked, and does not get another line in the same minute.
    keys.on_gone(node('a'));
    EXPECT_TRUE(keys.others().empty());
    keys.on_connected(node('a'));
    keys.on_answer(node('a'), std::string("xz"));
    EXPECT_EQ(keys.to_name(at(61)), Nodes());
    keys.on_gone(node('a'));
    keys.on_connected(node('a'));
    EXPECT_EQ(keys.mended(), Nodes());
    keys.on_answer(node('a'), std::string("xy"));
    EXPECT_EQ(keys.mended(), Nodes{node('a')});
    EXPECT_EQ(keys.mended(), Nodes());
    EXPECT_TRUE(keys.others().empty());
}

TEST(KeyComparison, LeavesVersionsAloneThatDoNotKnowTheQuestion) {
    KeyComparison keys;
    keys.set_own("xy");
    keys.on_connected(node('a'));
    keys.on_connected(node('b'));
    keys.on_answer(node('a'), Error{ErrorCode::kUnsupported, "what?"});
    keys.on_answer(node('b'), std::string("too long"));
    EXPECT_EQ(keys.due(at(5)), Nodes());
    EXPECT_TRUE(keys.others().empty());
    keys.on_answer(node('c'), std::string("xz"));
    EXPECT_TRUE(keys.others().empty()) << "it is not connected";
}

}  // namespace
}  // namespace kumo::node
