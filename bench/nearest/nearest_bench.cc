// Times what is looked for by nearness, in process, over generated data:
//     nearest_bench vectors [ROWS DIMENSIONS]
//     nearest_bench places [POINTS]
// Vectors: how many a second a graph takes, and for each number of vectors looked at (ef) the part
// of the exact ten nearest that is found and microseconds a query; the same for filters that leave
// a half, a tenth, a hundredth; and for looking at every vector. Places: microseconds a circle, by
// its radius, with the points in order (sealed) and without (live). Medians of 200 queries, in CPU
// time.

#include "base/random.h"
#include "search/geo/geo_index.h"
#include "search/text/section_file.h"
#include "search/vector/vector_column.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iostream>
#include <numeric>
#include <set>
#include <string>
#include <vector>

using namespace kumo;          // NOLINT(google-build-using-namespace): a program of one file
using namespace kumo::search;  // NOLINT(google-build-using-namespace): as above

namespace {

constexpr int kQueries = 200;

/// CPU time: what else the machine does is not ours.
double seconds_since(std::clock_t start) {
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

double median_us(const std::function<void(int)>& query) {
    std::vector<double> times;
    for (int i = 0; i < kQueries; ++i) {
        const auto start = std::clock();
        query(i);
        times.push_back(seconds_since(start) * 1e6);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

double uniform(Random& random) {
    return static_cast<double>(random.below(1'000'000'001)) / 1e9;
}

std::vector<std::uint32_t> identity(std::uint32_t count) {
    std::vector<std::uint32_t> ids(count);
    std::iota(ids.begin(), ids.end(), 0);
    return ids;
}

/// One of a thousand centers, and some noise: embeddings are clustered.
std::vector<float> make_vector(Random& random, std::uint32_t dimensions) {
    SeededRandom center(random.below(1000));
    std::vector<float> out(dimensions);
    for (float& number : out) {
        number = static_cast<float>(uniform(center) - 0.5 + (uniform(random) - 0.5) * 0.7);
    }
    return out;
}

void show(
    const VectorReader& reader,
    const std::vector<std::vector<float>>& queries,
    const Bitmap& allowed,
    NearestRequest request,
    const char* what
) {
    request.allowed = &allowed;
    std::size_t found = 0;
    std::size_t wanted = 0;
    for (const std::vector<float>& query : queries) {
        request.query = query.data();
        NearestRequest exact = request;
        exact.flat_search_cutoff = UINT32_MAX;
        std::set<std::uint32_t> docs;
        for (const VectorHit& hit : reader.nearest(exact)) {
            docs.insert(hit.doc);
        }
        for (const VectorHit& hit : reader.nearest(request)) {
            found += docs.count(hit.doc);
        }
        wanted += docs.size();
    }
    const double us = median_us([&](int i) {
        request.query = queries[static_cast<std::size_t>(i)].data();
        (void)reader.nearest(request);
    });
    std::printf(
        "%-24s ef %4u  recall %.4f  %8.1f us\n",
        what,
        request.ef,
        static_cast<double>(found) / static_cast<double>(wanted),
        us
    );
}

/// A segment file of generated vectors; says how long its graph took. Empty if that failed.
std::string make_segment(Random& random, const VectorOptions& options, std::uint32_t rows) {
    LiveVectors live(options);
    LiveColumn numbers(false);
    for (std::uint32_t row = 0; row < rows; ++row) {
        live.add(make_vector(random, options.dimensions));
        const std::int64_t number = row;
        numbers.add({&number, 1});
    }
    const auto live_reader = live.reader(rows);
    const auto order = numbers.reader(rows);
    const auto ids = identity(rows);
    const VectorSource source{live_reader.get(), ids, order.get()};
    SectionFileBuilder builder;
    const auto start = std::clock();
    if (!write_vectors(options, {&source, 1}, rows, {}, builder, "v").ok()) {
        return {};
    }
    const double built = seconds_since(start);
    std::string bytes = builder.finish();
    std::printf(
        "%u vectors of %u: %.1f s, %.0f a second; %.0f bytes a vector\n",
        rows,
        options.dimensions,
        built,
        rows / built,
        static_cast<double>(bytes.size()) / rows
    );
    return bytes;
}

int bench_vectors(std::uint32_t rows, std::uint32_t dimensions) {
    const VectorOptions options{dimensions};
    SeededRandom random(1);
    const std::string bytes = make_segment(random, options, rows);
    const auto reader = open_vectors(SectionFile::open(bytes).value(), "v", dimensions).value();
    std::vector<std::vector<float>> queries(kQueries);
    for (std::vector<float>& query : queries) {
        query = as_stored(options, make_vector(random, dimensions));
    }
    const Bitmap all(rows, true);
    for (const std::uint32_t ef : {10U, 32U, 64U, 100U, 200U, 400U}) {
        show(*reader, queries, all, {nullptr, 10, ef}, "graph");
    }
    for (const std::uint32_t one_in : {2U, 10U, 100U}) {
        Bitmap some(rows);
        for (std::uint32_t row = 0; row < rows; ++row) {
            if (random.below(one_in) == 0) {
                some.set(row);
            }
        }
        const std::string what = "filter, 1 in " + std::to_string(one_in);
        show(*reader, queries, some, {nullptr, 10, kVectorEf}, what.c_str());
    }
    show(*reader, queries, all, {nullptr, 10, 10, nullptr, UINT32_MAX}, "every vector");
    return 0;
}

/// One of a thousand, anywhere but near the poles.
GeoPoint town(std::uint64_t number) {
    SeededRandom random(number);
    return {
        std::asin(2 * uniform(random) - 1) / kRadiansPerDegree * 0.99,
        uniform(random) * 359 - 179.5};
}

/// Half of them anywhere, half around towns.
void fill_with_places(Random& random, std::uint32_t points, LiveColumn& column) {
    for (std::uint32_t i = 0; i < points; ++i) {
        GeoPoint point = town(i % 2 == 0 ? random.next() : random.below(1000));
        if (i % 2 != 0) {
            point.lat += 0.5 * (uniform(random) - 0.5);
            point.lng += 0.5 * (uniform(random) - 0.5);
        }
        const std::int64_t code = code_of_point(point);
        column.add({&code, 1});
    }
}

void show_circles(
    const GeoIndex& index,
    const ColumnReader& column,
    const std::vector<GeoPoint>& centers,
    double km
) {
    const auto circle = [&](int i) {
        return GeoRegion::circle(centers[static_cast<std::size_t>(i)], km * 1000);
    };
    std::size_t found = 0;
    const double sealed = median_us([&](int i) {
        Bitmap out(column.doc_count());
        index.match(*circle(i), out);
        found += out.count();
    });
    const double live = median_us([&](int i) {
        Bitmap out(column.doc_count());
        match_points(column, *circle(i), out);
    });
    const double covering = median_us([&](int i) { (void)circle(i); });
    std::printf(
        "circle of %6.0f km: %9.1f points  sealed %9.1f us  live %9.1f us  its covering %6.1f us\n",
        km,
        static_cast<double>(found) / kQueries,
        sealed,
        live,
        covering
    );
}

int bench_places(std::uint32_t points) {
    SeededRandom random(1);
    LiveColumn column(false);
    fill_with_places(random, points, column);
    const auto reader = column.reader(points);
    const auto ids = identity(points);
    const ColumnSource source{reader.get(), ids};
    SectionFileBuilder builder;
    const auto start = std::clock();
    write_geo_index({&source, 1}, builder, "g");
    std::printf("%u points put in order in %.2f s\n", points, seconds_since(start));
    const std::string bytes = builder.finish();
    const auto index = GeoIndex::open(SectionFile::open(bytes).value(), "g", points).value();
    for (const double km : {1.0, 10.0, 100.0, 1000.0, 5000.0}) {
        std::vector<GeoPoint> centers(kQueries);
        for (GeoPoint& center : centers) {
            center = town(random.below(1000));
        }
        show_circles(*index, *reader, centers, km);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    const auto number = [&](int i, std::uint32_t absent) {
        return argc > i ? static_cast<std::uint32_t>(std::strtoul(argv[i], nullptr, 10)) : absent;
    };
    if (what == "vectors") {
        return bench_vectors(number(2, 50'000), number(3, 128));
    }
    if (what == "places") {
        return bench_places(number(2, 1'000'000));
    }
    std::cerr << "usage: nearest_bench vectors [ROWS DIMENSIONS] | places [POINTS]\n";
    return 2;
}
