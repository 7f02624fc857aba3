#include "search/text/norm.h"

#include <gtest/gtest.h>

namespace kumo::search {
namespace {

TEST(Norm, IsExactBelowForty) {
    for (std::uint32_t length = 0; length < 40; ++length) {
        EXPECT_EQ(decode_norm(encode_norm(length)), length);
    }
}

// Values of Lucene's SmallFloat.intToByte4 / byte4ToInt.
TEST(Norm, AgreesWithLucene) {
    EXPECT_EQ(encode_norm(40), 40);
    EXPECT_EQ(decode_norm(41), 42U);
    EXPECT_EQ(encode_norm(41), 40);
    EXPECT_EQ(decode_norm(48), 56U);
    EXPECT_EQ(decode_norm(255), 2013265944U);
    EXPECT_EQ(encode_norm(2013265944U), 255);
}

TEST(Norm, RoundsDownAndKeepsOrder) {
    std::uint8_t last = 0;
    for (std::uint32_t length = 0; length < 100000; ++length) {
        std::uint8_t norm = encode_norm(length);
        EXPECT_LE(decode_norm(norm), length);
        EXPECT_GE(norm, last);
        last = norm;
    }
    EXPECT_EQ(encode_norm(0xFFFFFFFFU), 255);
}

}  // namespace
}  // namespace kumo::search
