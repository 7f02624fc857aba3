#include "search/column/column.h"

#include "base/random.h"
#include "search/column/codes.h"
#include "search/text/section_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string>

namespace kumo::search {
namespace {

std::vector<std::uint32_t> identity(std::uint32_t count) {
    std::vector<std::uint32_t> ids(count);
    std::iota(ids.begin(), ids.end(), 0);
    return ids;
}

std::vector<std::int64_t> codes_of(const ColumnReader& column, std::uint32_t doc) {
    std::vector<std::int64_t> out;
    const auto range = column.values_of(doc);
    for (std::uint64_t i = range.begin; i < range.end; ++i) {
        out.push_back(column.value(i));
    }
    return out;
}

/// A live column and its sealed form.
struct Pair {
    LiveColumn live;
    std::string file;
    std::unique_ptr<ColumnReader> sealed;

    explicit Pair(bool strings) : live(strings) {}

    void seal() {
        const auto reader = live.reader(live.doc_count());
        const auto ids = identity(live.doc_count());
        const ColumnSource source{reader.get(), ids};
        SectionFileBuilder out;
        write_column(live.is_string(), {&source, 1}, live.doc_count(), out, "c");
        file = out.finish();
        sealed = open_column(SectionFile::open(file).value(), "c").value();
    }
};

Bitmap random_docs(std::size_t count, SeededRandom& random) {
    Bitmap docs(count);
    for (std::size_t doc = 0; doc < count; ++doc) {
        if (random.chance(1, 3)) {
            docs.set(doc);
        }
    }
    return docs;
}

std::map<std::string, std::uint32_t> counts_of(const ColumnReader& column, const Bitmap& docs) {
    std::vector<std::uint32_t> counts(column.string_count());
    column.count_values(docs, counts);
    std::map<std::string, std::uint32_t> out;
    for (std::uint32_t ordinal = 0; ordinal < counts.size(); ++ordinal) {
        if (counts[ordinal] > 0) {
            out[std::string(column.string(ordinal))] = counts[ordinal];
        }
    }
    return out;
}

/// The live column looks at each document, the sealed one at zones and codes.
void expect_same_beyond(
    const Pair& pair,
    const std::vector<std::int64_t>& bounds,
    SeededRandom& random
) {
    const std::uint32_t count = pair.live.doc_count();
    const auto live = pair.live.reader(count);
    const Bitmap docs = random_docs(count, random);
    for (const std::int64_t bound : bounds) {
        for (const bool least : {true, false}) {
            for (std::uint32_t begin = 0; begin < count; begin += 4096) {
                const ColumnReader::DocRange range{begin, std::min(begin + 4096, count)};
                std::vector<std::uint32_t> from_live;
                std::vector<std::uint32_t> from_sealed;
                live->find_beyond(docs, range, bound, least, from_live);
                pair.sealed->find_beyond(docs, range, bound, least, from_sealed);
                ASSERT_EQ(from_sealed, from_live) << bound << ' ' << least << ' ' << begin;
            }
        }
    }
}

TEST(Column, SealedEqualsLiveForEveryWidth) {
    SeededRandom random(3);
    for (const std::uint64_t span : {1ULL, 200ULL, 60'000ULL, 3'000'000'000ULL, 1ULL << 62U}) {
        for (const bool dense : {true, false}) {
            Pair pair(false);
            std::vector<std::vector<std::int64_t>> values;
            for (int doc = 0; doc < 9000; ++doc) {
                std::vector<std::int64_t> codes(dense ? 1 : random.below(3));
                for (auto& code : codes) {
                    code = static_cast<std::int64_t>(random.below(span)) - 17;
                }
                pair.live.add(codes);
                values.push_back(codes);
            }
            pair.seal();
            const auto low = static_cast<std::int64_t>(span / 4) - 17;
            const auto high = static_cast<std::int64_t>(span / 2) - 17;
            Bitmap live_match(values.size());
            Bitmap sealed_match(values.size());
            pair.live.reader(9000)->match_range(low, high, live_match);
            pair.sealed->match_range(low, high, sealed_match);
            for (std::uint32_t doc = 0; doc < values.size(); ++doc) {
                ASSERT_EQ(codes_of(*pair.sealed, doc), values[doc]);
                const bool expected =
                    std::any_of(values[doc].begin(), values[doc].end(), [&](auto c) {
                        return c >= low && c <= high;
                    });
                ASSERT_EQ(live_match.test(doc), expected);
                ASSERT_EQ(sealed_match.test(doc), expected);
            }
            expect_same_beyond(pair, {low, high, -18, std::int64_t{INT64_MAX}}, random);
        }
    }
}

TEST(Column, SealedCountsStringsAsLiveDoes) {
    SeededRandom random(4);
    for (const std::uint64_t distinct : {1U, 5U, 300U, 70'000U}) {
        for (const bool dense : {true, false}) {
            Pair pair(true);
            for (int doc = 0; doc < 3000; ++doc) {
                std::vector<std::string> values(dense ? 1 : random.below(3));
                for (std::string& value : values) {
                    value = std::to_string(random.below(distinct));
                }
                pair.live.add_strings(std::vector<std::string_view>(values.begin(), values.end()));
            }
            pair.seal();
            const Bitmap docs = random_docs(3000, random);
            const auto live = pair.live.reader(3000);
            EXPECT_EQ(counts_of(*pair.sealed, docs), counts_of(*live, docs));
        }
    }
}

TEST(Column, SealedStringsAreSorted) {
    Pair pair(true);
    for (const auto& values :
         std::vector<std::vector<std::string_view>>{{"pear", "apple"}, {}, {"fig"}}) {
        pair.live.add_strings(values);
    }
    pair.seal();
    ASSERT_EQ(pair.sealed->string_count(), 3U);
    EXPECT_EQ(pair.sealed->string(0), "apple");
    EXPECT_EQ(pair.sealed->string(2), "pear");
    EXPECT_EQ(codes_of(*pair.sealed, 0), (std::vector<std::int64_t>{2, 0}));
    EXPECT_TRUE(codes_of(*pair.sealed, 1).empty());
}

TEST(Column, MergeDropsDocumentsAndTheirStrings) {
    Pair a(true);
    Pair b(true);
    const std::string_view one = "one";
    const std::string_view two = "two";
    const std::string_view three = "three";
    a.live.add_strings({&one, 1});
    a.live.add_strings({&two, 1});
    b.live.add_strings({&three, 1});
    a.seal();
    b.seal();
    const std::vector<std::uint32_t> from_a{kDroppedDoc, 0};
    const std::vector<std::uint32_t> from_b{1};
    const std::vector<ColumnSource> sources{{a.sealed.get(), from_a}, {b.sealed.get(), from_b}};
    SectionFileBuilder out;
    write_column(true, sources, 2, out, "c");
    const std::string file = out.finish();
    const auto merged = open_column(SectionFile::open(file).value(), "c").value();
    ASSERT_EQ(merged->string_count(), 2U);
    EXPECT_EQ(merged->string(static_cast<std::uint32_t>(*merged->first(0))), "two");
    EXPECT_EQ(merged->string(static_cast<std::uint32_t>(*merged->first(1))), "three");
}

TEST(Codes, DoublesKeepTheirOrder) {
    const std::vector<double> ascending{-1e300, -2.5, -1e-300, 0.0, 1e-300, 2.5, 1e300};
    for (std::size_t i = 0; i + 1 < ascending.size(); ++i) {
        EXPECT_LT(code_of_double(ascending[i]), code_of_double(ascending[i + 1]));
        EXPECT_EQ(double_of_code(code_of_double(ascending[i])), ascending[i]);
    }
    EXPECT_EQ(code_of_double(-0.0), code_of_double(0.0));
}

}  // namespace
}  // namespace kumo::search
