#include "cli/explain.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

TEST(CliExplain, SaysWhatToDoAboutAMissingKey) {
    EXPECT_EQ(
        explain_answer({401, R"({"message":"Forbidden"})"}),
        "the server wants a valid API key (--api-key-file FILE, or KUMOSEARCH_API_KEY): Forbidden"
    );
}

TEST(CliExplain, KeepsTheServersWords) {
    EXPECT_EQ(
        explain_answer({400, R"({"message":"bad filter"})"}),
        "the server refused with status 400: bad filter"
    );
    EXPECT_EQ(explain_answer({502, "<html>"}), "the server refused with status 502: <html>");
    EXPECT_EQ(
        explain_answer({500, R"({"message":7})"}),
        R"(the server refused with status 500: {"message":7})"
    );
}

TEST(CliExplain, CannotBeUsedToDriveTheTerminal) {
    EXPECT_EQ(
        explain_answer({400, "{\"message\":\"a\\u001b[2Jb\"}"}),
        "the server refused with status 400: a [2Jb"
    );
}

TEST(CliExplain, NamesTheAddressThatDidNotAnswer) {
    const BaseUrl url = parse_base_url("127.0.0.1:9").value();
    const std::string text = explain_unreachable(url, {ErrorCode::kUnavailable, "refused"});
    EXPECT_TRUE(text.starts_with("no answer from http://127.0.0.1:9: refused. ")) << text;
    EXPECT_NE(text.find("KUMOSEARCH_URL"), std::string::npos);
}

}  // namespace
}  // namespace kumo::cli
