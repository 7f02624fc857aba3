#include "api/elastic/fault.h"
#include "api/elastic/query/query.h"

#include <algorithm>
#include <cctype>

namespace kumo::api_elastic {

namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;

/// A moment of local clocks, taken apart.
struct Local {
    CivilDate date;
    std::int64_t millis = 0;  ///< Of the day.

    static Local of(std::int64_t millis) {
        std::int64_t days = millis / kMillisPerDay;
        std::int64_t rest = millis % kMillisPerDay;
        if (rest < 0) {
            --days;
            rest += kMillisPerDay;
        }
        return {civil_of(days), rest};
    }

    std::int64_t total() const { return days_of(date) * kMillisPerDay + millis; }
};

unsigned days_in(std::int64_t year, unsigned month) {
    const CivilDate next = month == 12 ? CivilDate{year + 1, 1, 1} : CivilDate{year, month + 1, 1};
    return static_cast<unsigned>(days_of(next) - days_of({year, month, 1}));
}

void add_months(Local& at, std::int64_t months) {
    const std::int64_t total = at.date.year * 12 + static_cast<std::int64_t>(at.date.month) - 1
                               + months;
    std::int64_t year = total / 12;
    std::int64_t month = total % 12;
    if (month < 0) {
        --year;
        month += 12;
    }
    at.date.year = year;
    at.date.month = static_cast<unsigned>(month + 1);
    at.date.day = std::min(at.date.day, days_in(year, at.date.month));
}

/// Adds `count` units; false for a letter that is no unit.
bool add(Local& at, char unit, std::int64_t count) {
    switch (unit) {
        case 'y':
            add_months(at, 12 * count);
            return true;
        case 'M':
            add_months(at, count);
            return true;
        case 'w':
            at = Local::of(at.total() + 7 * count * kMillisPerDay);
            return true;
        case 'd':
            at = Local::of(at.total() + count * kMillisPerDay);
            return true;
        case 'h':
        case 'H':
            at = Local::of(at.total() + count * kHour);
            return true;
        case 'm':
            at = Local::of(at.total() + count * kMinute);
            return true;
        case 's':
            at = Local::of(at.total() + count * 1000);
            return true;
        default:
            return false;
    }
}

/// Goes back to where the unit begins.
bool round_down(Local& at, char unit) {
    switch (unit) {
        case 'y':
            at.date.month = 1;
            at.date.day = 1;
            at.millis = 0;
            return true;
        case 'M':
            at.date.day = 1;
            at.millis = 0;
            return true;
        case 'w': {
            at.millis = 0;
            const std::int64_t days = days_of(at.date);
            // The epoch was a Thursday; weeks begin on Mondays.
            const std::int64_t day = ((days + 3) % 7 + 7) % 7;
            at.date = civil_of(days - day);
            return true;
        }
        case 'd':
            at.millis = 0;
            return true;
        case 'h':
        case 'H':
            at.millis -= at.millis % kHour;
            return true;
        case 'm':
            at.millis -= at.millis % kMinute;
            return true;
        case 's':
            at.millis -= at.millis % 1000;
            return true;
        default:
            return false;
    }
}

Error bad_math(const std::string& math, const std::string& why) {
    return fault("parse_exception", why + " for date math [" + math + "]");
}

constexpr std::int64_t kCountMax = 1'000'000'000;

}  // namespace

Result<Instant> parse_date_math(
    const DateFormat& format,
    const std::string& text,
    bool up,
    const TimeZone& zone,
    std::int64_t now_millis
) {
    Instant at;
    std::string math;
    if (text.starts_with("now")) {
        at.millis = now_millis;
        math = text.substr(3);
    } else {
        const std::size_t bars = text.find("||");
        if (bars == std::string::npos) {
            auto parsed = format.parse(
                text, up ? MissingParts::kHighest : MissingParts::kLowest, zone
            );
            if (!parsed.ok()) {
                return fault("parse_exception", parsed.error().message);
            }
            return parsed;
        }
        auto parsed = format.parse(text.substr(0, bars), MissingParts::kLowest, zone);
        if (!parsed.ok()) {
            return fault("parse_exception", parsed.error().message);
        }
        at = parsed.value();
        math = text.substr(bars + 2);
    }
    const bool utc = zone.is_utc();
    Local local = Local::of(at.millis + (utc ? 0 : zone.offset_at(at.millis)));
    bool rounded_up = false;
    for (std::size_t i = 0; i < math.size();) {
        const char op = math[i++];
        if (op != '+' && op != '-' && op != '/') {
            return bad_math(math, "operator not supported");
        }
        std::int64_t count = 1;
        if (i < math.size() && std::isdigit(static_cast<unsigned char>(math[i])) != 0) {
            count = 0;
            while (i < math.size() && std::isdigit(static_cast<unsigned char>(math[i])) != 0) {
                count = std::min(kCountMax, count * 10 + (math[i++] - '0'));
            }
            if (op == '/' && count != 1) {
                return bad_math(math, "rounding `/` can only be used on single unit types");
            }
        }
        if (i >= math.size()) {
            return bad_math(math, "truncated date math");
        }
        const char unit = math[i++];
        bool known = false;
        if (op == '/') {
            known = round_down(local, unit);
            if (up && known) {
                add(local, unit, 1);
                local = Local::of(local.total() - 1);
                rounded_up = true;
            }
        } else {
            known = add(local, unit, op == '+' ? count : -count);
        }
        if (!known) {
            return bad_math(math, std::string("unit [") + unit + "] not supported");
        }
    }
    if (!math.empty()) {
        at.millis = utc ? local.total() : zone.to_utc(local.total());
        if (rounded_up) {
            at.nanos = 999'999;
        }
    }
    return at;
}

}  // namespace kumo::api_elastic
