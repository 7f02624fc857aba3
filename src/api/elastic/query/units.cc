#include "api/elastic/query/internal/units.h"

#include "api/elastic/fault.h"

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

}  // namespace

Result<double> distance_meters(std::string_view text) {
    static const std::map<std::string_view, double> kUnits{
        {"", 1},
        {"m", 1},
        {"meters", 1},
        {"km", 1000},
        {"kilometers", 1000},
        {"mi", 1609.344},
        {"miles", 1609.344},
        {"yd", 0.9144},
        {"yards", 0.9144},
        {"ft", 0.3048},
        {"feet", 0.3048},
        {"in", 0.0254},
        {"inch", 0.0254},
        {"cm", 0.01},
        {"centimeters", 0.01},
        {"mm", 0.001},
        {"millimeters", 0.001},
        {"nmi", 1852},
        {"NM", 1852},
        {"nauticalmiles", 1852},
    };
    std::size_t end = text.size();
    while (end > 0
           && ((text[end - 1] >= 'a' && text[end - 1] <= 'z')
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
        {"nanos", 1},
        {"micros", 1e3},
        {"ms", 1e6},
        {"s", 1e9},
        {"m", 6e10},
        {"h", 3.6e12},
        {"H", 3.6e12},
        {"d", 8.64e13},
        {"w", 6.048e14},
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
