#include "wire/url.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::wire {
namespace {

std::string show(ByteView query) {
    const auto parameters = parse_query(query);
    if (!parameters.ok()) {
        return "error: " + parameters.error().message;
    }
    std::string out;
    for (const QueryParameter& p : parameters.value()) {
        out += p.key + "=" + p.value + ";";
    }
    return out;
}

TEST(Url, QueryKeepsOrderAndDecodes) {
    EXPECT_EQ(show("q=a+b&x=%26%3D&empty=&flag&&q=2"), "q=a b;x=&=;empty=;flag=;q=2;");
    EXPECT_EQ(show("filter_by=a:=b=c"), "filter_by=a:=b=c;");
    EXPECT_EQ(show("%71=%E6%9D%B1"), "q=\u6771;");
    EXPECT_EQ(show(""), "");
    EXPECT_EQ(show("=v"), "=v;");
}

TEST(Url, QueryRefusesBadEscapesAndFloods) {
    EXPECT_EQ(show("q=100%"), "error: bad percent escape at byte 3");
    EXPECT_EQ(show("q=%4"), "error: bad percent escape at byte 0");
    EXPECT_EQ(show("q=%zz"), "error: bad percent escape at byte 0");
    std::string flood;
    for (std::size_t i = 0; i <= kQueryParametersMax; ++i) {
        flood += "a&";
    }
    EXPECT_EQ(show(flood), "error: too many query parameters");
}

TEST(Url, PercentRoundTrips) {
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all.push_back(static_cast<char>(i));
    }
    EXPECT_EQ(percent_decode(percent_encode(all)).value(), all);
    EXPECT_EQ(percent_encode("a b/c~"), "a%20b%2Fc~");
    EXPECT_EQ(percent_decode("a+b%2b").value(), "a+b+");
}

}  // namespace
}  // namespace kumo::wire
