#include "api/elastic/request.h"

#include "api/elastic/fault.h"
#include "wire/url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace kumo::api_elastic {

Result<Parameters> Parameters::parse(ByteView query) {
    auto pairs = wire::parse_query(query);
    if (!pairs.ok()) {
        return illegal_argument(pairs.error().message);
    }
    Parameters out;
    for (wire::QueryParameter& pair : pairs.value()) {
        out.set(std::move(pair.key), std::move(pair.value));
    }
    return out;
}

const std::string* Parameters::find(std::string_view name) const {
    const auto found = std::find_if(all_.rbegin(), all_.rend(), [name](const auto& pair) {
        return pair.first == name;
    });
    return found == all_.rend() ? nullptr : &found->second;
}

std::string Parameters::text(std::string_view name, std::string_view otherwise) const {
    const std::string* const value = find(name);
    return value == nullptr ? std::string(otherwise) : *value;
}

Result<bool> Parameters::flag(std::string_view name, bool otherwise) const {
    const std::string* const value = find(name);
    if (value == nullptr) {
        return otherwise;
    }
    if (value->empty() || *value == "true") {
        return true;
    }
    if (*value == "false") {
        return false;
    }
    return illegal_argument(
        "Failed to parse value [" + *value + "] as only [true] or [false] are allowed."
    );
}

bool Parameters::flag_or(std::string_view name, bool otherwise) const {
    const auto value = flag(name, otherwise);
    return value.ok() ? value.value() : otherwise;
}

Result<std::int64_t> Parameters::integer(std::string_view name, std::int64_t otherwise) const {
    const std::string* const value = find(name);
    if (value == nullptr) {
        return otherwise;
    }
    const auto number = Json(*value).to_int64();
    if (!number) {
        return illegal_argument(
            "Failed to parse int parameter [" + std::string(name) + "] with value [" + *value + "]"
        );
    }
    return *number;
}

Result<Duration> Parameters::time(std::string_view name, Duration otherwise) const {
    const std::string* const value = find(name);
    if (value == nullptr) {
        return otherwise;
    }
    const auto time = parse_time(*value);
    if (!time) {
        return illegal_argument(
            "failed to parse setting [" + std::string(name) + "] with value [" + *value
            + "] as a time value: unit is missing or unrecognized"
        );
    }
    return *time;
}

std::vector<std::string> Parameters::list(std::string_view name) const {
    const std::string* const value = find(name);
    return value == nullptr ? std::vector<std::string>() : split_list(*value);
}

std::string Request::part(std::string_view name) const {
    const auto found = parts.find(name);
    return found == parts.end() ? std::string() : found->second;
}

Result<Json> Request::json() const {
    if (body.find_first_not_of(" \t\r\n") == std::string::npos) {
        return Json();
    }
    auto parsed = Json::parse(body, {.bytes_max = std::size_t{100} << 20, .depth_max = 200});
    if (!parsed.ok()) {
        return fault(
            "parse_exception",
            "Failed to parse content to map: " + parsed.error().message
        );
    }
    return parsed;
}

Result<Json> Request::required_json() const {
    KUMO_TRY_ASSIGN(Json out, json());
    if (out.is_null()) {
        return fault("parse_exception", "request body is required");
    }
    return out;
}

std::optional<Duration> parse_time(std::string_view text) {
    std::int64_t count = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), count);
    if (end.ec != std::errc()) {
        return std::nullopt;
    }
    const std::string_view unit(
        end.ptr,
        text.size() - static_cast<std::size_t>(end.ptr - text.data())
    );
    constexpr std::array<std::pair<std::string_view, std::int64_t>, 7> kUnits = {
        {{"nanos", 1},
         {"micros", 1'000},
         {"ms", 1'000'000},
         {"s", 1'000'000'000},
         {"m", 60'000'000'000},
         {"h", 3'600'000'000'000},
         {"d", 86'400'000'000'000}}};
    if (unit.empty() && (count == 0 || count == -1)) {
        return Duration::zero();
    }
    for (const auto& [name, nanos] : kUnits) {
        if (unit == name && count <= INT64_MAX / nanos) {
            return std::chrono::duration_cast<Duration>(
                std::chrono::nanoseconds(std::max<std::int64_t>(count, 0) * nanos)
            );
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
    double count = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), count);
    if (end.ec != std::errc() || !(count >= 0) || count > 9e18) {
        return std::nullopt;
    }
    std::string unit(end.ptr, text.size() - static_cast<std::size_t>(end.ptr - text.data()));
    std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    });
    constexpr std::array<std::pair<std::string_view, unsigned>, 12> kUnits = {
        {{"", 0},
         {"b", 0},
         {"k", 10},
         {"kb", 10},
         {"m", 20},
         {"mb", 20},
         {"g", 30},
         {"gb", 30},
         {"t", 40},
         {"tb", 40},
         {"p", 50},
         {"pb", 50}}};
    for (const auto& [name, shift] : kUnits) {
        if (unit == name) {
            return static_cast<std::uint64_t>(
                count * static_cast<double>(std::uint64_t{1} << shift)
            );
        }
    }
    return std::nullopt;
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 6> kUnits = {"b", "kb", "mb", "gb", "tb", "pb"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    std::string out(text.data());
    if (out.ends_with(".0")) {
        out.resize(out.size() - 2);
    }
    return out + std::string(kUnits[unit]);
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        if (end > at) {
            out.emplace_back(text.substr(at, end - at));
        }
        at = end + 1;
    }
    return out;
}

}  // namespace kumo::api_elastic
