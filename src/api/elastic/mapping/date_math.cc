#include "api/elastic/mapping/date_math.h"

#include "api/elastic/fault.h"

#include <string>

namespace kumo::api_elastic {

namespace {

constexpr std::int64_t kCountMax = 1'000'000'000;

std::int64_t floor_to(std::int64_t value, std::int64_t unit) {
    const std::int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

std::int64_t millis_of(char unit) {
    switch (unit) {
        case 's': return 1000;
        case 'm': return 60'000;
        case 'h':
        case 'H': return 3'600'000;
        default: return 0;
    }
}

unsigned month_days(std::int64_t year, unsigned month) {
    const CivilDate next = month == 12 ? CivilDate{year + 1, 1, 1} : CivilDate{year, month + 1, 1};
    return static_cast<unsigned>(days_of(next) - days_of({year, month, 1}));
}

/// Local time and a unit of the calendar.
std::int64_t add_months(std::int64_t local, std::int64_t months) {
    const std::int64_t days = floor_to(local, kMillisPerDay) / kMillisPerDay;
    CivilDate date = civil_of(days);
    const std::int64_t total = date.year * 12 + (date.month - 1) + months;
    date.year = floor_to(total, 12) / 12;
    date.month = static_cast<unsigned>(total - date.year * 12) + 1;
    date.day = std::min(date.day, month_days(date.year, date.month));
    return days_of(date) * kMillisPerDay + (local - days * kMillisPerDay);
}

std::int64_t floor_unit(std::int64_t local, char unit) {
    const std::int64_t days = floor_to(local, kMillisPerDay) / kMillisPerDay;
    const CivilDate date = civil_of(days);
    switch (unit) {
        case 'y': return days_of({date.year, 1, 1}) * kMillisPerDay;
        case 'M': return days_of({date.year, date.month, 1}) * kMillisPerDay;
        case 'w': return (days - ((days + 3) % 7 + 7) % 7) * kMillisPerDay;
        case 'd': return days * kMillisPerDay;
        default: return floor_to(local, millis_of(unit));
    }
}

std::int64_t add_unit(std::int64_t local, char unit, std::int64_t count) {
    switch (unit) {
        case 'y': return add_months(local, count * 12);
        case 'M': return add_months(local, count);
        case 'w': return local + count * 7 * kMillisPerDay;
        case 'd': return local + count * kMillisPerDay;
        default: return local + count * millis_of(unit);
    }
}

struct Step {
    char action = '+';  ///< '+', '-', '/'
    std::int64_t count = 1;
    char unit = 'd';
};

Result<Step> next_step(std::string_view& rest, std::string_view all) {
    Step step;
    step.action = rest[0];
    if (step.action != '+' && step.action != '-' && step.action != '/') {
        return fault(
            "parse_exception",
            "operator not supported for date math [" + std::string(all) + "]"
        );
    }
    rest.remove_prefix(1);
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
        step.count = 0;
        while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9' && step.count <= kCountMax) {
            step.count = step.count * 10 + (rest[0] - '0');
            rest.remove_prefix(1);
        }
    }
    if (step.count > kCountMax || rest.empty()) {
        return fault("parse_exception", "truncated date math [" + std::string(all) + "]");
    }
    if (step.action == '/' && step.count != 1) {
        return fault(
            "parse_exception",
            "rounding `/` can only be used on single unit types [" + std::string(all) + "]"
        );
    }
    step.unit = rest[0];
    rest.remove_prefix(1);
    if (std::string_view("yMwdhHms").find(step.unit) == std::string_view::npos) {
        return fault(
            "parse_exception",
            "unit [" + std::string(1, step.unit) + "] not supported for date math ["
                + std::string(all) + "]"
        );
    }
    return step;
}

}  // namespace

Result<Instant> parse_date_math(
    std::string_view text,
    const DateFormat& format,
    std::int64_t now_millis,
    MissingParts missing,
    const TimeZone& zone
) {
    Instant at{now_millis, 0};
    std::string_view rest;
    if (text.starts_with("now")) {
        rest = text.substr(3);
    } else {
        const std::size_t bars = text.find("||");
        const bool math = bars != std::string_view::npos;
        auto parsed =
            format.parse(text.substr(0, bars), math ? MissingParts::kLowest : missing, zone);
        if (!parsed.ok()) {
            return fault("parse_exception", parsed.error().message);
        }
        at = parsed.value();
        rest = math ? text.substr(bars + 2) : std::string_view();
    }
    while (!rest.empty()) {
        KUMO_TRY_ASSIGN(const Step step, next_step(rest, text));
        std::int64_t local = at.millis + zone.offset_at(at.millis);
        if (step.action != '/') {
            local = add_unit(local, step.unit, step.action == '+' ? step.count : -step.count);
            at.millis = zone.to_utc(local);
            continue;
        }
        local = floor_unit(local, step.unit);
        at.millis = zone.to_utc(local);
        at.nanos = 0;
        if (missing == MissingParts::kHighest) {
            at.millis = zone.to_utc(add_unit(local, step.unit, 1)) - 1;
        }
    }
    return at;
}

}  // namespace kumo::api_elastic
