#include "cli/text.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(CliText, WritesNumbersForPeople) {
    EXPECT_EQ(with_thousands(0), "0");
    EXPECT_EQ(with_thousands(999), "999");
    EXPECT_EQ(with_thousands(63666), "63,666");
    EXPECT_EQ(with_thousands(1234567890), "1,234,567,890");
    EXPECT_EQ(counted_documents(1), "1 document");
    EXPECT_EQ(counted_documents(1000), "1,000 documents");
    EXPECT_EQ(human_bytes(1023), "1023 B");
    EXPECT_EQ(human_bytes(1536), "1.5 KB");
    EXPECT_EQ(human_bytes(std::uint64_t{3} << 30), "3.0 GB");
    EXPECT_EQ(clock_time(seconds(7)), "0:07");
    EXPECT_EQ(clock_time(seconds(3723)), "1:02:03");
    EXPECT_EQ(human_seconds(milliseconds(2850)), "2.9 s");
    EXPECT_EQ(human_seconds(seconds(90)), "1:30");
}

TEST(CliText, TakesControlOfTheTerminalFromNobody) {
    EXPECT_EQ(printable("a\x1b[31mb\r\nc\td  e \n"), "a [31mb c d e");
    EXPECT_EQ(printable("bad \xff byte"), "bad \xef\xbf\xbd byte");
    EXPECT_EQ(printable("\xc2\x9b"), "");
    EXPECT_EQ(printable("\x02g\x03++"), "\x02g\x03++");
}

TEST(CliText, ClipsByCodePointAndKeepsMarksPaired) {
    EXPECT_EQ(clip("short", 5), "short");
    EXPECT_EQ(clip("longer", 5), "long…");
    EXPECT_EQ(clip("日本語テキスト", 4), "日本語…");
    EXPECT_EQ(clip("\x02matched\x03 text", 5), "\x02matc\x03…");
    EXPECT_EQ(display_width("\x02日\x03x"), 2U);
}

TEST(CliText, RendersMarksAsColourOrNotAtAll) {
    EXPECT_EQ(render_marks("a \x02hit\x03", true), "a \x1b[1;33mhit\x1b[0m");
    EXPECT_EQ(render_marks("a \x02hit\x03", false), "a hit");
    EXPECT_EQ(styled("x", kBold, false), "x");
    EXPECT_EQ(styled("x", kBold, true), "\x1b[1mx\x1b[0m");
}

}  // namespace
}  // namespace kumo::cli
