#include "node/kv/kv_move_table.h"

#include "base/random.h"
#include "node/internal/telling_engine_test.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace kumo::node {
namespace {

class KvMoveTableTest : public testing::Test {
protected:
    KvMoveTableTest() {
        slots_.insert(std::uint16_t{3});
        slots_.insert(std::uint16_t{4});
    }

    std::vector<std::string> make(const std::string& record) {
        make_move_record(record, table_, engine_);
        return std::exchange(engine_.told, {});
    }

    using Told = std::vector<std::string>;

    SeededRandom random_{1};
    const Uuid move_ = make_uuid(random_);
    SlotSet slots_;
    KvMoveTable table_;
    TellingEngine engine_;
};

TEST_F(KvMoveTableTest, WhatHasComeIsAdoptedOnce) {
    EXPECT_EQ(make(move_begins(move_, slots_)), Told{"drop arriving 3-4"});
    EXPECT_EQ(make(move_brings(move_, "changes")), Told{"arriving changes"});
    EXPECT_EQ(make(move_is_complete(move_)), Told{});
    EXPECT_EQ(make(move_is_adopted(move_, slots_)), Told{"adopt 3-4"});
    EXPECT_EQ(make(move_is_adopted(move_, slots_)), Told{}) << "a second primary says so, too";
    EXPECT_EQ(make(move_is_over(move_)), Told{}) << "what is served stays";
    EXPECT_TRUE(table_.empty());
}

TEST_F(KvMoveTableTest, WhatHasComeInVainGoes) {
    make(move_begins(move_, slots_));
    make(move_brings(move_, "changes"));
    EXPECT_EQ(make(move_is_over(move_)), Told{"drop arriving 3-4"});
    EXPECT_EQ(make(move_is_over(move_)), Told{});
    EXPECT_EQ(make(move_brings(move_, "late")), Told{}) << "nobody expects it";
}

TEST_F(KvMoveTableTest, WhatHasNotAllComeIsNotAdopted) {
    make(move_begins(move_, slots_));
    EXPECT_EQ(make(move_is_adopted(move_, slots_)), Told{});
}

TEST_F(KvMoveTableTest, TheSourceDrops) {
    EXPECT_EQ(make(move_drops(move_, slots_)), Told{"drop 3-4"});
    EXPECT_TRUE(table_.at(move_).dropped);
    EXPECT_EQ(make(move_is_over(move_)), Told{});
}

TEST_F(KvMoveTableTest, DamageIsSkipped) {
    for (const std::string& record :
         {move_begins(move_, slots_), move_is_complete(move_), move_drops(move_, slots_)}) {
        for (std::size_t size = 0; size < record.size(); ++size) {
            EXPECT_EQ(make(record.substr(0, size)), Told{});
        }
        EXPECT_EQ(make(record + "x"), Told{});
    }
    EXPECT_EQ(make(std::string(1, '\x7f') + std::string(move_.view())), Told{});
    EXPECT_TRUE(table_.empty());
}

TEST_F(KvMoveTableTest, BytesComeBack) {
    table_[move_] = {slots_, true, false, true};
    table_[make_uuid(random_)] = {SlotSet::all(), false, true, false};
    std::string bytes;
    append_move_table(bytes, table_);
    wire::ByteReader in(bytes);
    EXPECT_EQ(read_move_table(in), table_);
    EXPECT_TRUE(in.at_end());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        wire::ByteReader part(ByteView(bytes).substr(0, size));
        EXPECT_EQ(read_move_table(part), std::nullopt);
    }
}

}  // namespace
}  // namespace kumo::node
