#include "base/random.h"
#include "kv/types/geo_area.h"
#include "kv/types/geohash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace kumo::kv {
namespace {

GeoPoint random_point(Random& random) {
    const auto share = [&random] {
        return static_cast<double>(random.next() >> 11U) / 9007199254740992.0;
    };
    return {(2 * share() - 1) * kGeoLongitudeMax, (2 * share() - 1) * kGeoLatitudeMax};
}

bool covered(const std::vector<GeoArea::CodeRange>& cells, std::uint64_t code) {
    return std::any_of(cells.begin(), cells.end(), [code](const GeoArea::CodeRange& range) {
        return range.first <= code && code < range.last;
    });
}

/// Every point of the area lies in one of its cells.
void expect_all_covered(const GeoArea& area, Random& random) {
    const auto cells = area.cells();
    ASSERT_LE(cells.size(), 9U);
    for (int i = 0; i < 300; ++i) {
        const std::uint64_t code = geo_encode(random_point(random));
        if (area.distance_inside(geo_decode(code)).has_value()) {
            EXPECT_TRUE(covered(cells, code)) << code;
        }
    }
}

TEST(GeoArea, CellsHaveEveryPointOfACircle) {
    SeededRandom random(7);
    for (int i = 0; i < 2000; ++i) {
        const double radius = std::pow(10.0, static_cast<double>(random.next() % 80) / 10);
        expect_all_covered(GeoArea::circle(random_point(random), radius), random);
    }
}

TEST(GeoArea, CellsHaveEveryPointOfABox) {
    SeededRandom random(11);
    for (int i = 0; i < 2000; ++i) {
        const double width = std::pow(10.0, static_cast<double>(random.next() % 80) / 10);
        const double height = std::pow(10.0, static_cast<double>(random.next() % 80) / 10);
        expect_all_covered(GeoArea::box(random_point(random), width, height), random);
    }
}

TEST(GeoArea, CellsHaveNearbyPointsAtAnyLatitude) {
    SeededRandom random(13);
    for (int i = 0; i < 20'000; ++i) {
        const GeoPoint center = geo_decode(geo_encode(random_point(random)));
        GeoPoint near{
            center.longitude + (static_cast<double>(random.next() % 2001) - 1000) / 5000,
            center.latitude + (static_cast<double>(random.next() % 2001) - 1000) / 50'000};
        near.longitude = std::remainder(near.longitude, 360);
        if (!geo_valid(near)) {
            continue;
        }
        const std::uint64_t code = geo_encode(near);
        const double distance = geo_distance(center, geo_decode(code));
        EXPECT_TRUE(covered(GeoArea::circle(center, distance).cells(), code));
    }
}

TEST(GeoArea, ASmallAreaHasFewCodes) {
    const auto cells = GeoArea::circle({13.4, 52.5}, 100).cells();
    for (const GeoArea::CodeRange& range : cells) {
        EXPECT_LT(range.last - range.first, std::uint64_t{1} << 24U);
    }
}

TEST(GeoArea, InfiniteAreasAreTheWholeEarth) {
    SeededRandom random(17);
    expect_all_covered(GeoArea::circle({10, 80}, HUGE_VAL), random);
    expect_all_covered(GeoArea::box({10, -80}, HUGE_VAL, HUGE_VAL), random);
}

}  // namespace
}  // namespace kumo::kv
