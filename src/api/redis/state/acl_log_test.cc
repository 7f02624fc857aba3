#include "api/redis/state/acl_log.h"

#include <gtest/gtest.h>

namespace kumo::api_redis {
namespace {

AclLog::Entry entry(const std::string& object, std::int64_t at_ms) {
    return {AclLog::Reason::kKey, AclLog::Place::kMulti, object, "alice", "id=1", at_ms, 1};
}

TEST(AclLog, TheSameAgainIsCountedAndComesFirst) {
    AclLog log;
    log.add(entry("a", 0), 10);
    log.add(entry("b", 10), 10);
    log.add(entry("a", 60'000), 10);
    ASSERT_EQ(log.entries().size(), 2U);
    EXPECT_EQ(log.entries()[0].object, "a");
    EXPECT_EQ(log.entries()[0].count, 2U);
    EXPECT_EQ(log.entries()[0].at_ms, 60'000);
    log.add(entry("b", 60'011), 10);  // More than a minute later.
    EXPECT_EQ(log.entries().size(), 3U);
}

TEST(AclLog, DiffersInReasonPlaceObjectAndUser) {
    AclLog log;
    log.add(entry("a", 0), 10);
    AclLog::Entry other = entry("a", 0);
    other.reason = AclLog::Reason::kChannel;
    log.add(other, 10);
    other.place = AclLog::Place::kScript;
    log.add(other, 10);
    other.user = "bob";
    log.add(other, 10);
    EXPECT_EQ(log.entries().size(), 4U);
}

TEST(AclLog, IsBounded) {
    AclLog log;
    for (int i = 0; i < 20; ++i) {
        log.add(entry(std::to_string(i), 0), 5);
    }
    ASSERT_EQ(log.entries().size(), 5U);
    EXPECT_EQ(log.entries()[0].object, "19");
    log.add(entry("x", 0), 0);
    EXPECT_TRUE(log.entries().empty());
}

}  // namespace
}  // namespace kumo::api_redis
