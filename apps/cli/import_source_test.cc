#include "cli/import_source.h"

#include "cli/temporary_test.h"

#include <gtest/gtest.h>

#include <fstream>

namespace kumo::cli {
namespace {

class ImportSourceTest : public testing::Test {
protected:
    ImportSource open(const std::string& content, SourceFormat format = {}) {
        std::ofstream(path_, std::ios::binary) << content;
        auto source = ImportSource::open(path_, std::move(format));
        EXPECT_TRUE(source.ok());
        return std::move(source).value();
    }

    std::string path_ = temporary_path("import");
};

TEST_F(ImportSourceTest, NumbersLinesAsTheFileDoesAndSkipsBlankOnes) {
    ImportSource source = open("{\"a\":1}\n\n  \r\n{\"a\":2}\r\n{\"a\":3}");
    const SourceBatch batch = source.next().value();
    EXPECT_EQ(batch.body, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    ASSERT_EQ(batch.lines.size(), 3U);
    EXPECT_EQ(batch.lines[1].number, 4U);
    EXPECT_EQ(batch.text(batch.lines[1]), "{\"a\":2}");
    EXPECT_EQ(batch.lines[2].number, 5U);
    EXPECT_EQ(batch.lines[2].input_end, source.bytes_total());
    EXPECT_TRUE(source.next().value().empty());
}

TEST_F(ImportSourceTest, CutsBatchesByLines) {
    std::string content;
    for (std::size_t i = 0; i < kBatchLinesMax + 5; ++i) {
        content += "{}\n";
    }
    ImportSource source = open(content);
    EXPECT_EQ(source.next().value().lines.size(), kBatchLinesMax);
    const SourceBatch rest = source.next().value();
    ASSERT_EQ(rest.lines.size(), 5U);
    EXPECT_EQ(rest.lines.back().number, kBatchLinesMax + 5);
    EXPECT_TRUE(source.next().value().empty());
}

TEST_F(ImportSourceTest, CutsBatchesByBytes) {
    const std::string document(1000, 'x');
    std::string content;
    for (std::size_t bytes = 0; bytes <= kBatchBytesMax; bytes += document.size() + 1) {
        content += document + "\n";
    }
    ImportSource source = open(content + content);
    std::size_t lines = 0;
    for (SourceBatch batch = source.next().value(); !batch.empty(); batch = source.next().value()) {
        EXPECT_LE(batch.body.size(), kBatchBytesMax + document.size() + 1);
        lines += batch.lines.size();
    }
    EXPECT_EQ(lines, 2 * content.size() / (document.size() + 1));
}

TEST_F(ImportSourceTest, NamesLinesThatAreTooLong) {
    ImportSource source = open("{}\n" + std::string(kDocumentBytesMax + 1, 'x') + "\n{}\n");
    SourceBatch all;
    for (SourceBatch batch = source.next().value(); !batch.empty(); batch = source.next().value()) {
        all.lines.insert(all.lines.end(), batch.lines.begin(), batch.lines.end());
        all.unsent.insert(all.unsent.end(), batch.unsent.begin(), batch.unsent.end());
    }
    ASSERT_EQ(all.unsent.size(), 1U);
    EXPECT_EQ(all.unsent.front().number, 2U);
    ASSERT_EQ(all.lines.size(), 2U);
    EXPECT_EQ(all.lines[1].number, 3U);
}

TEST_F(ImportSourceTest, MakesDocumentsOfCsv) {
    ImportSource source =
        open("id,year\n1,1990\n2\n3,\"19\n91\"\n", {.csv = true, .types = {{"year", "int32"}}});
    const SourceBatch batch = source.next().value();
    EXPECT_EQ(batch.body, "{\"id\":\"1\",\"year\":1990}\n{\"id\":\"3\",\"year\":\"19\\n91\"}\n");
    ASSERT_EQ(batch.unsent.size(), 1U);
    EXPECT_EQ(batch.unsent.front().number, 3U);
    EXPECT_EQ(batch.lines.back().number, 4U);
    EXPECT_EQ(batch.lines.back().input_end, source.bytes_total());
    EXPECT_EQ(
        open("a,,b\n", {.csv = true}).next().error().message,
        "the first line has a column without a name"
    );
}

TEST_F(ImportSourceTest, SkipsWhatWasLoadedBefore) {
    ImportSource lines = open("{\"a\":1}\n\n{\"a\":2}\n{\"a\":3}\n", {.skip_to_line = 3});
    EXPECT_EQ(lines.next().value().body, "{\"a\":3}\n");
    ImportSource records = open("a\n1\n2\n", {.csv = true, .skip_to_line = 2});
    EXPECT_EQ(records.next().value().body, "{\"a\":\"2\"}\n");
}

TEST(ImportSource, SaysWhyAFileCannotBeRead) {
    EXPECT_EQ(
        ImportSource::open("/no/such/file").error().message,
        "cannot read /no/such/file: No such file or directory"
    );
    EXPECT_EQ(ImportSource::open("/").error().message, "cannot read /: it is a directory");
}

}  // namespace
}  // namespace kumo::cli
