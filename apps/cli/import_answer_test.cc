#include "cli/import_answer.h"

#include <gtest/gtest.h>

#include <vector>

namespace kumo::cli {
namespace {

TEST(ImportAnswer, TellsEachLinesFateInOrderHoweverItIsCut) {
    const std::string text =
        "{\"success\":true}\n"
        "{\"code\":409,\"error\":\"exists\",\"success\":false}\n"
        "{\"success\":true,\"id\":\"3\"}";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        std::vector<std::string> fates;
        ImportAnswer answer([&](std::size_t index, const Status& fate) {
            EXPECT_EQ(index, fates.size());
            fates.push_back(fate.ok() ? "ok" : fate.error().message);
        });
        answer.feed(ByteView(text).substr(0, cut));
        answer.feed(ByteView(text).substr(cut));
        answer.finish();
        EXPECT_EQ(fates, (std::vector<std::string>{"ok", "exists", "ok"})) << cut;
        EXPECT_EQ(answer.count(), 3U);
    }
}

TEST(ImportAnswer, DoesNotTakeNonsenseForSuccess) {
    EXPECT_FALSE(read_answer_line("").ok());
    EXPECT_FALSE(read_answer_line("ok").ok());
    EXPECT_FALSE(read_answer_line("{}").ok());
    EXPECT_FALSE(read_answer_line(R"({"success":"true"})").ok());
    EXPECT_FALSE(read_answer_line(R"([true])").ok());
}

TEST(ImportAnswer, RecordsAFailedLineAsJson) {
    EXPECT_EQ(
        error_record(17, "bad \"x\"", "{\"id\":1}"),
        R"({"line":17,"error":"bad \"x\"","document":"{\"id\":1}"})"
        "\n"
    );
}

}  // namespace
}  // namespace kumo::cli
