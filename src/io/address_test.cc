#include "io/address.h"

#include <gtest/gtest.h>

namespace kumo::io {
namespace {

TEST(Address, ReadsAndWritesBothFamilies) {
    EXPECT_EQ(Address::parse("192.0.2.1", 80).value().to_string(), "192.0.2.1:80");
    EXPECT_EQ(Address::parse("2001:db8::1", 80).value().to_string(), "[2001:db8::1]:80");
    EXPECT_EQ(Address::parse("[::1]", 1).value().host_string(), "::1");
}

TEST(Address, RefusesWhatIsNoAddress) {
    for (const char* const text :
         {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1", ":::"}) {
        EXPECT_FALSE(Address::parse(text, 1).ok()) << text;
    }
    EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0x", 9), 1).ok());
    EXPECT_FALSE(Address::parse(std::string(5000, '1'), 1).ok());
}

TEST(Address, KnowsLoopback) {
    for (const char* const text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
        EXPECT_TRUE(Address::parse(text, 1).value().is_loopback()) << text;
    }
    for (const char* const text : {"128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1"}) {
        EXPECT_FALSE(Address::parse(text, 1).value().is_loopback()) << text;
    }
}

}  // namespace
}  // namespace kumo::io
