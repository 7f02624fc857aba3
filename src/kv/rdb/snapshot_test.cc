#include "kv/rdb/snapshot.h"

#include "base/random.h"
#include "kv/rdb/value_codec.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

namespace kumo::kv {
namespace {

/// What a file holds, strings only.
class Collect final : public RdbSink {
public:
    ObjectVisitor* begin_key(const RdbKey& /*key*/) override { return &builder_; }

    Status end_key(const RdbKey& key) override {
        EXPECT_TRUE(keys.emplace(std::pair(key.db, std::string(key.key)), builder_.string()).second)
            << key.key << " is there twice";
        (void)builder_.take();
        return {};
    }

    std::map<std::pair<int, std::string>, std::string> keys;

private:
    EncodingLimits limits_;
    ValueBuilder builder_{limits_};
};

TEST(Snapshot, IsOfTheMomentItBeganWhateverChangesMeanwhile) {
    SeededRandom random(11);
    Keyspace keyspace(1, 4, false);
    std::map<std::pair<int, std::string>, std::string> expected;
    for (int i = 0; i < 20'000; ++i) {
        const int db = static_cast<int>(random.below(3));
        const std::string key = "k" + std::to_string(i);
        keyspace.database(db).set_string(key, "old", StringEncoding::kRaw, false);
        expected[{db, key}] = "old";
    }
    std::string file;
    RdbWriter writer([&file](ByteView bytes) { file.append(bytes); });
    auto snapshot = std::make_unique<Snapshot>(keyspace, writer, 0);
    int fresh = 0;
    while (snapshot->step(2000)) {
        for (int i = 0; i < 40; ++i) {
            Database& database = keyspace.database(static_cast<int>(random.below(4)));
            const std::string key = "k" + std::to_string(random.below(20'000));
            Entry* entry = database.find(key);
            if (entry != nullptr && random.chance(1, 2)) {
                database.erase(entry);
            } else {
                database.set_string(key, "new", StringEncoding::kRaw, false);
            }
            database.set_string("n" + std::to_string(fresh++), "new", StringEncoding::kRaw, false);
        }
    }
    EXPECT_FALSE(snapshot->broken());
    snapshot.reset();
    writer.finish();
    Collect found;
    RdbReader reader(file, found);
    const Status read = reader.read_all();
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(found.keys, expected);
}

TEST(Snapshot, IsBrokenByAFlush) {
    Keyspace keyspace(1, 1, false);
    keyspace.database(0).set_string("a", "1", StringEncoding::kRaw, false);
    RdbWriter writer([](ByteView /*bytes*/) {});
    Snapshot snapshot(keyspace, writer, 0);
    keyspace.database(0).clear();
    EXPECT_TRUE(snapshot.broken());
}

}  // namespace
}  // namespace kumo::kv
