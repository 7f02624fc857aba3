#include "kv/keyspace/key_table.h"

#include "base/random.h"
#include "kv/keyspace/database.h"
#include "wire/crc16.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace kumo::kv {
namespace {

constexpr std::uint64_t kSeed = 42;

TEST(Database, HoldsWhatAMapHolds) {
    SeededRandom random(7);
    Database database(kSeed, false);
    std::map<std::string, std::string> expected;
    for (int i = 0; i < 200'000; ++i) {
        const std::string key = "key" + std::to_string(random.below(20'000));
        if (random.chance(1, 3)) {
            Entry* entry = database.find(key);
            ASSERT_EQ(entry != nullptr, expected.erase(key) == 1);
            if (entry != nullptr) {
                database.erase(entry);
            }
            continue;
        }
        const std::string value(random.below(300), 'v');
        database.set_string(key, value, StringEncoding::kRaw, false);
        expected[key] = value;
    }
    ASSERT_EQ(database.size(), expected.size());
    for (const auto& [key, value] : expected) {
        const Entry* entry = database.find(key);
        ASSERT_NE(entry, nullptr);
        EXPECT_EQ(entry->string(), value);
    }
}

/// Scans while keys come and go; those that stay must all be met.
void scan_while_it_changes(bool slotted, int growth) {
    SeededRandom random(3);
    Database database(kSeed, slotted);
    std::set<std::string> staying;
    for (int i = 0; i < 3000; ++i) {
        const std::string key = "stay" + std::to_string(i);
        database.set_string(key, "x", StringEncoding::kRaw, false);
        staying.insert(key);
    }
    ScanCursor cursor = 0;
    int made = 0;
    do {
        cursor = database.scan(cursor, [&staying](Entry* entry) {
            staying.erase(std::string(entry->key()));
        });
        for (int i = 0; i < growth; ++i, ++made) {
            database.set_string("go" + std::to_string(made), "y", StringEncoding::kRaw, false);
        }
        if (random.chance(1, 2)) {
            for (int i = 0; i < growth && made > 0; ++i) {
                Entry* entry = database.find(
                    "go" + std::to_string(random.below(static_cast<std::uint64_t>(made)))
                );
                if (entry != nullptr) {
                    database.erase(entry);
                }
            }
        }
    } while (cursor != 0);
    EXPECT_TRUE(staying.empty()) << staying.size() << " keys were not met";
}

TEST(Database, ScanMeetsEveryKeyThatStaysWhileTheTableGrows) {
    scan_while_it_changes(false, 20);
    scan_while_it_changes(false, 0);
}

TEST(Database, ScanMeetsEveryKeyThatStaysInASlottedTable) {
    scan_while_it_changes(true, 2);
}

TEST(Database, CountsKeysThatExpire) {
    Database database(kSeed, false);
    Entry* entry = database.set_string("a", "1", StringEncoding::kInt, false);
    entry = database.set_expiry(entry, 1000);
    EXPECT_EQ(database.volatile_size(), 1U);
    EXPECT_EQ(entry->string(), "1");
    EXPECT_TRUE(entry->expired(1000));
    EXPECT_FALSE(entry->expired(999));
    database.set_string("a", "2", StringEncoding::kInt, true);
    EXPECT_EQ(database.volatile_size(), 1U);
    database.set_string("a", "3", StringEncoding::kInt, false);
    EXPECT_EQ(database.volatile_size(), 0U);
}

void find_few_that_expire(bool slotted) {
    Database database(kSeed, slotted);
    for (int n = 0; n < 20'000; ++n) {
        database.set_string("k" + std::to_string(n), "v", StringEncoding::kRaw, false);
    }
    SeededRandom random(1);
    ScanCursor cursor = 0;
    EXPECT_EQ(database.random_volatile(random), nullptr);
    EXPECT_EQ(database.next_volatile(&cursor), nullptr);
    std::set<std::string> few;
    for (const char* key : {"k7", "k77", "k777"}) {
        database.set_expiry(database.find(key), 1);
        few.insert(key);
    }
    while (!few.empty()) {
        Entry* entry = database.next_volatile(&cursor);
        ASSERT_NE(entry, nullptr);
        EXPECT_EQ(few.erase(std::string(entry->key())), 1U);
        database.erase(entry);
    }
    EXPECT_EQ(database.next_volatile(&cursor), nullptr);
    EXPECT_EQ(database.volatile_size(), 0U);
}

TEST(Database, FindsTheFewKeysThatExpire) {
    find_few_that_expire(false);
    find_few_that_expire(true);
}

TEST(Database, ASlottedTableFindsTheOneKeyThatExpiresAtOnce) {
    SeededRandom random(1);
    Database database(kSeed, true);
    for (int n = 0; n < 10'000; ++n) {
        database.set_string("k" + std::to_string(n), "v", StringEncoding::kRaw, false);
    }
    database.set_expiry(database.find("k5"), 1);
    Entry* found = database.random_volatile(random);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->key(), "k5");
    Database other = database.sibling();
    database.exchange_slot(wire::key_slot("k5"), other);
    EXPECT_EQ(database.random_volatile(random), nullptr);
    ASSERT_NE(other.random_volatile(random), nullptr);
    EXPECT_EQ(other.random_volatile(random)->key(), "k5");
    for (std::size_t left = database.size(); left > 0; --left) {
        database.erase(database.random(random));
    }
    EXPECT_EQ(database.size(), 0U);
}

TEST(Database, TakesWhatRoomWasReservedFor) {
    for (const std::size_t reserved : {std::size_t{100}, std::size_t{5000}, std::size_t{100'000}}) {
        Database database(kSeed, false);
        database.reserve(reserved);
        for (std::size_t i = 0; i < reserved * 2; ++i) {
            database.set_string("k" + std::to_string(i), "v", StringEncoding::kRaw, false);
        }
        EXPECT_EQ(database.size(), reserved * 2);
    }
}

TEST(Database, GoesInTheOrderOfItsScanWithoutCrowding) {
    Database database(kSeed, false);
    for (int i = 0; i < 300'000; ++i) {
        database.set_string("k" + std::to_string(i), "v", StringEncoding::kRaw, false);
    }
    ScanCursor cursor = 0;
    do {
        std::vector<Entry*> met;
        cursor = database.scan(cursor, [&met](Entry* entry) { met.push_back(entry); });
        for (Entry* entry : met) {
            database.erase(entry);
        }
    } while (cursor != 0);
    EXPECT_EQ(database.size(), 0U);
}

TEST(Database, IsDiscardedInPieces) {
    for (const bool slotted : {false, true}) {
        Database database(kSeed, slotted);
        for (int i = 0; i < 60'000; ++i) {
            database.set_string("k" + std::to_string(i), "v", StringEncoding::kRaw, false);
        }
        int pieces = 0;
        while (database.discard_some()) {
            ++pieces;
        }
        EXPECT_GT(pieces, 10);
        EXPECT_EQ(database.size(), 0U);
        EXPECT_EQ(database.find("k1"), nullptr);
        database.set_string("k1", "v", StringEncoding::kRaw, false);
        EXPECT_NE(database.find("k1"), nullptr);
    }
}

TEST(Database, GrowsAgainWhileItShrinks) {
    for (const int most : {500, 5000, 100'000}) {
        Database database(kSeed, false);
        for (int i = 0; i < most; ++i) {
            database.set_string("k" + std::to_string(i), "v", StringEncoding::kRaw, false);
        }
        for (int i = 0; i < most; ++i) {
            database.erase(database.find("k" + std::to_string(i)));
            // From every size on, as many new keys as it may take to end what has begun.
            if (i > most / 10 * 9 && i % (most / 50) == 0) {
                for (int n = 0; n < most / 20; ++n) {
                    database.set_string("n" + std::to_string(n), "v", StringEncoding::kRaw, false);
                }
                for (int n = 0; n < most / 20; ++n) {
                    database.erase(database.find("n" + std::to_string(n)));
                }
            }
        }
        EXPECT_EQ(database.size(), 0U);
    }
}

TEST(Entry, KeepsLongKeysAndValuesThroughEveryChange) {
    const std::string key(1000, 'k');
    Entry* entry = Entry::make_string(key, "short", StringEncoding::kEmbstr);
    entry = Entry::with_expiry(entry, 5);
    char* data = nullptr;
    entry = Entry::resize_string(entry, 100'000, &data);
    data[99'999] = 'z';
    EXPECT_EQ(entry->string().size(), 100'000U);
    EXPECT_EQ(entry->string().substr(0, 5), "short");
    EXPECT_EQ(entry->key(), key);
    EXPECT_EQ(entry->expire_at_ms(), 5);
    entry = Entry::with_key(entry, "other");
    EXPECT_EQ(entry->key(), "other");
    EXPECT_EQ(entry->string().back(), 'z');
    Entry::destroy(entry);
}

}  // namespace
}  // namespace kumo::kv
