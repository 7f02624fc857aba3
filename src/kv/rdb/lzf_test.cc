#include "kv/rdb/lzf.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace kumo::kv {
namespace {

void expect_round_trip(const std::string& text) {
    const auto packed = lzf_compress(text);
    if (!packed) {
        return;
    }
    EXPECT_LE(packed->size() + 4, text.size());
    std::string out;
    ASSERT_TRUE(lzf_decompress(*packed, text.size(), &out));
    EXPECT_EQ(out, text);
    EXPECT_FALSE(lzf_decompress(*packed, text.size() + 1, &out));
    EXPECT_FALSE(lzf_decompress(*packed, text.size() - 1, &out));
    EXPECT_FALSE(lzf_decompress(packed->substr(1), text.size(), &out) && out == text);
}

TEST(Lzf, GivesBackWhatItCompressed) {
    std::uint32_t state = 1;
    const auto next = [&state] {
        return state = state * 1664525U + 1013904223U;
    };
    for (std::size_t size = 0; size < 3000; size = size * 5 / 4 + 1) {
        expect_round_trip(std::string(size, 'a'));
        std::string words;
        while (words.size() < size) {
            words += "word" + std::to_string(next() >> 28U) + " ";
        }
        expect_round_trip(words);
    }
    // A match that is just near enough, and one that is not.
    for (const std::size_t gap : {8185U, 8186U, 8187U, 8188U}) {
        std::string far = "needle!";
        while (far.size() < gap) {
            far.push_back(static_cast<char>(next() >> 24U));
        }
        expect_round_trip(far + "needle!needle!needle!needle!");
    }
}

TEST(Lzf, RefusesToCompressWhatDoesNotGetShorter) {
    EXPECT_EQ(lzf_compress(""), std::nullopt);
    EXPECT_EQ(lzf_compress("abcdefghijklmnopqrstuvwxyz"), std::nullopt);
    EXPECT_TRUE(lzf_compress(std::string(30, 'a')).has_value());
}

TEST(Lzf, RefusesDamagedBytes) {
    std::string out;
    using namespace std::string_literals;
    EXPECT_FALSE(lzf_decompress("\x20\x00"s, 3, &out)) << "a distance before the beginning";
    EXPECT_FALSE(lzf_decompress("\x00"s, 1, &out)) << "a literal that is not there";
    EXPECT_FALSE(lzf_decompress(
        "\x00"
        "a\x20"s,
        4,
        &out
    )) << "half a distance";
    EXPECT_FALSE(lzf_decompress(
        "\x00"
        "a\xe0"s,
        4,
        &out
    )) << "no length, no distance";
    EXPECT_FALSE(lzf_decompress(
        "\x00"
        "a"s,
        std::size_t{1} << 40U,
        &out
    )) << "far too much";
    EXPECT_LT(out.capacity(), 1000U);
    EXPECT_TRUE(lzf_decompress(
        "\x00"
        "a\x20\x00"s,
        4,
        &out
    ));
    EXPECT_EQ(out, "aaaa");
}

}  // namespace
}  // namespace kumo::kv
