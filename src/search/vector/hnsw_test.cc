#include "search/vector/hnsw.h"

#include "base/random.h"
#include "search/text/section_file.h"
#include "search/vector/vector_column.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>

namespace kumo::search {
namespace {

constexpr std::uint32_t kDimensions = 48;

double uniform(Random& random) {
    return static_cast<double>(random.below(1'000'001)) / 500'000 - 1;
}

/// Near normal: a sum of uniform numbers.
std::vector<float> random_vector(Random& random, std::uint32_t dimensions = kDimensions) {
    std::vector<float> out(dimensions);
    for (float& number : out) {
        number = static_cast<float>(uniform(random) + uniform(random) + uniform(random));
    }
    return out;
}

/// Around one of 40 centers.
std::vector<float> clustered_vector(Random& random) {
    SeededRandom center_random(1000 + random.below(40));
    std::vector<float> out = random_vector(center_random);
    for (float& number : out) {
        number += static_cast<float>(uniform(random) * 0.3);
    }
    return out;
}

/// A sealed segment's vectors, made of a live segment's or of others.
struct Sealed {
    std::string bytes;
    std::unique_ptr<VectorReader> reader;
};

const VectorOptions kOptions{kDimensions};

Sealed open(std::string bytes) {
    Sealed out{std::move(bytes), nullptr};
    out.reader = open_vectors(SectionFile::open(out.bytes).value(), "v", kDimensions).value();
    return out;
}

std::unique_ptr<ColumnReader> numbers(LiveColumn& column, std::uint32_t from, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::int64_t number = from + i;
        column.add({&number, 1});
    }
    return column.reader(count);
}

/// Every tenth document has no vector.
struct Segment {
    Segment(std::uint64_t seed, std::uint32_t docs, bool clustered) {
        SeededRandom random(seed);
        for (std::uint32_t doc = 0; doc < docs; ++doc) {
            const auto vector = clustered ? clustered_vector(random) : random_vector(random);
            live.add(doc % 10 == 9 ? std::span<const float>() : vector);
        }
        live_reader = live.reader(docs);
        order = numbers(order_column, static_cast<std::uint32_t>(seed) * 1'000'000, docs);
        std::vector<std::uint32_t> ids(docs);
        std::iota(ids.begin(), ids.end(), 0);
        const VectorSource source{live_reader.get(), ids, order.get()};
        SectionFileBuilder builder;
        EXPECT_TRUE(write_vectors(kOptions, {&source, 1}, docs, {}, builder, "v").ok());
        sealed = open(builder.finish());
    }

