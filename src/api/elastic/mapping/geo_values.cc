#include "api/elastic/mapping/geo_values.h"

#include "api/elastic/fault.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace kumo::api_elastic {

namespace {

Error bad_point(std::string reason) {
    return fault("parse_exception", std::move(reason));
}

Result<search::GeoPoint> checked(search::GeoPoint point) {
    if (!(point.lat >= -90 && point.lat <= 90)) {
        return illegal_argument(
            "illegal latitude value [" + Json(point.lat).text() + "] for geo point"
        );
    }
    if (!(point.lng >= -180 && point.lng <= 180)) {
        return illegal_argument(
            "illegal longitude value [" + Json(point.lng).text() + "] for geo point"
        );
    }
    return point;
}

Result<search::GeoPoint> from_pair(const Json* lat, const Json* lng) {
    const auto a = lat == nullptr ? std::nullopt : lat->to_double();
    const auto b = lng == nullptr ? std::nullopt : lng->to_double();
    if (!a || !b) {
        return bad_point(
            lat == nullptr || lng == nullptr ? "field [lat] or [lon] missing"
                                             : "latitude and longitude must be numbers"
        );
    }
    return checked({*a, *b});
}

std::string trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" "), text.size());
    text.remove_prefix(begin);
    return std::string(text.substr(0, text.find_last_not_of(" ") + 1));
}

Result<search::GeoPoint> from_text(const std::string& text) {
    if (text.starts_with("POINT") || text.starts_with("point")) {
        const std::size_t open = text.find('(');
        const std::size_t close = text.find(')');
        if (open == std::string::npos || close == std::string::npos) {
            return bad_point("failed to parse point [" + text + "]");
        }
        const std::string inside = trimmed(text.substr(open + 1, close - open - 1));
        const std::size_t space = inside.find(' ');
        const Json lng(inside.substr(0, space));
        const Json lat(space == std::string::npos ? std::string() : trimmed(inside.substr(space)));
        return from_pair(&lat, &lng);
    }
    const std::size_t comma = text.find(',');
    if (comma == std::string::npos) {
        return point_of_geohash(text);
    }
    const Json lat(trimmed(text.substr(0, comma)));
    const Json lng(trimmed(text.substr(comma + 1)));
    if (!lat.to_double() || !lng.to_double()) {
        return bad_point("latitude and longitude must be numbers: [" + text + "]");
    }
    return from_pair(&lat, &lng);
}

}  // namespace

Result<search::GeoPoint> point_of_geohash(std::string_view hash) {
    constexpr std::string_view kDigits = "0123456789bcdefghjkmnpqrstuvwxyz";
    double low[2] = {-180, -90};
    double high[2] = {180, 90};
    unsigned axis = 0;
    if (hash.empty() || hash.size() > 24) {
        return bad_point("unsupported geohash [" + std::string(hash) + "]");
    }
    for (const char c : hash) {
        const std::size_t digit = kDigits.find(c);
        if (digit == std::string_view::npos) {
            return bad_point(
                "unsupported symbol [" + std::string(1, c) + "] in geohash [" + std::string(hash)
                + "]"
            );
        }
        for (unsigned bit = 5; bit-- > 0;) {
            const double middle = (low[axis] + high[axis]) / 2;
            ((digit >> bit & 1U) != 0 ? low[axis] : high[axis]) = middle;
            axis ^= 1U;
        }
    }
    return search::GeoPoint{(low[1] + high[1]) / 2, (low[0] + high[0]) / 2};
}

Result<search::GeoPoint> parse_geo_point(const Json& value) {
    if (value.is_string()) {
        return from_text(value.as_string());
    }
    if (value.is_array()) {
        if (value.size() < 2 || value.size() > 3) {
            return bad_point("geo point has two or three numbers");
        }
        return from_pair(&value.items()[1], &value.items()[0]);
    }
    if (!value.is_object()) {
        return bad_point("geo_point expected");
    }
    if (const Json* const hash = value.find("geohash")) {
        return point_of_geohash(hash->text());
    }
    if (const Json* const coordinates = value.find("coordinates")) {
        return parse_geo_point(*coordinates);
    }
    return from_pair(value.find("lat"), value.find("lon"));
}

}  // namespace kumo::api_elastic
