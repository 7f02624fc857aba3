#include "wire/lines.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kumo::wire {
namespace {

std::string show(const Line& line) {
    return std::to_string(line.number) + (line.too_long ? "!" : ":" + std::string(line.text));
}

std::string split(const std::vector<ByteView>& chunks, std::size_t line_bytes_max = 100) {
    LineSplitter splitter(line_bytes_max);
    std::string out;
    for (ByteView chunk : chunks) {
        while (const auto line = splitter.next(chunk)) {
            out += show(*line) + "|";
        }
        EXPECT_TRUE(chunk.empty());
        EXPECT_LE(splitter.buffered_bytes(), line_bytes_max);
    }
    if (const auto line = splitter.finish()) {
        out += show(*line) + "|";
    }
    return out;
}

TEST(LineSplitter, CutsLines) {
    EXPECT_EQ(split({"a\nbb\r\n\nc"}), "1:a|2:bb|3:|4:c|");
    EXPECT_EQ(split({"a", "b", "c\nd", "\n"}), "1:abc|2:d|");
    EXPECT_EQ(split({"a\r", "\nb\r"}), "1:a|2:b|");
    EXPECT_EQ(split({"", "a\n", ""}), "1:a|");
    EXPECT_EQ(split({}), "");
}

TEST(LineSplitter, SkipsAndCountsLongLines) {
    EXPECT_EQ(split({"12345\n123456\nok"}, 5), "1:12345|2!|3:ok|");
    EXPECT_EQ(split({"123", "456", "789\nok\n", "123456"}, 5), "1!|2:ok|3!|");
    EXPECT_EQ(split({"\n", "x"}, 0), "1:|2!|");
}

TEST(LineSplitter, ResultDoesNotDependOnTheCuts) {
    SeededRandom random(5);
    for (int round = 0; round < 500; ++round) {
        std::string text;
        for (std::uint64_t n = random.below(60); n > 0; --n) {
            text.push_back("ab\r\n"[random.below(4)]);
        }
        std::vector<ByteView> pieces;
        for (ByteView rest = text; !rest.empty();) {
            const std::size_t n = 1 + random.below(rest.size());
            pieces.push_back(rest.substr(0, n));
            rest.remove_prefix(n);
        }
        ASSERT_EQ(split(pieces, 4), split({text}, 4));
    }
}

}  // namespace
}  // namespace kumo::wire
