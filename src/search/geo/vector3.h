#pragma once

#include "search/geo/geo_point.h"

#include <algorithm>
#include <cmath>

/// Points of the unit sphere. Plain values.
namespace kumo::search {

struct Vector3 {
    double x = 0;
    double y = 0;
    double z = 0;
};

inline constexpr double kPi = 3.14159265358979323846;
inline constexpr double kRadiansPerDegree = kPi / 180;

inline Vector3 operator+(const Vector3& a, const Vector3& b) {
    return {a.x + b.x, a.y + b.y, a.z + b.z};
}

inline Vector3 operator-(const Vector3& a, const Vector3& b) {
    return {a.x - b.x, a.y - b.y, a.z - b.z};
}

inline Vector3 operator*(const Vector3& a, double by) {
    return {a.x * by, a.y * by, a.z * by};
}

inline double dot(const Vector3& a, const Vector3& b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

inline Vector3 cross(const Vector3& a, const Vector3& b) {
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

inline double length(const Vector3& a) {
    return std::sqrt(dot(a, a));
}

inline Vector3 vector_of(GeoPoint point) {
    const double lat = point.lat * kRadiansPerDegree;
    const double lng = point.lng * kRadiansPerDegree;
    const double ring = std::cos(lat);
    return {ring * std::cos(lng), ring * std::sin(lng), std::sin(lat)};
}

/// In radians. By the chord, which is exact for what is near (the haversine formula's way).
inline double angle_between(const Vector3& a, const Vector3& b) {
    return 2 * std::asin(std::min(1.0, length(a - b) / 2));
}

}  // namespace kumo::search
