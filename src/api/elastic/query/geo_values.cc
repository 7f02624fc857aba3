#include "api/elastic/query/internal/geo_values.h"

#include "api/elastic/fault.h"
#include "api/elastic/query/internal/units.h"

#include <charconv>
#include <map>
#include <optional>
#include <string>

namespace kumo::api_elastic {

namespace {

std::optional<double> number(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ')) {
        text.remove_suffix(1);
    }
    double out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return out;
}

Error bad_point(const std::string& why) {
    return fault("parse_exception", why);
}

Result<search::GeoPoint> checked(double lat, double lng) {
    search::GeoPoint out{lat, lng};
    if (!(lat >= -90 && lat <= 90)) {
        return illegal_argument("illegal latitude value [" + Json(lat).text() + "]");
    }
    if (!(lng >= -180 && lng <= 180)) {
        return illegal_argument("illegal longitude value [" + Json(lng).text() + "]");
    }
    return out;
}

Result<search::GeoPoint> point_of_text(const std::string& text) {
    if (text.starts_with("POINT") || text.starts_with("point")) {
        const std::size_t open = text.find('(');
        const std::size_t close = text.find(')');
        if (open == std::string::npos || close == std::string::npos || close < open) {
            return bad_point("Invalid WKT format");
        }
        std::string inside = text.substr(open + 1, close - open - 1);
        const std::size_t start = inside.find_first_not_of(' ');
        inside = start == std::string::npos ? "" : inside.substr(start);
        const std::size_t space = inside.find(' ');
        const auto lng = number(inside.substr(0, space));
        const auto lat =
            space == std::string::npos ? std::nullopt : number(inside.substr(space + 1));
        if (!lat || !lng) {
            return bad_point("Invalid WKT format");
        }
        return checked(*lat, *lng);
    }
    const std::size_t comma = text.find(',');
    if (comma == std::string::npos) {
        return geohash_point(text);
    }
    const auto lat = number(text.substr(0, comma));
    const auto lng = number(text.substr(comma + 1));
    if (!lat) {
        return bad_point("latitude must be a number");
    }
    if (!lng) {
        return bad_point("longitude must be a number");
    }
    return checked(*lat, *lng);
}

}  // namespace

Result<GeohashCell> geohash_cell(std::string_view hash) {
    constexpr std::string_view kDigits = "0123456789bcdefghjkmnpqrstuvwxyz";
    constexpr std::size_t kDigitsMax = 12;
    GeohashCell out;
    bool lng = true;
    if (hash.empty() || hash.size() > kDigitsMax) {
        return bad_point("unsupported symbol [" + std::string(hash) + "] in geohash");
    }
    for (const char c : hash) {
        const std::size_t value = kDigits.find(c);
        if (value == std::string_view::npos) {
            return bad_point(
                std::string("unsupported symbol [") + c + "] in geohash [" + std::string(hash) + "]"
            );
        }
        for (std::size_t bit = 16; bit > 0; bit /= 2) {
            double& low = lng ? out.west : out.south;
            double& high = lng ? out.east : out.north;
            const double middle = (low + high) / 2;
            ((value & bit) != 0 ? low : high) = middle;
            lng = !lng;
        }
    }
    return out;
}

Result<search::GeoPoint> geohash_point(std::string_view hash) {
    KUMO_TRY_ASSIGN(const GeohashCell cell, geohash_cell(hash));
    return search::GeoPoint{(cell.south + cell.north) / 2, (cell.west + cell.east) / 2};
}

Result<search::GeoPoint> geo_point(const Json& value) {
    if (value.is_string()) {
        return point_of_text(value.as_string());
    }
    if (value.is_array()) {
        const auto& items = value.items();
        if (items.size() < 2 || !items[0].is_number() || !items[1].is_number()) {
            return bad_point("numeric value expected");
        }
        return checked(items[1].as_double(), items[0].as_double());
    }
    if (!value.is_object()) {
        return bad_point("geo_point expected");
    }
    if (const Json* hash = value.find("geohash")) {
        return geohash_point(hash->text());
    }
    if (const Json* coordinates = value.find("coordinates")) {
        return geo_point(*coordinates);
    }
    const Json* lat = value.find("lat");
    const Json* lng = value.find("lon");
    if (lat == nullptr) {
        return bad_point("field [lat] missing");
    }
    if (lng == nullptr) {
        return bad_point("field [lon] missing");
    }
    const auto lat_number = lat->to_double();
    const auto lng_number = lng->to_double();
    if (!lat_number || !lng_number) {
        return bad_point("[lat] and [lon] must be numbers");
    }
    return checked(*lat_number, *lng_number);
}

Result<double> distance_meters(std::string_view text) {
    static const std::map<std::string_view, double> kUnits{
        {"", 1},           {"m", 1},         {"meters", 1},      {"km", 1000},
        {"kilometers", 1000}, {"mi", 1609.344}, {"miles", 1609.344}, {"yd", 0.9144},
        {"yards", 0.9144}, {"ft", 0.3048},   {"feet", 0.3048},   {"in", 0.0254},
        {"inch", 0.0254},  {"cm", 0.01},     {"centimeters", 0.01}, {"mm", 0.001},
        {"millimeters", 0.001}, {"nmi", 1852}, {"NM", 1852},     {"nauticalmiles", 1852},
    };
    std::size_t end = text.size();
    while (end > 0 && ((text[end - 1] >= 'a' && text[end - 1] <= 'z')
                       || (text[end - 1] >= 'A' && text[end - 1] <= 'Z'))) {
        --end;
    }
    const auto unit = kUnits.find(text.substr(end));
    const auto value = number(text.substr(0, end));
    if (unit == kUnits.end() || !value) {
        return fault("number_format_exception", "For input string: \"" + std::string(text) + "\"");
    }
    return *value * unit->second;
}

Result<double> time_nanos(std::string_view text) {
    static const std::map<std::string_view, double> kUnits{
        {"nanos", 1}, {"micros", 1e3}, {"ms", 1e6}, {"s", 1e9},
        {"m", 6e10},  {"h", 3.6e12},   {"H", 3.6e12}, {"d", 8.64e13}, {"w", 6.048e14},
    };
    std::size_t end = text.size();
    while (end > 0 && ((text[end - 1] >= 'a' && text[end - 1] <= 'z') || text[end - 1] == 'H')) {
        --end;
    }
    const auto unit = kUnits.find(text.substr(end));
    const auto value = number(text.substr(0, end));
    if (text == "0" || text == "-1") {
        return *number(text);
    }
    if (unit == kUnits.end() || !value) {
        return illegal_argument(
            "failed to parse setting [value] with value [" + std::string(text)
            + "] as a time value: unit is missing or unrecognized"
        );
    }
    return *value * unit->second;
}

}  // namespace kumo::api_elastic
