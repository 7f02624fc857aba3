#include "kv/types/internal/packed.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace kumo::kv::internal {
namespace {

std::string random_text(Random& random) {
    switch (random.below(8)) {
        case 0: return std::to_string(static_cast<std::int64_t>(random.next()));
        case 1: return std::to_string(static_cast<std::int64_t>(random.below(10000)) - 5000);
        case 2: return std::string(random.below(70), 'x');
        case 3: return std::string(random.below(9000), 'y');
        case 4: return std::to_string(static_cast<std::int64_t>(random.next() >> random.below(64)));
        default: return std::string(random.below(12), static_cast<char>('a' + random.below(4)));
    }
}

std::vector<std::string> texts(const Packed& packed) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < packed.bytes(); at = packed.next(at)) {
        out.emplace_back(packed.element(at).view());
    }
    std::vector<std::string> reversed;
    for (std::size_t at = packed.bytes(); at > 0;) {
        at = packed.previous(at);
        reversed.insert(reversed.begin(), std::string(packed.element(at).view()));
    }
    EXPECT_EQ(out, reversed);
    return out;
}

TEST(CanonicalInteger, TakesOnlyWhatItWouldWriteItself) {
    EXPECT_EQ(wire::parse_decimal("0"), 0);
    EXPECT_EQ(wire::parse_decimal("-12"), -12);
    EXPECT_EQ(wire::parse_decimal("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(
        wire::parse_decimal("-9223372036854775808"),
        std::numeric_limits<std::int64_t>::min()
    );
    for (const char* text :
         {"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1a", "9223372036854775808"}) {
        EXPECT_FALSE(wire::parse_decimal(text).has_value()) << text;
    }
}

TEST(Packed, KeepsEveryNumberAndLength) {
    Packed packed;
    std::vector<std::string> wanted;
    for (unsigned bits = 0; bits < 64; ++bits) {
        for (const std::int64_t sign : {1, -1}) {
            const auto value = sign * static_cast<std::int64_t>((std::uint64_t{1} << bits) >> 1);
            for (std::int64_t near = -1; near <= 1; ++near) {
                wanted.push_back(std::to_string(value + near));
                packed.append(wanted.back());
            }
        }
    }
    for (const std::size_t length : {0, 1, 63, 64, 127, 128, 8255, 8256, 70000}) {
        wanted.emplace_back(length, 'z');
        packed.append(wanted.back());
    }
    EXPECT_EQ(texts(packed), wanted);
    EXPECT_EQ(packed.count(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_EQ(packed.element(packed.seek(i)).view(), wanted[i]);
    }
}

TEST(Packed, DoesAsAVectorDoes) {
    SeededRandom random(7);
    Packed packed;
    std::vector<std::string> model;
    for (int step = 0; step < 4000; ++step) {
        const std::size_t at = random.below(model.size() + 1);
        const auto where = static_cast<std::ptrdiff_t>(at);
        const std::string text = random_text(random);
        if (model.size() > 60 || (random.chance(1, 3) && at < model.size())) {
            const std::size_t count = random.below(std::min<std::size_t>(model.size() - at, 5) + 1);
            packed.erase(packed.seek(at), count);
            model.erase(
                model.begin() + where,
                model.begin() + where + static_cast<std::ptrdiff_t>(count)
            );
        } else if (random.chance(1, 4) && at < model.size()) {
            packed.replace(packed.seek(at), text);
            model[at] = text;
        } else {
            packed.insert(packed.seek(at), text);
            model.insert(model.begin() + where, text);
        }
        ASSERT_EQ(packed.count(), model.size());
        if (step % 50 == 0) {
            ASSERT_EQ(texts(packed), model);
        }
    }
    Packed tail = packed.split(packed.seek(model.size() / 2));
    EXPECT_EQ(packed.count() + tail.count(), model.size());
    packed.append_all(tail);
    EXPECT_EQ(texts(packed), model);
    EXPECT_EQ(texts(Packed(packed)), model);
}

TEST(Packed, CountsMoreThanItsHeaderCan) {
    Packed packed;
    packed.append("x");
    Packed many;
    for (int i = 0; i < 1000; ++i) {
        many.append("1");
    }
    for (int i = 0; i < 66; ++i) {
        packed.append_all(many);
    }
    EXPECT_EQ(packed.count(), 66001U);
    packed.erase(0, 1001);
    EXPECT_EQ(packed.count(), 65000U);
    EXPECT_EQ(packed.element(packed.seek(64999)).view(), "1");
}

TEST(Packed, FindsNumbersByValueAndTextByBytes) {
    Packed packed;
    for (const char* text : {"a", "1", "01", "x", "1", "y"}) {
        packed.append(text);
    }
    EXPECT_EQ(packed.find(Needle("1"), 1), packed.seek(1));
    EXPECT_EQ(packed.find(Needle("01"), 1), packed.seek(2));
    EXPECT_EQ(packed.find(Needle("1"), 2), packed.seek(4));
    EXPECT_EQ(packed.find(Needle("y"), 2), packed.bytes());
}

TEST(Packed, KeepsDoublesExactly) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    Packed packed;
    const std::vector<double> values = {
        0.0,
        -0.0,
        1,
        -1,
        1.5,
        0.1,
        1e300,
        -1e-300,
        kInfinity,
        -kInfinity,
        9007199254740993.0,
        1e15};
    for (const double value : values) {
        packed.insert_real(packed.bytes(), value);
    }
    std::size_t at = 0;
    for (const double value : values) {
        EXPECT_EQ(packed.real(at), value);
        EXPECT_EQ(std::signbit(packed.real(at)), std::signbit(value));
        at = packed.next(at);
    }
}

TEST(Packed, BlocksAreAsLargeAsTheAllocatorMakesThem) {
    EXPECT_EQ(allocation_bytes(1), 8U);
    EXPECT_EQ(allocation_bytes(9), 16U);
    EXPECT_EQ(allocation_bytes(128), 128U);
    EXPECT_EQ(allocation_bytes(129), 160U);
    EXPECT_EQ(allocation_bytes(256), 256U);
    EXPECT_EQ(allocation_bytes(257), 320U);
    EXPECT_EQ(allocation_bytes(8200), 10240U);
}

}  // namespace
}  // namespace kumo::kv::internal
