#include "cli/progress.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

Progress half_way() {
    Progress p;
    p.documents = 30000;
    p.bytes_done = 500;
    p.bytes_total = 1000;
    p.elapsed = std::chrono::seconds(2);
    return p;
}

TEST(ImportProgress, ShowsBarRateAndTimeLeft) {
    EXPECT_EQ(
        progress_bar(half_way(), 80),
        "[################----------------]   50%  30,000 documents  15,000/s  0:02 left"
    );
    EXPECT_EQ(progress_line(half_way()), " 50%  30,000 documents  15,000/s  0:02 left");
}

TEST(ImportProgress, FitsTheTerminal) {
    for (std::size_t width = 10; width < 120; ++width) {
        EXPECT_LE(progress_bar(half_way(), width).size(), width + 2) << width;  // "…" is 3 bytes
    }
}

TEST(ImportProgress, CountsFailures) {
    Progress p = half_way();
    p.failed = 7;
    EXPECT_NE(progress_line(p).find("7 failed"), std::string::npos);
}

TEST(ImportProgress, DoesNotGuessTheEndOfAPipe) {
    Progress p = half_way();
    p.bytes_total = 0;
    EXPECT_EQ(progress_bar(p, 80), "30,000 documents  15,000/s  0:02");
}

TEST(ImportProgress, SurvivesTheFirstInstant) {
    EXPECT_EQ(progress_line(Progress{}), "0 documents  0/s  0:00");
    Progress p;
    p.bytes_total = 10;
    EXPECT_EQ(progress_line(p), "  0%  0 documents  0/s");
}

TEST(ImportProgress, EndsAtAHundredPercentEvenIfTheFileGrew) {
    Progress p = half_way();
    p.bytes_done = 2000;
    EXPECT_EQ(progress_line(p), "100%  30,000 documents  15,000/s  0:00 left");
}

}  // namespace
}  // namespace kumo::cli
