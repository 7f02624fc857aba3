#include "cli/consistency/report.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

TEST(ConsistencyReport, ASecondIsALineUnderItsTitles) {
    SecondSummary second;
    second.second = 12;
    second.writes = 1234;
    second.longest_pause = std::chrono::milliseconds(2100);
    second.totals.stale = 3;
    const std::string line = second_line(second);
    EXPECT_EQ(line.size(), second_head().size());
    EXPECT_NE(line.find("1,234"), std::string::npos);
    EXPECT_NE(line.find("2100 ms"), std::string::npos);
    EXPECT_EQ(line.back(), '3');
}

TEST(ConsistencyReport, AServerThatWasNotReachedIsSaidToBeUnchecked) {
    NodeSummary good;
    good.url = "http://a:1";
    good.documents = 7;
    NodeSummary gone;
    gone.url = "http://b:1";
    gone.problem = "no answer";
    EXPECT_EQ(
        nodes_text({good, gone}),
        "http://a:1: 7 documents, 0 lost, 0 invented, 0 differing\n"
        "http://b:1: NOT CHECKED, no answer\n"
    );
}

TEST(ConsistencyReport, OneLostDocumentAnywhereIsTheVerdict) {
    NodeSummary node;
    EXPECT_EQ(verdict({}, {node}), "consistent: nothing lost, invented or stale");
    node.lost = 1;
    EXPECT_EQ(verdict({}, {node}).substr(0, 14), "NOT CONSISTENT");
    ConsistencyBook::Totals totals;
    totals.stale = 1;
    EXPECT_EQ(verdict(totals, {}).substr(0, 14), "NOT CONSISTENT");
}

}  // namespace
}  // namespace kumo::cli
