#include "search/text/internal/kernels.h"

#include "base/random.h"
#include "search/text/postings_cursor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace kumo::search {
namespace {

/// Ascending documents, then 16 pads.
std::vector<DocId> random_docs(SeededRandom& random, std::uint32_t count, std::uint64_t range) {
    std::set<DocId> docs;
    while (docs.size() < count) {
        docs.insert(static_cast<DocId>(random.below(range)));
    }
    std::vector<DocId> out(docs.begin(), docs.end());
    out.resize(count + 16, kPadDoc);
    return out;
}

TEST(Kernels, ScoreAlike) {
    SeededRandom random(1);
    std::vector<std::uint8_t> norms(5000 + 3);
    for (std::uint8_t& norm : norms) {
        norm = static_cast<std::uint8_t>(random.below(256));
    }
    std::vector<float> norm_weight(256);
    for (float& weight : norm_weight) {
        weight = 0.1F + static_cast<float>(random.below(1000)) / 100;
    }
    for (std::uint32_t count : {1U, 7U, 8U, 15U, 17U, 127U, 128U}) {
        std::vector<DocId> docs = random_docs(random, count, 5000);
        std::vector<std::uint32_t> tfs(count + 16);
        for (std::uint32_t& tf : tfs) {
            tf = 1 + static_cast<std::uint32_t>(random.below(50));
        }
        ScoreBlockInput in{docs.data(), tfs.data(), count, norms.data(), norm_weight.data(), 2.5F};
        std::vector<float> expect(count + 16);
        usable_kernels().front()->score_block(in, expect.data());
        for (const Kernels* set : usable_kernels()) {
            std::vector<float> got(count + 16);
            set->score_block(in, got.data());
            for (std::uint32_t i = 0; i < count; ++i) {
                EXPECT_EQ(got[i], expect[i]) << set->name << " at " << i << " of " << count;
            }
        }
    }
}

TEST(Kernels, CompareAlike) {
    SeededRandom random(2);
    for (int round = 0; round < 50; ++round) {
        std::vector<float> values(64);
        for (float& value : values) {
            value = static_cast<float>(random.below(10));
        }
        std::uint64_t expect = 0;
        for (std::uint32_t i = 0; i < 64; ++i) {
            expect |= std::uint64_t{values[i] > 4.0F} << i;
        }
        for (const Kernels* set : usable_kernels()) {
            EXPECT_EQ(set->above(values.data(), 4.0F), expect) << set->name;
        }
    }
}

TEST(Kernels, FindLowerBoundsAlike) {
    SeededRandom random(3);
    for (std::uint32_t count : {1U, 5U, 16U, 100U, 128U}) {
        std::vector<DocId> docs = random_docs(random, count, 400);
        for (DocId target = 0; target < 402; ++target) {
            std::uint32_t from = 0;
            auto want = std::lower_bound(docs.begin(), docs.end(), target) - docs.begin();
            for (; from <= want; from += 3) {
                for (const Kernels* set : usable_kernels()) {
                    EXPECT_EQ(set->lower_bound(docs.data(), from, target), want) << set->name;
                }
            }
        }
    }
}

TEST(Kernels, IntersectAlike) {
    SeededRandom random(4);
    for (int round = 0; round < 400; ++round) {
        std::uint64_t range = 130 + random.below(round % 2 == 0 ? 60 : 3000);
        auto a_count = 1 + static_cast<std::uint32_t>(random.below(128));
        auto b_count = 1 + static_cast<std::uint32_t>(random.below(128));
        std::vector<DocId> a = random_docs(random, a_count, range);
        std::vector<DocId> b = random_docs(random, b_count, range);
        std::vector<std::uint32_t> want_a;
        std::vector<std::uint32_t> want_b;
        for (std::uint32_t i = 0; i < a_count; ++i) {
            auto at = std::lower_bound(b.begin(), b.end(), a[i]);
            if (*at == a[i]) {
                want_a.push_back(i);
                want_b.push_back(static_cast<std::uint32_t>(at - b.begin()));
            }
        }
        for (const Kernels* set : usable_kernels()) {
            std::vector<std::uint32_t> in_a(150);
            std::vector<std::uint32_t> in_b(150);
            std::uint32_t n =
                set->intersect(a.data(), a_count, b.data(), b_count, in_a.data(), in_b.data());
            in_a.resize(n);
            in_b.resize(n);
            ASSERT_EQ(in_a, want_a) << set->name;
            ASSERT_EQ(in_b, want_b) << set->name;
        }
    }
}

TEST(Kernels, CountBitsAlike) {
    SeededRandom random(5);
    for (std::uint64_t count = 0; count < 40; ++count) {
        std::vector<std::uint64_t> words(count);
        std::uint64_t expect = 0;
        for (std::uint64_t& word : words) {
            word = random.next();
            expect += static_cast<std::uint64_t>(std::popcount(word));
        }
        for (const Kernels* set : usable_kernels()) {
            EXPECT_EQ(set->count_bits(words.data(), count), expect) << set->name;
        }
    }
}

}  // namespace
}  // namespace kumo::search
