#include "kv/types/hash.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace kumo::kv {
namespace {

std::map<std::string, std::string> fields(const HashValue& hash) {
    std::map<std::string, std::string> out;
    hash.visit([&](const Element& field, const Element& value) {
        EXPECT_TRUE(out.emplace(field.view(), value.view()).second);
        return true;
    });
    return out;
}

TEST(HashValue, TellsTheEncodingsOfRedis) {
    const EncodingLimits limits;
    HashValue hash;
    for (int i = 0; i < 512; ++i) {
        EXPECT_TRUE(hash.set(std::to_string(i), std::string(64, 'v'), limits));
    }
    EXPECT_EQ(hash.encoding(), "listpack");
    EXPECT_TRUE(hash.set("x", "y", limits));
    EXPECT_EQ(hash.encoding(), "hashtable");

    HashValue longer;
    longer.set("a", "b", limits);
    longer.set("a", std::string(65, 'v'), limits);
    EXPECT_EQ(longer.encoding(), "hashtable");
}

TEST(HashValue, DoesAsAStdMapDoes) {
    for (const std::uint64_t range : {20, 2000}) {
        const EncodingLimits limits;
        SeededRandom random(range);
        HashValue hash;
        std::map<std::string, std::string> model;
        for (std::uint64_t step = 0; step < 20 * range; ++step) {
            const std::string field =
                (range > 100 ? "f" : "") + std::to_string(random.below(range));
            const std::string value = random.chance(1, 2) ? std::to_string(random.next())
                                                          : std::string(random.below(40), 'v');
            if (random.chance((step / (4 * range)) % 2 == 0 ? 3 : 1, 4)) {
                ASSERT_EQ(hash.set(field, value, limits), !model.contains(field));
                model[field] = value;
            } else {
                ASSERT_EQ(hash.remove(field), model.erase(field) == 1);
            }
            ASSERT_EQ(hash.size(), model.size());
            const auto got = hash.get(field);
            const auto wanted = model.find(field);
            ASSERT_EQ(got.has_value(), wanted != model.end());
            ASSERT_EQ(hash.contains(field), got.has_value());
            if (got) {
                ASSERT_EQ(got->view(), wanted->second);
            }
        }
        EXPECT_EQ(fields(hash), model);
        const auto copied = hash.copy();
        hash.set("one more", "v", limits);
        EXPECT_EQ(fields(static_cast<const HashValue&>(*copied)), model);
        const auto [field, value] = hash.random(random);
        EXPECT_EQ(hash.get(field.view())->view(), value.view());
    }
}

TEST(HashValue, AScanGivesFieldsWithTheirValues) {
    const EncodingLimits limits;
    HashValue hash;
    for (int i = 0; i < 5000; ++i) {
        hash.set("f" + std::to_string(i), "v" + std::to_string(i), limits);
    }
    std::map<std::string, std::string> seen;
    std::uint64_t cursor = 0;
    do {
        cursor = hash.scan(cursor, 10, [&](const Element& field, const Element& value) {
            seen.emplace(field.view(), value.view());
        });
    } while (cursor != 0);
    EXPECT_EQ(seen, fields(hash));
}

}  // namespace
}  // namespace kumo::kv
