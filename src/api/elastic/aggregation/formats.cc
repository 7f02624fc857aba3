#include "api/elastic/aggregation/aggregation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace kumo::api_elastic {

namespace {

/// One pattern of java.text.DecimalFormat: text, a number's digits, text.
std::string decimal(const std::string& pattern, double number) {
    std::string before;
    std::string digits;
    std::string after;
    bool quoted = false;
    bool percent = false;
    for (const char c : pattern.substr(0, pattern.find(';'))) {
        std::string& text = digits.empty() ? before : after;
        if (c == '\'') {
            quoted = !quoted;
        } else if (quoted) {
            text += c;
        } else if (after.empty() && std::string_view("0#.,").find(c) != std::string_view::npos) {
            digits += c;
        } else {
            percent = percent || c == '%';
            text += c;
        }
    }
    const std::size_t point = digits.find('.');
    const std::string whole = digits.substr(0, point);
    const std::string part = point == std::string::npos ? "" : digits.substr(point + 1);
    const auto least_whole = static_cast<std::size_t>(std::count(whole.begin(), whole.end(), '0'));
    const auto least_part = static_cast<std::size_t>(std::count(part.begin(), part.end(), '0'));
    constexpr std::size_t kPartMax = 17;
    const int most_part = static_cast<int>(std::min(part.size(), kPartMax));
    std::array<char, 400> text{};
    const double value = std::fabs(percent ? number * 100 : number);
    std::snprintf(text.data(), text.size(), "%.*f", most_part, value);
    std::string out(text.data());
    const std::size_t at = out.find('.');
    std::string left = out.substr(0, at);
    std::string right = at == std::string::npos ? "" : out.substr(at + 1);
    while (right.size() > least_part && right.back() == '0') {
        right.pop_back();
    }
    if (left == "0" && least_whole == 0 && !right.empty()) {
        left.clear();
    }
    left.insert(0, least_whole > left.size() ? least_whole - left.size() : 0, '0');
    const std::size_t comma = whole.rfind(',');
    if (comma != std::string::npos) {
        const std::size_t group = whole.size() - comma - 1;
        for (std::size_t i = left.size(); group > 0 && i > group; i -= group) {
            left.insert(i - group, 1, ',');
        }
    }
    return before + (number < 0 ? "-" : "") + left + (right.empty() ? "" : "." + right) + after;
}

}  // namespace

std::string ValueFormat::text(double number) const {
    if (date) {
        Instant at;
        at.millis = static_cast<std::int64_t>(number);
        return (dates ? *dates : default_date_format()).format(at, zone);
    }
    if (boolean) {
        return number != 0 ? "true" : "false";
    }
    if (!pattern.empty() && pattern != "raw") {
        return decimal(pattern, number);
    }
    return Json(number).text();
}

Json ValueFormat::key(const agg::Key& key) const {
    if (const auto* text_key = std::get_if<std::string>(&key)) {
        return ip ? Json(ip_text(*text_key)) : Json(*text_key);
    }
    if (const auto* integer = std::get_if<std::int64_t>(&key)) {
        return Json(*integer);
    }
    if (const auto* natural = std::get_if<std::uint64_t>(&key)) {
        return Json(*natural);
    }
    return Json(std::get<double>(key));
}

std::optional<std::string> ValueFormat::key_text(const agg::Key& key) const {
    if (std::holds_alternative<std::string>(key) || !has_text()) {
        return std::nullopt;
    }
    return text(agg::number_of(key));
}

}  // namespace kumo::api_elastic
