#include "search/geo/geo_region.h"

#include "base/random.h"
#include "search/geo/geo_index.h"
#include "search/text/section_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>

namespace kumo::search {
namespace {

GeoPoint random_point(Random& random) {
    const auto uniform = [&] {
        return static_cast<double>(random.below(1'000'000'001)) / 1e9;
    };
    return {uniform() * 180 - 90, uniform() * 360 - 180};
}

std::string why_not(std::vector<GeoPoint> vertices) {
    const auto made = GeoRegion::polygon(vertices);
    return made.ok() ? "" : made.error().message;
}

bool has(const std::vector<GeoPoint>& vertices, GeoPoint point) {
    return GeoRegion::polygon(vertices).value()->contains(point);
}

TEST(GeoPoint, CellsAreSmallAndKeepTheirPoints) {
    SeededRandom random(1);
    for (int i = 0; i < 1000; ++i) {
        const GeoPoint point = random_point(random);
        const GeoPoint back = point_of_code(code_of_point(point));
        EXPECT_LT(distance_meters(point, back), 0.01);
        EXPECT_EQ(code_of_point(back), code_of_point(point));
    }
    for (const double lat : {-90.0, 0.0, 90.0}) {
        for (const double lng : {-180.0, 0.0, 180.0}) {
            EXPECT_LT(distance_meters({lat, lng}, point_of_code(code_of_point({lat, lng}))), 0.01);
        }
    }
}

TEST(GeoPoint, DistancesAreThoseOfASphere) {
    EXPECT_NEAR(distance_meters({0, 0}, {0, 90}), kEarthRadiusMeters * kPi / 2, 1e-3);
    EXPECT_NEAR(distance_meters({0, 179.5}, {0, -179.5}), kEarthRadiusMeters * kPi / 180, 1e-3);
    EXPECT_NEAR(distance_meters({90, 10}, {90, -100}), 0, 1e-3);
    EXPECT_NEAR(distance_meters({48.853, 2.344}, {48.86093481609114, 2.33698396872901}), 1021, 2);
}

TEST(GeoPoint, RefusesWhatIsNotOnEarth) {
    EXPECT_TRUE(is_valid({-90, 180}));
    EXPECT_FALSE(is_valid({90.1, 0}));
    EXPECT_FALSE(is_valid({0, -180.1}));
    EXPECT_FALSE(is_valid({std::nan(""), 0}));
}

TEST(GeoRegion, PolygonsCrossTheAntimeridianAndHoldPoles) {
    const std::vector<GeoPoint> fiji = {{-15, 175}, {-15, -175}, {-20, -175}, {-20, 175}};
    EXPECT_TRUE(has(fiji, {-17, 179}));
    EXPECT_TRUE(has(fiji, {-17, -179}));
    EXPECT_TRUE(has(fiji, {-17, 180}));
    EXPECT_FALSE(has(fiji, {-17, 170}));
    EXPECT_FALSE(has(fiji, {-17, 0}));
    const std::vector<GeoPoint> arctic = {{70, 0}, {70, 90}, {70, 180}, {70, -90}};
    EXPECT_TRUE(has(arctic, {90, 0}));
    EXPECT_TRUE(has(arctic, {80, 45}));
    EXPECT_FALSE(has(arctic, {60, 45}));
    EXPECT_FALSE(has(arctic, {-90, 0}));
}

TEST(GeoRegion, APolygonsDirectionAndRepeatedVerticesMeanNothing) {
    const std::vector<GeoPoint> one = {{0, 0}, {0, 10}, {10, 10}, {10, 0}};
    const std::vector<GeoPoint> other = {{10, 0}, {10, 10}, {10, 10}, {0, 10}, {0, 0}, {10, 0}};
    for (const GeoPoint point : {GeoPoint{5, 5}, GeoPoint{-5, 5}, GeoPoint{5, 11}}) {
        EXPECT_EQ(has(one, point), has(other, point));
    }
    EXPECT_TRUE(has(other, {5, 5}));
}

TEST(GeoRegion, SaysWhatIsWrongWithAPolygon) {
    EXPECT_EQ(why_not({{0, 0}, {0, 10}, {10, 10}, {10, 0}}), "");
    EXPECT_EQ(
        why_not({{0, 0}, {10, 10}, {10, 0}, {0, 10}}),
        "Polygon is invalid: edge 0 crosses edge 2."
    );
    EXPECT_EQ(
        why_not({{0, 0}, {0, 10}, {0, 5}, {5, 5}}),
        "Polygon is invalid: edge 0 crosses edge 1."
    );
    EXPECT_EQ(
        why_not({{1, 1}, {1, 1}, {2, 2}, {1, 1}}),
        "Polygon is invalid: it has less than 3 different vertices."
    );
    EXPECT_EQ(
        why_not({{0, 0}, {0, 120}, {0, -120}}),
        "Polygon is invalid: it does not fit in a hemisphere."
    );
    std::vector<GeoPoint> circle;
    for (int i = 0; i < 1001; ++i) {
        circle.push_back({std::sin(i * 2 * kPi / 1001), std::cos(i * 2 * kPi / 1001)});
    }
    EXPECT_EQ(why_not(circle), "Polygon is invalid: it has more than 1000 vertices.");
    circle.pop_back();
    EXPECT_EQ(why_not(circle), "");
}

/// Points of a live column and of an index, against every point asked one by one.
void expect_same(const GeoRegion& region, const std::vector<GeoPoint>& points, const char* what) {
    SCOPED_TRACE(what);
    LiveColumn column(false);
    for (const GeoPoint& point : points) {
        const std::int64_t code = code_of_point(point);
        column.add({&code, 1});
    }
    const auto docs = static_cast<std::uint32_t>(points.size());
    const auto reader = column.reader(docs);
    std::vector<std::uint32_t> ids(docs);
    std::iota(ids.begin(), ids.end(), 0);
    const ColumnSource source{reader.get(), ids};
    SectionFileBuilder builder;
    write_geo_index({&source, 1}, builder, "g");
    const std::string bytes = builder.finish();
    const auto file = SectionFile::open(bytes).value();
    const auto index = GeoIndex::open(file, "g", docs).value();
    Bitmap scanned(docs);
    Bitmap looked_up(docs);
    match_points(*reader, region, scanned);
    index->match(region, looked_up);
    for (std::uint32_t doc = 0; doc < docs; ++doc) {
        const bool wanted = region.contains(point_of_code(reader->value(doc)));
        ASSERT_EQ(scanned.test(doc), wanted) << points[doc].lat << " " << points[doc].lng;
        ASSERT_EQ(looked_up.test(doc), wanted) << points[doc].lat << " " << points[doc].lng;
    }
    EXPECT_LE(region.covering().size(), kCoveringCellsMax);
}

TEST(GeoRegion, CoveringsHoldCirclesOfEverySizeEverywhere) {
    SeededRandom random(2);
    for (int round = 0; round < 60; ++round) {
        const GeoPoint polar{round < 2 ? 90.0 : -89.999, round * 100.0 - 150};
        const GeoPoint center = round < 4 ? polar : random_point(random);
        const double meters = std::pow(10, static_cast<double>(round % 8));
        std::vector<GeoPoint> points;
        for (int i = 0; i < 500; ++i) {
            points.push_back(random_point(random));
            // Near the border, on both sides.
            const double near = meters / kEarthRadiusMeters / kRadiansPerDegree;
            const double turn = static_cast<double>(random.below(1000)) / 1000 * 2 * kPi;
            const double far = near * (0.9 + static_cast<double>(random.below(200)) / 1000);
            const GeoPoint point{
                center.lat + far * std::sin(turn),
                center.lng + far * std::cos(turn) / std::cos(center.lat * kRadiansPerDegree)};
            if (is_valid(point)) {
                points.push_back(point);
            }
        }
        points.push_back(center);
        expect_same(*GeoRegion::circle(center, meters), points, "circle");
    }
}

TEST(GeoRegion, CoveringsHoldPolygonsEverywhere) {
    SeededRandom random(3);
    for (int round = 0; round < 60; ++round) {
        const GeoPoint center = random_point(random);
        const double size = std::pow(10, static_cast<double>(round % 4) - 2);  // degrees
        std::vector<GeoPoint> vertices;
        std::vector<GeoPoint> points;
        for (int i = 0; i < 12; ++i) {  // a star
            const double reach = (i % 2 == 0 ? 1 : 0.4) * size;
            const GeoPoint vertex{
                std::min(90.0, std::max(-90.0, center.lat + reach * std::sin(i * kPi / 6))),
                std::remainder(center.lng + reach * std::cos(i * kPi / 6), 360)};
            vertices.push_back(vertex);
        }
        const auto region = GeoRegion::polygon(vertices);
        if (!region.ok()) {
            continue;  // A star at a pole may fold.
        }
        for (int i = 0; i < 500; ++i) {
            const double lat =
                center.lat + size * (static_cast<double>(random.below(2400)) / 1000 - 1.2);
            const double lng =
                center.lng + size * (static_cast<double>(random.below(2400)) / 1000 - 1.2);
            points.push_back({std::min(90.0, std::max(-90.0, lat)), std::remainder(lng, 360)});
            points.push_back(random_point(random));
        }
        expect_same(*region.value(), points, "polygon");
    }
}

TEST(GeoIndex, FindsThePolygonsThatHaveAPoint) {
    SeededRandom random(4);
    LiveColumn column(false);
    std::vector<GeoPolygon> polygons;
    std::vector<GeoPoint> points;
    while (polygons.size() < 500) {
        const bool polar = polygons.size() % 10 == 0;
        const GeoPoint center = polar ? GeoPoint{85, 20} : random_point(random);
        const double size = std::pow(10, static_cast<double>(random.below(4)) - 1.5);
        std::vector<GeoPoint> vertices;
        std::vector<std::int64_t> codes;
        for (int i = 0; i < 5; ++i) {
            const double lat = center.lat + size * std::sin(i * kPi / 2.5);
            const double lng = center.lng + size * std::cos(i * kPi / 2.5);
            const GeoPoint vertex{std::min(90.0, std::max(-90.0, lat)), std::remainder(lng, 360)};
            codes.push_back(code_of_point(vertex));
            vertices.push_back(point_of_code(codes.back()));
        }
        auto polygon = GeoPolygon::make(vertices);
        if (!polygon.ok()) {
            continue;
        }
        polygons.push_back(std::move(polygon).value());
        column.add(codes);
        points.push_back(center);
        points.push_back(random_point(random));
        points.push_back({std::min(90.0, center.lat + size * 0.8), center.lng});
    }
    const auto reader = column.reader(500);
    std::size_t found = 0;
    for (const GeoPoint& point : points) {
        if (!is_valid(point)) {
            continue;
        }
        Bitmap out(500);
        match_polygons(*reader, point, out);
        found += out.count();
        for (std::uint32_t doc = 0; doc < 500; ++doc) {
            ASSERT_EQ(out.test(doc), polygons[doc].contains(vector_of(point)))
                << doc << ": " << point.lat << " " << point.lng;
        }
    }
    EXPECT_GT(found, 500U);
}

TEST(GeoRegion, MostPointsAreToldByTheirCodes) {
    const auto region = GeoRegion::circle({48.85, 2.35}, 10'000);
    std::int64_t inside = 0;
    std::int64_t unsure = 0;
    for (const CodeRange& range : region->covering()) {
        const std::int64_t size = (range.last - range.first) / 2;
        (range.inside ? inside : unsure) += size / 1024;
    }
    EXPECT_GT(inside, unsure);
}

TEST(GeoIndex, RefusesDamage) {
    LiveColumn column(false);
    for (const std::int64_t code : {std::int64_t{5}, std::int64_t{3}}) {
        column.add({&code, 1});
    }
    const auto reader = column.reader(2);
    const std::vector<std::uint32_t> ids = {0, 1};
    const ColumnSource source{reader.get(), ids};
    SectionFileBuilder builder;
    write_geo_index({&source, 1}, builder, "g");
    const std::string bytes = builder.finish();
    const auto opened = [&](std::uint32_t docs) {
        return GeoIndex::open(SectionFile::open(bytes).value(), "g", docs).ok();
    };
    EXPECT_TRUE(opened(2));
    EXPECT_FALSE(opened(1)) << "a document outside the segment";
    const auto made_of = [](std::string meta, std::string codes, std::string docs) {
        SectionFileBuilder parts;
        parts.add("g.meta", meta);
        parts.add("g.codes", codes);
        parts.add("g.docs", docs);
        const std::string file = parts.finish();
        return GeoIndex::open(SectionFile::open(file).value(), "g", 9).ok();
    };
    const auto file = SectionFile::open(bytes).value();
    const std::string meta(file.section("g.meta").value());
    const std::string codes(file.section("g.codes").value());
    const std::string docs(file.section("g.docs").value());
    EXPECT_TRUE(made_of(meta, codes, docs));
    EXPECT_FALSE(made_of(meta, codes.substr(8) + codes.substr(0, 8), docs)) << "not in order";
    EXPECT_FALSE(made_of(meta, codes.substr(8), docs));
    EXPECT_FALSE(made_of(meta, codes, docs + "x"));
    EXPECT_FALSE(made_of(meta.substr(1), codes, docs));
    EXPECT_FALSE(made_of("KGEO\x02" + meta.substr(5), codes, docs)) << "a later version";
}

}  // namespace
}  // namespace kumo::search
