#include "wire/resp.h"

#include "wire/crc16.h"
#include "wire/crc64.h"
#include "wire/decimal.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace kumo::wire {
namespace {

using Outcome = RespParser::Outcome;

/// What the parser makes of `input` cut into pieces of that size: one line a request, its arguments
/// in brackets; the error in the end.
std::string transcript(RespParser& parser, ByteView input, std::size_t piece_bytes) {
    std::string out;
    while (true) {
        const ByteView piece = input.substr(0, piece_bytes);
        input.remove_prefix(piece.size());
        parser.feed(piece);
        Outcome outcome = parser.next();
        for (; outcome == Outcome::kRequest; outcome = parser.next()) {
            for (const ByteView argument : parser.arguments()) {
                out += "[" + std::string(argument) + "]";
            }
            out += "\n";
        }
        if (outcome == Outcome::kError) {
            return out + parser.error();
        }
        if (input.empty()) {
            return out;
        }
    }
}

std::string read_all(ByteView input, std::size_t piece_bytes = 1 << 20) {
    RespParser parser;
    return transcript(parser, input, piece_bytes);
}

std::string read_unauthenticated(ByteView input) {
    RespParser parser;
    parser.set_authenticated(false);
    return transcript(parser, input, 1);
}

TEST(RespParser, ReadsPipelinedRequestsHoweverTheyAreCut) {
    const std::string input =
        "*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\nPING\r\n\r\n*0\r\n*-10\r\n"
        "*1\r\n$0\r\n\r\n set  k 'v w' \n";
    const std::string expected = "[GET][a\r\nb]\n[PING]\n\n\n\n[]\n[set][k][v w]\n";
    for (std::size_t piece = 1; piece <= input.size(); ++piece) {
        EXPECT_EQ(read_all(input, piece), expected) << piece;
    }
}

TEST(RespParser, RefusesCountsOfArgumentsAsRedisDoes) {
    const std::string expected = "Protocol error: invalid multibulk length";
    for (const char* count :
         {"",
          "x",
          "3000000000",
          "2147483648",
          "01",
          "-0",
          "+1",
          " 1",
          "1 ",
          "99999999999999999999"}) {
        EXPECT_EQ(read_all("*" + std::string(count) + "\r\n"), expected) << count;
    }
}

TEST(RespParser, RefusesLengthsOfBulksAsRedisDoes) {
    const std::string expected = "Protocol error: invalid bulk length";
    for (const char* size : {"", "blabla", "2000000000", "-1", "-10", "536870913", "007"}) {
        EXPECT_EQ(read_all("*1\r\n$" + std::string(size) + "\r\n"), expected) << size;
    }
}

TEST(RespParser, NamesTheByteThatShouldHaveBeenADollar) {
    EXPECT_EQ(
        read_all("*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", 1),
        "Protocol error: expected '$', got 'f'"
    );
    EXPECT_EQ(read_all("*1\r\n\r\n"), "Protocol error: expected '$', got '\r'");
}

TEST(RespParser, GivesUpOnLinesThatDoNotEnd) {
    const std::string filler(64 * 1024, 'A');
    EXPECT_EQ(read_all(std::string(1, '\0') + filler), "Protocol error: too big inline request");
    EXPECT_EQ(
        read_all("*" + std::string(1, '\0') + filler, 999),
        "Protocol error: too big mbulk count string"
    );
    EXPECT_EQ(read_all("*1\r\n$" + filler), "Protocol error: too big bulk count string");
    EXPECT_EQ(read_all(filler + "A\n"), "Protocol error: too big inline request");
    EXPECT_EQ(read_all(filler + "\n"), "[" + filler + "]\n");
}

TEST(RespParser, StaysInErrorOnceThereWasOne) {
    RespParser parser;
    parser.feed("set \"a\"b c\r\nPING\r\n");
    EXPECT_EQ(parser.next(), Outcome::kError);
    EXPECT_EQ(parser.error(), "Protocol error: unbalanced quotes in request");
    parser.feed("PING\r\n");
    EXPECT_EQ(parser.next(), Outcome::kError);
}

TEST(RespParser, AllowsLittleBeforeAuthentication) {
    EXPECT_EQ(read_unauthenticated("*11\r\n"), "Protocol error: unauthenticated multibulk length");
    EXPECT_EQ(
        read_unauthenticated("*10\r\n$16385\r\n"),
        "Protocol error: unauthenticated bulk length"
    );
    EXPECT_EQ(read_unauthenticated("*3000000000\r\n"), "Protocol error: invalid multibulk length");
    EXPECT_EQ(read_unauthenticated("*1\r\n$2\r\nhi\r\n"), "[hi]\n");
}

TEST(RespParser, TakesNoMemoryForWhatIsOnlyAnnounced) {
    RespParser parser;
    parser.feed("*2147483647\r\n$536870912\r\nabc");
    EXPECT_EQ(parser.next(), Outcome::kNeedMore);
    parser.feed("def");
    EXPECT_EQ(parser.next(), Outcome::kNeedMore);
    EXPECT_EQ(parser.awaited_bytes(), 536870912U);
    EXPECT_LT(parser.memory_bytes(), 4096U);
}

TEST(RespParser, GivesMemoryBackWhenABigRequestIsThrough) {
    RespParser parser;
    const std::string value(8 << 20, 'v');
    parser.feed("*1\r\n$8388608\r\n");
    EXPECT_EQ(parser.next(), Outcome::kNeedMore);
    for (std::size_t at = 0; at < value.size(); at += 16384) {
        parser.feed(ByteView(value).substr(at, 16384));
        EXPECT_EQ(parser.next(), Outcome::kNeedMore);
    }
    parser.feed("\r\n");
    ASSERT_EQ(parser.next(), Outcome::kRequest);
    EXPECT_EQ(parser.arguments().at(0), value);
    EXPECT_LE(parser.memory_bytes(), value.size() + 64);
    EXPECT_EQ(parser.next(), Outcome::kNeedMore);
    EXPECT_LT(parser.memory_bytes(), 200U * 1024);
    EXPECT_EQ(parser.buffered_bytes(), 0U);
}

TEST(RespParser, CountsWhatIsBuffered) {
    RespParser parser;
    parser.feed("PING\r\nPI");
    EXPECT_EQ(parser.buffered_bytes(), 8U);
    EXPECT_EQ(parser.next(), Outcome::kRequest);
    EXPECT_EQ(parser.buffered_bytes(), 2U);
}

TEST(SplitQuoted, KnowsTheEscapesOfRedis) {
    std::vector<std::string> words;
    ASSERT_TRUE(split_quoted(R"(a "\x41\n\r\t\b\a\\\"\q" 'it\'s \n' "" x"y" "\xZZ")", &words));
    EXPECT_EQ(
        words,
        (std::vector<std::string>{"a", "A\n\r\t\b\a\\\"q", "it's \\n", "", "xy", "xZZ"})
    );
    ASSERT_TRUE(split_quoted("  \t ", &words));
    EXPECT_TRUE(words.empty());
}

TEST(SplitQuoted, RefusesQuotesThatDoNotEndAWord) {
    std::vector<std::string> words;
    for (const char* line : {"\"", "'", "\"a\\\"", "'a\\'", "\"a\"b", "'a'b", "a\"", "\"a\\"}) {
        EXPECT_FALSE(split_quoted(line, &words)) << line;
    }
}

std::string written(int protocol) {
    RespWriter writer(protocol);
    writer.map(1);
    writer.bulk("k");
    writer.set(1);
    writer.boolean(true);
    writer.push(1);
    writer.real(1.5);
    writer.null();
    writer.null_array();
    writer.big_number("123");
    writer.verbatim("txt", "hi");
    return writer.take();
}

TEST(RespWriter, WritesWhatTheVersionOfTheProtocolHas) {
    EXPECT_EQ(
        written(2),
        "*2\r\n$1\r\nk\r\n*1\r\n:1\r\n*1\r\n$3\r\n1.5\r\n$-1\r\n*-1\r\n$3\r\n123\r\n$2\r\nhi\r\n"
    );
    EXPECT_EQ(
        written(3),
        "%1\r\n$1\r\nk\r\n~1\r\n#t\r\n>1\r\n,1.5\r\n_\r\n_\r\n(123\r\n=6\r\ntxt:hi\r\n"
    );
}

TEST(RespWriter, WritesWhatBothVersionsHave) {
    RespWriter writer;
    writer.ok();
    writer.error("ERR a\r\nb");
    writer.integer(std::numeric_limits<std::int64_t>::min());
    writer.bulk_integer(-12);
    writer.array(0);
    writer.bulk("");
    writer.raw(":7\r\n");
    EXPECT_EQ(
        writer.bytes(),
        "+OK\r\n-ERR a  b\r\n:-9223372036854775808\r\n$3\r\n-12\r\n*0\r\n$0\r\n\r\n:7\r\n"
    );
}

TEST(RespWriter, PutsHeadersBeforePartsThatAreThere) {
    RespWriter writer(3);
    writer.ok();
    const std::size_t mark = writer.mark();
    writer.integer(1);
    writer.integer(2);
    writer.insert_map(mark, 1);
    EXPECT_EQ(writer.bytes(), "+OK\r\n%1\r\n:1\r\n:2\r\n");
    writer.rewind(mark);
    writer.insert_set(mark, 0);
    writer.set_protocol(2);
    writer.insert_map(writer.mark(), 3);
    writer.insert_array(mark, 2);
    EXPECT_EQ(writer.take(), "+OK\r\n*2\r\n~0\r\n*6\r\n");
    EXPECT_TRUE(writer.empty());
}

TEST(FormatDouble, PrintsAsRedis7) {
    EXPECT_EQ(format_double(0.1), "0.10000000000000001");
    EXPECT_EQ(format_double(3), "3");
    EXPECT_EQ(format_double(-0.0), "-0");
    EXPECT_EQ(format_double(1e16), "10000000000000000");
    EXPECT_EQ(format_double(1e17), "1e+17");
    EXPECT_EQ(format_double(-std::numeric_limits<double>::infinity()), "-inf");
    EXPECT_EQ(format_double(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(ParseDecimal, TakesOnlyTheCanonicalSpelling) {
    EXPECT_EQ(parse_decimal("0"), 0);
    EXPECT_EQ(parse_decimal("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(parse_decimal("9223372036854775808"), std::nullopt);
    for (const char* text : {"", "-", "-0", "00", "01", "+1", "1 ", " 1", "1.0", "--1", "0x1"}) {
        EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
    }
}

TEST(Crc16, MatchesThePublishedVectorAndTheSlotsOfRedis) {
    EXPECT_EQ(crc16("123456789"), 0x31C3);
    EXPECT_EQ(key_slot("foo"), 12182);
    EXPECT_EQ(key_slot("{user1000}.following"), key_slot("user1000"));
    EXPECT_EQ(key_slot(""), 0);
}

TEST(Crc16, TakesTheFirstTagThatIsNotEmpty) {
    EXPECT_EQ(slot_part("foo{}{bar}"), "foo{}{bar}");
    EXPECT_EQ(slot_part("foo{{bar}}zap"), "{bar");
    EXPECT_EQ(slot_part("foo{bar}{zap}"), "bar");
    EXPECT_EQ(slot_part("foo{bar"), "foo{bar");
    EXPECT_EQ(slot_part("foo}bar{x}"), "x");
}

TEST(Crc64, MatchesThePublishedVectorsHoweverItIsCut) {
    EXPECT_EQ(crc64("123456789"), 0xE9C6D914C4B8D9CAULL);
    EXPECT_EQ(crc64(""), 0U);
    const std::string text =
        "This is a test of the emergency broadcast system. It is longer than eight bytes.";
    const std::uint64_t whole = crc64(text);
    for (std::size_t at = 0; at <= text.size(); ++at) {
        EXPECT_EQ(crc64(text.substr(at), crc64(text.substr(0, at))), whole);
    }
}

}  // namespace
}  // namespace kumo::wire
