#include "search/column/string_numbers.h"

#include "search/text/section_file.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace kumo::search {
namespace {

/// A sealed column with one string a document.
struct Sealed {
    std::string file;
    std::unique_ptr<ColumnReader> column;

    explicit Sealed(const std::vector<std::string_view>& values) {
        LiveColumn live(true);
        for (const std::string_view& value : values) {
            live.add_strings({&value, 1});
        }
        const auto reader = live.reader(live.doc_count());
        std::vector<std::uint32_t> ids(live.doc_count());
        std::iota(ids.begin(), ids.end(), 0U);
        const ColumnSource source{reader.get(), ids};
        SectionFileBuilder out;
        write_column(true, {&source, 1}, live.doc_count(), out, "c");
        file = out.finish();
        column = open_column(SectionFile::open(file).value(), "c").value();
    }
};

TEST(StringNumbers, GiveTheSameStringOneNumberEverywhere) {
    const Sealed a({"pear", "apple", "fig"});
    const Sealed b({});
    const Sealed c({"fig", "quince", "apple", "apple"});
    const StringNumbers numbers({a.column.get(), b.column.get(), c.column.get()});
    ASSERT_EQ(numbers.count(), 4U);
    const std::vector<std::string_view> order{"apple", "fig", "pear", "quince"};
    for (std::uint32_t number = 0; number < order.size(); ++number) {
        EXPECT_EQ(numbers.string(number), order[number]);
        EXPECT_EQ(numbers.find(order[number]), number);
    }
    EXPECT_EQ(numbers.find("banana"), std::nullopt);
    EXPECT_EQ(numbers.find("zebra"), std::nullopt);
    const auto of_c = numbers.of(2);
    EXPECT_EQ(
        (std::vector<std::uint32_t>(of_c.begin(), of_c.end())),
        (std::vector<std::uint32_t>{0, 1, 3})
    );
    EXPECT_TRUE(numbers.of(1).empty());
}

TEST(StringNumberCache, MakesThemOnce) {
    const Sealed a({"pear"});
    const Sealed b({"fig"});
    StringNumberCache cache;
    const auto first = cache.of({a.column.get(), b.column.get()});
    EXPECT_EQ(cache.of({a.column.get(), b.column.get()}), first);
    EXPECT_NE(cache.of({b.column.get(), a.column.get()}), first);
}

}  // namespace
}  // namespace kumo::search
