#include "api/elastic/mapping/dates.h"

#include <unicode/timezone.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// "+01:00", "-0330", "+1": milliseconds.
std::optional<std::int64_t> parse_offset(std::string_view text) {
    if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) {
        return std::nullopt;
    }
    std::string digits;
    for (const char c : text.substr(1)) {
        if (is_digit(c)) {
            digits += c;
        } else if (c != ':') {
            return std::nullopt;
        }
    }
    if (digits.size() % 2 != 0) {
        digits.insert(0, "0");
    }
    if (digits.size() > 6) {
        return std::nullopt;
    }
    digits.resize(6, '0');
    const auto two = [&digits](std::size_t at) {
        return std::int64_t{digits[at] - '0'} * 10 + (digits[at + 1] - '0');
    };
    if (two(0) > 18 || two(2) > 59 || two(4) > 59) {
        return std::nullopt;
    }
    const std::int64_t millis = ((two(0) * 60 + two(2)) * 60 + two(4)) * 1000;
    return text[0] == '-' ? -millis : millis;
}

std::string offset_name(std::int64_t millis) {
    const std::int64_t minutes = std::abs(millis) / 60'000;
    std::string out(1, millis < 0 ? '-' : '+');
    for (const std::int64_t part : {minutes / 60, minutes % 60}) {
        out += part < 10 ? "0" : "";
        out += std::to_string(part);
        out += out.size() == 3 ? ":" : "";
    }
    return out;
}

}  // namespace

struct TimeZone::Region {
    std::unique_ptr<icu::TimeZone> zone;
};

Result<TimeZone> TimeZone::parse(std::string_view name) {
    TimeZone out;
    if (name == "Z" || name == "UTC" || name == "GMT" || name == "UT" || name == "Etc/UTC") {
        out.name_ = name == "UTC" || name == "Z" ? "Z" : std::string(name);
        return out;
    }
    if (const auto offset = parse_offset(name)) {
        out.offset_millis_ = *offset;
        out.name_ = *offset == 0 ? "Z" : offset_name(*offset);
        return out;
    }
    auto region = std::make_shared<Region>();
    region->zone.reset(icu::TimeZone::createTimeZone(
        icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), static_cast<int>(name.size())))
    ));
    if (region->zone == nullptr || *region->zone == icu::TimeZone::getUnknown()) {
        return invalid_argument("Unknown time-zone ID: " + std::string(name));
    }
    out.name_ = name;
    out.region_ = std::move(region);
    return out;
}

std::int64_t TimeZone::offset_at(std::int64_t utc_millis) const {
    if (region_ == nullptr) {
        return offset_millis_;
    }
    int32_t raw = 0;
    int32_t daylight = 0;
    UErrorCode status = U_ZERO_ERROR;
    region_->zone->getOffset(static_cast<UDate>(utc_millis), 0, raw, daylight, status);
    return U_SUCCESS(status) ? std::int64_t{raw} + daylight : 0;
}

std::int64_t TimeZone::to_utc(std::int64_t local_millis) const {
    if (region_ == nullptr) {
        return local_millis - offset_millis_;
    }
    constexpr std::int64_t kDay = kMillisPerDay;
    const std::int64_t before = offset_at(local_millis - kDay);
    const std::int64_t after = offset_at(local_millis + kDay);
    const std::int64_t first = local_millis - std::max(before, after);
    const std::int64_t second = local_millis - std::min(before, after);
    if (first + offset_at(first) == local_millis) {
        return first;
    }
    if (second + offset_at(second) == local_millis) {
        return second;
    }
    return local_millis - before;  // In a gap: as far behind it as the clock would have gone on.
}

}  // namespace kumo::api_elastic
