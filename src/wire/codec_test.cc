#include "wire/crc32c.h"
#include "wire/murmur3.h"
#include "wire/utf8.h"
#include "wire/varint.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace kumo::wire {
namespace {

TEST(Crc32c, MatchesPublishedVectors) {
    // RFC 3720 B.4.
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
    EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
    std::string ascending;
    for (int i = 0; i < 32; ++i) {
        ascending.push_back(static_cast<char>(i));
    }
    EXPECT_EQ(crc32c(ascending), 0x46DD794EU);
    EXPECT_EQ(crc32c(std::string(ascending.rbegin(), ascending.rend())), 0x113FDB5CU);
    EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
    EXPECT_EQ(crc32c(""), 0U);
}

TEST(Crc32c, FormsAgreeAndCompose) {
    std::string bytes;
    for (std::size_t i = 0; i < 100; ++i) {
        bytes.push_back(static_cast<char>(i * 37));
        EXPECT_EQ(crc32c(bytes), crc32c_portable(bytes));
        EXPECT_EQ(
            crc32c(ByteView(bytes).substr(i / 2), crc32c(ByteView(bytes).substr(0, i / 2))),
            crc32c(bytes)
        );
    }
}

TEST(Murmur3, MatchesPublishedVectors) {
    EXPECT_EQ(murmur3_32(""), 0U);
    EXPECT_EQ(murmur3_32("", 1), 0x514E28B7U);
    EXPECT_EQ(murmur3_32("", 0xFFFFFFFFU), 0x81F16F39U);
    EXPECT_EQ(murmur3_32("\xFF\xFF\xFF\xFF"), 0x76293B50U);
    EXPECT_EQ(murmur3_32("\x21\x43\x65\x87"), 0xF55B516BU);
    EXPECT_EQ(murmur3_32("\x21\x43\x65\x87", 0x5082EDEEU), 0x2362F9DEU);
    EXPECT_EQ(murmur3_32("\x21\x43\x65"), 0x7E4A8634U);
    EXPECT_EQ(murmur3_32("\x21\x43"), 0xA0F7B07AU);
    EXPECT_EQ(murmur3_32("\x21"), 0x72661CF4U);
    EXPECT_EQ(murmur3_32("Hello, world!", 0x9747b28cU), 0x24884CBAU);
}

TEST(Varint, RoundTrips) {
    for (int shift = 0; shift < 64; ++shift) {
        for (const std::uint64_t delta : {0ULL, 1ULL, ~0ULL}) {
            const std::uint64_t value = (1ULL << shift) + delta;
            std::string bytes;
            append_varint(bytes, value);
            ByteView in = bytes;
            EXPECT_EQ(read_varint(in), value);
            EXPECT_TRUE(in.empty());
            const auto as_signed = static_cast<std::int64_t>(value);
            EXPECT_EQ(zigzag_decode(zigzag_encode(as_signed)), as_signed);
        }
    }
    EXPECT_EQ(zigzag_encode(-1), 1U);
    EXPECT_EQ(zigzag_encode(std::numeric_limits<std::int64_t>::min()), ~0ULL);
}

TEST(Varint, RefusesCutAndOversized) {
    for (const std::string& bad :
         {std::string(),
          std::string("\x80"),
          std::string(10, '\x80'),
          std::string(9, '\xFF') + '\x02',
          std::string(11, '\x80')}) {
        ByteView in = bad;
        EXPECT_FALSE(read_varint(in).has_value());
        EXPECT_EQ(in.size(), bad.size());
    }
}

TEST(Varint, SizedStringsStayInside) {
    std::string bytes;
    append_sized(bytes, "kumo");
    ByteView in = bytes;
    EXPECT_EQ(read_sized(in), "kumo");
    in = ByteView(bytes).substr(0, 4);
    EXPECT_FALSE(read_sized(in).has_value());
    EXPECT_EQ(in.size(), 4U);
}

TEST(Utf8, AcceptsWhatRfc3629Does) {
    EXPECT_TRUE(utf8_valid("plain, and longer than eight bytes"));
    EXPECT_TRUE(utf8_valid("\u00e9\u6771\U0001F600"));
    EXPECT_TRUE(utf8_valid("\xF4\x8F\xBF\xBF"));
    for (const char* bad :
         {"\xC0\x80",
          "\xC1\xBF",
          "\xE0\x80\x80",
          "\xED\xA0\x80",
          "\xF0\x80\x80\x80",
          "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80",
          "\x80",
          "\xE6\x9D",
          "\xFF"}) {
        EXPECT_FALSE(utf8_valid(bad)) << bad;
    }
    EXPECT_EQ(utf8_valid_prefix("ab\u6771\x80z"), 5U);
}

TEST(Utf8, DecodesAndEncodesEveryCodePoint) {
    for (char32_t c = 0; c <= 0x10FFFF; c += (c < 0x3000 ? 1 : 97)) {
        if (c >= 0xD800 && c <= 0xDFFF) {
            continue;
        }
        std::string bytes;
        append_utf8(bytes, c);
        const DecodedCodePoint d = utf8_decode(bytes);
        ASSERT_TRUE(d.valid);
        ASSERT_EQ(d.code_point, c);
        ASSERT_EQ(d.bytes, bytes.size());
    }
}

TEST(Utf8, RepairReplacesEachMaximalInvalidSequence) {
    // The example of Unicode 15, table 3-8.
    EXPECT_EQ(
        utf8_repair("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
        "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd"
    );
    EXPECT_EQ(utf8_repair("fine"), "fine");
    std::string lone;
    append_utf8(lone, 0xD800);
    EXPECT_EQ(lone, "\uFFFD");
}

}  // namespace
}  // namespace kumo::wire
