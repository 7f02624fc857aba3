#include "search/text/section_file.h"

#include <gtest/gtest.h>

namespace kumo::search {
namespace {

std::string sample() {
    SectionFileBuilder builder;
    builder.add("title.terms", "alpha beta");
    builder.add("empty", "");
    builder.add("body", std::string(1000, 'x'));
    return builder.finish();
}

TEST(SectionFile, GivesBackWhatWasAdded) {
    std::string bytes = sample();
    auto file = SectionFile::open(bytes);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file.value().section("title.terms").value(), "alpha beta");
    EXPECT_EQ(file.value().section("empty").value(), "");
    EXPECT_EQ(file.value().section("body").value(), std::string(1000, 'x'));
    EXPECT_TRUE(file.value().has("body"));
    EXPECT_EQ(file.value().section("nothing").error().code, ErrorCode::kCorruption);
}

TEST(SectionFile, AlignsSectionsAndPadsThemWithZeros) {
    std::string bytes = sample();
    auto file = SectionFile::open(bytes);
    ASSERT_TRUE(file.ok());
    for (const char* name : {"title.terms", "empty", "body"}) {
        ByteView section = file.value().section(name).value();
        auto offset = static_cast<std::uint64_t>(section.data() - bytes.data());
        EXPECT_EQ(offset % kSectionAlign, 0U);
        EXPECT_EQ(
            ByteView(bytes).substr(offset + section.size(), kSectionPadding),
            std::string(kSectionPadding, '\0')
        );
    }
}

TEST(SectionFile, NamesTheDamagedSection) {
    std::string bytes = sample();
    auto at = bytes.find("xxx");
    bytes[at + 500] = 'y';
    auto file = SectionFile::open(bytes);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.error().code, ErrorCode::kCorruption);
    EXPECT_NE(file.error().message.find("'body'"), std::string::npos) << file.error().message;
    EXPECT_TRUE(SectionFile::open(bytes, false).ok());
}

TEST(SectionFile, RefusesEveryDamagedByteOfHeaderAndTable) {
    std::string good = sample();
    auto table = load_unaligned<std::uint64_t>(good.data() + 16);
    for (std::uint64_t i = 0; i < good.size(); ++i) {
        if (i >= 64 && i < table) {
            continue;
        }
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 0x10);
        EXPECT_FALSE(SectionFile::open(bad, false).ok()) << "byte " << i;
    }
}

TEST(SectionFile, RefusesEveryTruncation) {
    std::string good = sample();
    for (std::uint64_t size = 0; size < good.size(); ++size) {
        std::string cut = good.substr(0, size);
        EXPECT_FALSE(SectionFile::open(cut, false).ok()) << size;
    }
}

}  // namespace
}  // namespace kumo::search