    LiveVectors live{kOptions};
    LiveColumn order_column{false};
    std::unique_ptr<VectorReader> live_reader;
    std::unique_ptr<ColumnReader> order;
    Sealed sealed;
};

Sealed merge(const std::vector<const Segment*>& segments, std::uint32_t drop_one_in) {
    std::vector<std::vector<std::uint32_t>> ids;
    std::vector<VectorSource> sources;
    std::uint32_t next = 0;
    for (const Segment* segment : segments) {
        std::vector<std::uint32_t>& of = ids.emplace_back();
        for (std::uint32_t doc = 0; doc < segment->sealed.reader->doc_count(); ++doc) {
            of.push_back(drop_one_in > 0 && doc % drop_one_in == 0 ? kDroppedDoc : next++);
        }
    }
    for (std::size_t i = 0; i < segments.size(); ++i) {
        sources.push_back({segments[i]->sealed.reader.get(), ids[i], segments[i]->order.get()});
    }
    SectionFileBuilder builder;
    EXPECT_TRUE(write_vectors(kOptions, sources, next, {}, builder, "v").ok());
    return open(builder.finish());
}

/// The part of the exact k nearest that is found, over some queries.
double recall(const VectorReader& reader, const Bitmap& allowed, bool clustered, std::uint32_t ef) {
    SeededRandom random(77);
    std::size_t wanted = 0;
    std::size_t got = 0;
    for (int i = 0; i < 100; ++i) {
        const auto vector = clustered ? clustered_vector(random) : random_vector(random);
        const auto query = as_stored(kOptions, vector);
        NearestRequest request{query.data(), 10, ef, &allowed, UINT32_MAX};
        const auto exact = reader.nearest(request);
        request.flat_search_cutoff = 0;
        std::set<std::uint32_t> docs;
        for (const VectorHit& hit : exact) {
            docs.insert(hit.doc);
        }
        for (const VectorHit& hit : reader.nearest(request)) {
            EXPECT_TRUE(allowed.test(hit.doc));
            got += docs.count(hit.doc);
        }
        wanted += exact.size();
    }
    return static_cast<double>(got) / static_cast<double>(wanted);
}

constexpr std::uint32_t kDocs = 6000;

TEST(Hnsw, FindsNearlyAllOfTheNearest) {
    for (const bool clustered : {false, true}) {
        const Segment segment(1, kDocs, clustered);
        ASSERT_NE(segment.sealed.reader->graph(), nullptr);
        const Bitmap all(kDocs, true);
        EXPECT_GE(recall(*segment.sealed.reader, all, clustered, kVectorEf), 0.95) << clustered;
    }
}

TEST(Hnsw, FindsThemAmongWhatAFilterLeaves) {
    const Segment segment(2, kDocs, true);
    // Of these, every vector would be looked at with a larger `ef`.
    for (const std::uint32_t one_in : {2U, 3U}) {
        Bitmap some(kDocs);
        for (std::uint32_t doc = 0; doc < kDocs; doc += one_in) {
            some.set(doc);
        }
        EXPECT_GE(recall(*segment.sealed.reader, some, true, 30), 0.95) << one_in;
    }
}

TEST(Hnsw, AMergeKeepsTheLargestGraphAndItsRecall) {
    const Segment large(3, kDocs, true);
    const Segment small(4, 1500, true);
    const Segment smallest(5, 300, true);
    for (const std::uint32_t drop_one_in : {0U, 4U}) {
        const Sealed merged = merge({&small, &large, &smallest}, drop_one_in);
        const Bitmap all(merged.reader->doc_count(), true);
        EXPECT_GE(recall(*merged.reader, all, true, kVectorEf), 0.95) << drop_one_in;
        EXPECT_EQ(merged.bytes, merge({&small, &large, &smallest}, drop_one_in).bytes);
    }
}

TEST(Hnsw, IsAFunctionOfItsVectors) {
    EXPECT_EQ(Segment(6, 2000, false).sealed.bytes, Segment(6, 2000, false).sealed.bytes);
}

TEST(Hnsw, TakesVectorsThatAreAllTheSame) {
    LiveVectors live(kOptions);
    std::vector<float> zeros(kDimensions);
    for (int i = 0; i < 1200; ++i) {
        live.add(zeros);
    }
    const auto reader = live.reader(1200);
    LiveColumn order_column(false);
    const auto order = numbers(order_column, 0, 1200);
    std::vector<std::uint32_t> ids(1200);
    std::iota(ids.begin(), ids.end(), 0);
    const VectorSource source{reader.get(), ids, order.get()};
    SectionFileBuilder builder;
    EXPECT_TRUE(write_vectors(kOptions, {&source, 1}, 1200, {}, builder, "v").ok());
    const Sealed sealed = open(builder.finish());
    const Bitmap all(1200, true);
    const NearestRequest request{zeros.data(), 10, 10, &all, 0};
    EXPECT_EQ(sealed.reader->nearest(request).size(), 10U);
}

TEST(VectorReader, LiveAndSealedOnesHaveTheSameVectors) {
    const Segment segment(7, 1100, false);
    EXPECT_EQ(segment.live_reader->row_count(), 990U);
    EXPECT_EQ(segment.sealed.reader->row_count(), 990U);
    for (std::uint32_t doc = 0; doc < 1100; ++doc) {
        const float* live = segment.live_reader->vector_of(doc);
        const float* sealed = segment.sealed.reader->vector_of(doc);
        ASSERT_EQ(live == nullptr, doc % 10 == 9);
        ASSERT_EQ(live == nullptr, sealed == nullptr);
        if (live != nullptr) {
            EXPECT_TRUE(std::equal(live, live + kDimensions, sealed));
            EXPECT_NEAR(dot_product()(live, live, kDimensions), 1, 1e-5);
        }
    }
    EXPECT_EQ(segment.live_reader->vector_of(5000), nullptr);
}

TEST(DotProduct, IsTheSumOfProductsForAnyLength) {
    SeededRandom random(8);
    for (std::uint32_t dimensions = 1; dimensions < 70; ++dimensions) {
        const auto a = random_vector(random, dimensions);
        const auto b = random_vector(random, dimensions);
        double sum = 0;
        for (std::uint32_t i = 0; i < dimensions; ++i) {
            sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
        }
        EXPECT_NEAR(dot_product()(a.data(), b.data(), dimensions), sum, 1e-4);
    }
}

/// Every section of a graph, each damaged in every way there is, opens as damage or as a graph
/// that can be walked.
TEST(HnswGraph, DamageNeverLeadsAstray) {
    const Segment segment(9, 1200, false);
    const auto file = SectionFile::open(segment.sealed.bytes).value();
    const std::vector<std::string> sections = {
        "v.meta",
        "v.docs",
        "v.rows",
        "v.graph.meta",
        "v.graph.levels",
        "v.graph.base_links",
        "v.graph.upper_starts",
        "v.graph.upper_links"};
    SeededRandom random(10);
    const Bitmap all(1200, true);
    std::size_t refused = 0;
    for (int round = 0; round < 400; ++round) {
        SectionFileBuilder builder;
        const std::size_t chosen = random.below(sections.size());
        for (std::size_t s = 0; s < sections.size(); ++s) {
            std::string bytes(file.section(sections[s]).value());
            if (s == chosen) {
                bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
                bytes.resize(bytes.size() - (random.chance(1, 8) ? 1 : 0));
            }
            builder.add(sections[s], bytes);
        }
        const std::string damaged = builder.finish();
        const auto reader = open_vectors(SectionFile::open(damaged).value(), "v", kDimensions);
        if (!reader.ok() || reader.value()->doc_count() != 1200) {
            ++refused;
            continue;
        }
        const auto query = random_vector(random);
        const NearestRequest request{query.data(), 10, 10, &all, 0};
        EXPECT_LE(reader.value()->nearest(request).size(), 10U);
    }
    EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace kumo::search
