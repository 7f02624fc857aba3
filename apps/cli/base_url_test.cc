#include "cli/base_url.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

std::string read(std::string_view text) {
    const auto url = parse_base_url(text);
    return url.ok() ? url.value().to_string() : "error: " + url.error().message;
}

TEST(BaseUrl, FillsInSchemeAndPort) {
    EXPECT_EQ(read("localhost"), "http://localhost:8868");
    EXPECT_EQ(read("http://search.example/"), "http://search.example:8868");
    EXPECT_EQ(read("https://search.example"), "https://search.example:443");
    EXPECT_EQ(read("10.0.0.1:8108"), "http://10.0.0.1:8108");
}

TEST(BaseUrl, ReadsIpv6InBrackets) {
    EXPECT_EQ(read("http://[::1]:9"), "http://[::1]:9");
    EXPECT_EQ(parse_base_url("[::1]").value().host, "::1");
}

TEST(BaseUrl, RefusesWhatItWouldMisread) {
    EXPECT_EQ(read("ftp://x"), "error: it starts with neither http:// nor https://");
    EXPECT_EQ(read("http://x:port"), "error: 'port' is not a port");
    EXPECT_EQ(read("http://x:70000"), "error: '70000' is not a port");
    EXPECT_EQ(read("http://x/collections"), "error: it is more than scheme, host and port");
    EXPECT_EQ(read("http://me@x"), "error: it is more than scheme, host and port");
    EXPECT_EQ(read("[::1"), "error: an IPv6 address ends in ']'");
    EXPECT_EQ(read(""), "error: there is no host in it");
}

}  // namespace
}  // namespace kumo::cli
