#include "cli/csv.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

/// Records as "number:cell|cell", whatever pieces they come in.
std::vector<std::string> split(ByteView text, std::size_t piece, std::size_t max = 100) {
    CsvSplitter splitter(max);
    std::vector<std::string> out;
    const auto add = [&](const CsvRecord& record) {
        std::string one = std::to_string(record.number) + ":" + record.problem;
        for (std::size_t i = 0; i < record.cells.size(); ++i) {
            one += (i == 0 ? "" : "|") + record.cells[i];
        }
        out.push_back(one);
    };
    while (!text.empty()) {
        ByteView chunk = text.substr(0, piece);
        text.remove_prefix(chunk.size());
        while (const auto record = splitter.next(chunk)) {
            add(*record);
        }
    }
    if (const auto last = splitter.finish()) {
        add(*last);
    }
    return out;
}

TEST(Csv, CutsRecordsAtAnyPiece) {
    const std::string text = "a,b\r\n\n\"x, y\",\"say \"\"hi\"\"\"\n\"two\nlines\",\n  \n,last";
    const std::vector<std::string> wanted = {
        "1:a|b",
        "3:x, y|say \"hi\"",
        "4:two\nlines|",
        "7:|last"};
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        EXPECT_EQ(split(text, piece), wanted) << piece;
    }
}

TEST(Csv, SaysWhatIsNoRecord) {
    EXPECT_EQ(split("a\n\"open", 3), (std::vector<std::string>{"1:a", "2:a quote is not closed"}));
    const auto records = split("a\n" + std::string(2 << 20, 'x') + "\nb\n", 1000, 1 << 20);
    EXPECT_EQ(
        records,
        (std::vector<std::string>{"1:a", "2:the record is longer than 1 MB", "3:b"})
    );
}

class CsvDocumentsTest : public testing::Test {
protected:
    std::string make(std::vector<std::string> cells) {
        auto made = documents_.document_of({1, std::move(cells)});
        return made.ok() ? made.value().value_or("") : made.error().message;
    }

    CsvDocuments documents_{
        {{"year", "int32"},
         {"tags", "string[]"},
         {"sizes", "int64[]"},
         {"new", "bool"},
         {"o", "object"}},
        ';'};
};

TEST_F(CsvDocumentsTest, HaveTheTypesOfTheCollection) {
    EXPECT_EQ(make({"\xef\xbb\xbftitle", " year ", "tags", "sizes", "new", "o"}), "");
    EXPECT_EQ(
        make({"7", "7", "a;b", "1;2", "TRUE", R"({"x":1})"}),
        R"({"title":"7","year":7,"tags":["a","b"],"sizes":[1,2],"new":true,"o":{"x":1}})"
    );
    EXPECT_EQ(make({"", "", "", "", "", ""}), "{}");
    EXPECT_EQ(
        make({"t", "about 7", R"(["a;b"])", "1", "maybe", "{x"}),
        R"({"title":"t","year":"about 7","tags":["a;b"],"sizes":[1],"new":"maybe","o":"{x"})"
    );
    EXPECT_EQ(make({"t"}), "the record has 1 cells, the first line has 6");
}

TEST_F(CsvDocumentsTest, NeedNamesOfColumns) {
    EXPECT_EQ(make({"title", ""}), "the first line has a column without a name");
}

}  // namespace
}  // namespace kumo::cli
