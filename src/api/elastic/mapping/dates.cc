#include "api/elastic/mapping/dates.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr std::array<std::string_view, 12> kMonths = {
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December"};
constexpr std::array<std::string_view, 7> kDays =
    {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

bool is_leap(std::int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

unsigned days_in_month(std::int64_t year, unsigned month) {
    constexpr std::array<unsigned, 12> kLengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return kLengths[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

/// Floor division, for times before the epoch.
std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

/// Monday is 0.
unsigned weekday_of(std::int64_t days) {
    return static_cast<unsigned>(((days + 3) % 7 + 7) % 7);
}

/// The parts a text gave, or that are to be written.
struct Parts {
    std::optional<std::int64_t> year;
    std::optional<unsigned> month;
    std::optional<unsigned> day;
    std::optional<unsigned> day_of_year;
    std::optional<std::int64_t> week_year;
    std::optional<unsigned> week;
    std::optional<unsigned> weekday;  ///< Monday is 1.
    std::optional<unsigned> hour;
    std::optional<unsigned> half_hour;  ///< 1 to 12.
    std::optional<bool> afternoon;
    std::optional<unsigned> minute;
    std::optional<unsigned> second;
    std::optional<std::int64_t> nanos;
    std::optional<std::int64_t> epoch_millis;
    std::optional<TimeZone> zone;
};

std::int64_t first_of_week_year(std::int64_t year) {
    const std::int64_t fourth = days_of({year, 1, 4});
    return fourth - weekday_of(fourth);
}

std::optional<std::int64_t> day_number(const Parts& parts, bool highest) {
    if (parts.week_year) {
        const unsigned week = parts.week.value_or(highest ? 52 : 1);
        const unsigned weekday = parts.weekday.value_or(highest ? 7 : 1);
        return first_of_week_year(*parts.week_year) + (std::int64_t{week} - 1) * 7 + weekday - 1;
    }
    const std::int64_t year = parts.year.value_or(1970);
    if (parts.day_of_year) {
        return *parts.day_of_year == 0 || *parts.day_of_year > 366
                   ? std::nullopt
                   : std::optional(days_of({year, 1, 1}) + *parts.day_of_year - 1);
    }
    const bool none = !parts.year && !parts.month && !parts.day;
    const unsigned month = parts.month.value_or(highest && !none ? 12 : 1);
    if (month < 1 || month > 12) {
        return std::nullopt;
    }
    const unsigned day = parts.day.value_or(highest && !none ? days_in_month(year, month) : 1);
    if (day < 1 || day > days_in_month(year, month)) {
        return std::nullopt;
    }
    return days_of({year, month, day});
}

std::optional<Instant> instant_of(const Parts& parts, bool highest, const TimeZone& zone) {
    if (parts.epoch_millis) {
        return Instant{*parts.epoch_millis, static_cast<std::int32_t>(parts.nanos.value_or(0))};
    }
    const auto days = day_number(parts, highest);
    if (!days) {
        return std::nullopt;
    }
    unsigned hour = parts.hour.value_or(highest ? 23 : 0);
    if (parts.half_hour) {
        hour = *parts.half_hour % 12 + (parts.afternoon.value_or(false) ? 12U : 0U);
    }
    const unsigned minute = parts.minute.value_or(highest ? 59 : 0);
    const unsigned second = parts.second.value_or(highest ? 59 : 0);
    const std::int64_t nanos = parts.nanos.value_or(highest ? 999'999'999 : 0);
    if (hour > 24 || minute > 59 || second > 59 || (hour == 24 && minute + second > 0)) {
        return std::nullopt;
    }
    const std::int64_t local = *days * kMillisPerDay
                               + ((std::int64_t{hour} * 60 + minute) * 60 + second) * 1000
                               + nanos / 1'000'000;
    const TimeZone& in = parts.zone ? *parts.zone : zone;
    return Instant{in.to_utc(local), static_cast<std::int32_t>(nanos % 1'000'000)};
}

/// Reads a text from the front.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    bool at_end() const { return text_.empty(); }

    std::string_view rest() const { return text_; }

    void go_back_to(std::string_view rest) { text_ = rest; }

    bool skip(char c) {
        if (text_.empty() || text_[0] != c) {
            return false;
        }
        text_.remove_prefix(1);
        return true;
    }

    /// min to max digits.
    std::optional<std::int64_t> digits(std::size_t min, std::size_t max) {
        std::size_t count = 0;
        std::int64_t value = 0;
        while (count < max && count < text_.size() && is_digit(text_[count])) {
            value = value * 10 + (text_[count] - '0');
            ++count;
        }
        if (count < min) {
            return std::nullopt;
        }
        text_.remove_prefix(count);
        return value;
    }

    /// A fraction of a second, as nanoseconds.
    std::optional<std::int64_t> fraction(std::size_t min, std::size_t max) {
        const std::size_t before = text_.size();
        auto value = digits(min, std::min<std::size_t>(max, 9));
        if (!value) {
            return std::nullopt;
        }
        for (std::size_t n = before - text_.size(); n < 9; ++n) {
            *value *= 10;
        }
        return value;
    }

    template <std::size_t kCount>
    std::optional<unsigned> name(const std::array<std::string_view, kCount>& names, bool full) {
        for (unsigned i = 0; i < names.size(); ++i) {
            const std::string_view name = full ? names[i] : names[i].substr(0, 3);
            if (text_.starts_with(name)) {
                text_.remove_prefix(name.size());
                return i + 1;
            }
        }
        return std::nullopt;
    }

    std::optional<TimeZone> zone() {
        std::size_t size = 0;
        const auto in_zone = [](char c) {
            return is_letter(c) || is_digit(c) || c == ':' || c == '/' || c == '_' || c == '+'
                   || c == '-';
        };
        while (size < text_.size() && in_zone(text_[size])) {
            ++size;
        }
        const auto zone = TimeZone::parse(text_.substr(0, size));
        if (size == 0 || !zone.ok()) {
            return std::nullopt;
        }
        text_.remove_prefix(size);
        return zone.value();
    }

private:
    std::string_view text_;
};

/// A letter of a pattern and how often it stands there, a literal, or a part that may be missing.
struct Element {
    char letter = 0;  ///< 0: a literal; '[': optional.
    std::size_t count = 0;
    std::string literal;
    std::vector<Element> optional;
};

using Elements = std::vector<Element>;

Result<Elements> parse_pattern(std::string_view& rest, bool inside) {
    constexpr std::string_view kKnown = "yuYMLdDHhkKmsSnaEecwxXZzVGQq";
    Elements out;
    while (!rest.empty()) {
        const char c = rest[0];
        if (c == ']' && inside) {
            rest.remove_prefix(1);
            return out;
        }
        Element element;
        if (c == '[') {
            rest.remove_prefix(1);
            element.letter = '[';
            KUMO_TRY_ASSIGN(element.optional, parse_pattern(rest, true));
        } else if (c == '\'') {
            const std::size_t end = rest.find('\'', 1);
            if (end == std::string_view::npos) {
                return invalid_argument("unterminated quote");
            }
            element.literal = end == 1 ? "'" : std::string(rest.substr(1, end - 1));
            rest.remove_prefix(end + 1);
        } else if (is_letter(c)) {
            if (kKnown.find(c) == std::string_view::npos) {
                return invalid_argument("Unknown pattern letter: " + std::string(1, c));
            }
            element.letter = c;
            element.count = std::min(rest.find_first_not_of(c), rest.size());
            rest.remove_prefix(element.count);
        } else {
            element.literal = c;
            rest.remove_prefix(1);
        }
        out.push_back(std::move(element));
    }
    if (inside) {
        return invalid_argument("an optional part does not end");
    }
    return out;
}

bool read_elements(const Elements& elements, Scanner& in, Parts& parts);

template <typename T>
bool put(std::optional<std::int64_t> value, std::optional<T>& out) {
    if (value) {
        out = static_cast<T>(*value);
    }
    return value.has_value();
}

bool read_year(const Element& e, bool last, Scanner& in, std::optional<std::int64_t>& out) {
    const bool minus = in.skip('-');
    (void)(minus || in.skip('+'));
    const bool two = e.count == 2;
    auto value = two ? in.digits(2, 2) : in.digits(e.count >= 4 ? 4 : 1, last ? e.count : 9);
    if (!value) {
        return false;
    }
    out = (two ? 2000 : 0) + (minus ? -*value : *value);
    return true;
}

bool read_month(const Element& e, Scanner& in, Parts& parts) {
    if (e.count >= 3) {
        const auto month = in.name(kMonths, e.count > 3);
        return put(month ? std::optional<std::int64_t>(*month) : std::nullopt, parts.month);
    }
    return put(in.digits(e.count, 2), parts.month);
}

bool read_weekday(const Element& e, Scanner& in, Parts& parts) {
    if (e.letter == 'e' || e.letter == 'c') {
        return put(in.digits(1, 1), parts.weekday);
    }
    return in.name(kDays, e.count > 3).has_value();
}

bool read_half(Scanner& in, Parts& parts) {
    constexpr std::array<std::string_view, 4> kHalves = {"AM", "PM", "am", "pm"};
    for (std::size_t i = 0; i < kHalves.size(); ++i) {
        if (in.rest().starts_with(kHalves[i])) {
            in.go_back_to(in.rest().substr(2));
            parts.afternoon = i % 2 == 1;
            return true;
        }
    }
    return false;
}

/// `adjacent`: digits follow at once, so that this part has its exact length.
bool read_letter(const Element& e, bool adjacent, Scanner& in, Parts& parts) {
    switch (e.letter) {
        case 'y':
        case 'u': return read_year(e, adjacent, in, parts.year);
        case 'Y': return read_year(e, adjacent, in, parts.week_year);
        case 'M':
        case 'L': return read_month(e, in, parts);
        case 'd': return put(in.digits(e.count, 2), parts.day);
        case 'D': return put(in.digits(e.count, 3), parts.day_of_year);
        case 'w': return put(in.digits(e.count, 2), parts.week);
        case 'E':
        case 'e':
        case 'c': return read_weekday(e, in, parts);
        case 'H':
        case 'k': return put(in.digits(e.count, 2), parts.hour);
        case 'h':
        case 'K': return put(in.digits(e.count, 2), parts.half_hour);
        case 'm': return put(in.digits(e.count, 2), parts.minute);
        case 's': return put(in.digits(e.count, 2), parts.second);
        case 'S':
        case 'n': return put(in.fraction(e.count, std::max<std::size_t>(e.count, 1)), parts.nanos);
        case 'a': return read_half(in, parts);
        case 'X':
        case 'x':
        case 'Z':
        case 'z':
        case 'V': parts.zone = in.zone(); return parts.zone.has_value();
        default: return false;
    }
}

bool read_elements(const Elements& elements, Scanner& in, Parts& parts) {
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const Element& e = elements[i];
        if (e.letter == '[') {
            Parts with = parts;
            const std::string_view before = in.rest();
            if (read_elements(e.optional, in, with)) {
                parts = with;
            } else {
                in.go_back_to(before);
            }
        } else if (e.letter != 0) {
            const bool adjacent = i + 1 < elements.size() && elements[i + 1].letter != 0
                                  && elements[i + 1].letter != '[';
            if (!read_letter(e, adjacent, in, parts)) {
                return false;
            }
        } else {
            for (const char c : e.literal) {
                if (!in.skip(c)) {
                    return false;
                }
            }
        }
    }
    return true;
}

void append_number(std::string& out, std::int64_t value, std::size_t width) {
    const std::string digits = std::to_string(std::abs(value));
    out += value < 0 ? "-" : "";
    out.append(width - std::min(width, digits.size()), '0');
    out += digits;
}

/// What is written of a moment.
struct Moment {
    CivilDate date;
    std::int64_t days = 0;
    std::int64_t millis_of_day = 0;
    std::int64_t nanos = 0;  ///< Of the second.
    std::int64_t zone_millis = 0;
    std::string_view zone_name;

    unsigned hour() const { return static_cast<unsigned>(millis_of_day / 3'600'000); }
};

Moment moment_of(Instant instant, const TimeZone& zone) {
    Moment out;
    out.zone_millis = zone.offset_at(instant.millis);
    out.zone_name = zone.name();
    const std::int64_t local = instant.millis + out.zone_millis;
    out.days = floor_div(local, kMillisPerDay);
    out.date = civil_of(out.days);
    out.millis_of_day = local - out.days * kMillisPerDay;
    out.nanos = out.millis_of_day % 1000 * 1'000'000 + instant.nanos;
    return out;
}

void append_zone(std::string& out, const Moment& moment, char letter, std::size_t count) {
    if (letter == 'V') {
        out += moment.zone_name;
        return;
    }
    if (moment.zone_millis == 0 && letter != 'x' && (letter != 'Z' || count == 5)) {
        out += 'Z';
        return;
    }
    const std::int64_t minutes = std::abs(moment.zone_millis) / 60'000;
    out += moment.zone_millis < 0 ? '-' : '+';
    append_number(out, minutes / 60, 2);
    const bool colon = (letter == 'Z' && count == 5) || (letter != 'Z' && count != 2 && count != 4);
    out += colon ? ":" : "";
    append_number(out, minutes % 60, 2);
}

/// The ISO year and week of a day.
std::pair<std::int64_t, std::int64_t> week_of(std::int64_t days) {
    std::int64_t year = civil_of(days - weekday_of(days) + 3).year;
    return {year, (days - first_of_week_year(year)) / 7 + 1};
}

void append_year(std::string& out, std::int64_t year, std::size_t count) {
    if (count == 2) {
        append_number(out, ((year % 100) + 100) % 100, 2);
    } else {
        append_number(out, year, count);
    }
}

void append_fraction(std::string& out, std::int64_t nanos, std::size_t count) {
    std::string digits;
    append_number(digits, nanos, 9);
    digits.resize(std::max<std::size_t>(count, 9), '0');
    out += digits.substr(0, count);
}

void append_name(std::string& out, std::string_view name, std::size_t count) {
    out += count > 3 ? name : name.substr(0, 3);
}

void append_letter(const Element& e, const Moment& m, std::string& out) {
    const std::int64_t seconds = m.millis_of_day / 1000;
    switch (e.letter) {
        case 'y':
        case 'u': append_year(out, m.date.year, e.count); break;
        case 'Y': append_year(out, week_of(m.days).first, e.count); break;
        case 'w': append_number(out, week_of(m.days).second, e.count); break;
        case 'M':
        case 'L':
            e.count >= 3 ? append_name(out, kMonths[m.date.month - 1], e.count)
                         : append_number(out, m.date.month, e.count);
            break;
        case 'd': append_number(out, m.date.day, e.count); break;
        case 'D': append_number(out, m.days - days_of({m.date.year, 1, 1}) + 1, e.count); break;
        case 'E': append_name(out, kDays[weekday_of(m.days)], e.count); break;
        case 'e':
        case 'c': append_number(out, weekday_of(m.days) + 1, e.count); break;
        case 'k':
        case 'H': append_number(out, m.hour(), e.count); break;
        case 'h': append_number(out, (m.hour() + 11) % 12 + 1, e.count); break;
        case 'K': append_number(out, m.hour() % 12, e.count); break;
        case 'm': append_number(out, seconds / 60 % 60, e.count); break;
        case 's': append_number(out, seconds % 60, e.count); break;
        case 'S': append_fraction(out, m.nanos, e.count); break;
        case 'n': append_number(out, m.nanos, e.count); break;
        case 'a': out += m.hour() < 12 ? "AM" : "PM"; break;
        default: append_zone(out, m, e.letter, e.count); break;
    }
}

void append_elements(const Elements& elements, const Moment& moment, std::string& out) {
    for (const Element& e : elements) {
        if (e.letter == '[') {
            append_elements(e.optional, moment, out);
        } else if (e.letter != 0) {
            append_letter(e, moment, out);
        } else {
            out += e.literal;
        }
    }
}

/// The patterns that names stand for. With "strict_" in front it is the same one.
const std::map<std::string_view, std::string_view>& named_patterns() {
    static const std::map<std::string_view, std::string_view> kPatterns = {
        {"basic_date", "yyyyMMdd"},
        {"basic_date_time", "yyyyMMdd'T'HHmmss.SSSX"},
        {"basic_date_time_no_millis", "yyyyMMdd'T'HHmmssX"},
        {"basic_ordinal_date", "yyyyDDD"},
        {"basic_ordinal_date_time", "yyyyDDD'T'HHmmss.SSSX"},
        {"basic_ordinal_date_time_no_millis", "yyyyDDD'T'HHmmssX"},
        {"basic_time", "HHmmss.SSSX"},
        {"basic_time_no_millis", "HHmmssX"},
        {"basic_t_time", "'T'HHmmss.SSSX"},
        {"basic_t_time_no_millis", "'T'HHmmssX"},
        {"basic_week_date", "YYYY'W'wwe"},
        {"date", "yyyy-MM-dd"},
        {"date_hour", "yyyy-MM-dd'T'HH"},
        {"date_hour_minute", "yyyy-MM-dd'T'HH:mm"},
        {"date_hour_minute_second", "yyyy-MM-dd'T'HH:mm:ss"},
        {"date_hour_minute_second_fraction", "yyyy-MM-dd'T'HH:mm:ss.SSS"},
        {"date_hour_minute_second_millis", "yyyy-MM-dd'T'HH:mm:ss.SSS"},
        {"date_time", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"},
        {"date_time_no_millis", "yyyy-MM-dd'T'HH:mm:ssXXX"},
        {"hour", "HH"},
        {"hour_minute", "HH:mm"},
        {"hour_minute_second", "HH:mm:ss"},
        {"hour_minute_second_fraction", "HH:mm:ss.SSS"},
        {"hour_minute_second_millis", "HH:mm:ss.SSS"},
        {"ordinal_date", "yyyy-DDD"},
        {"ordinal_date_time", "yyyy-DDD'T'HH:mm:ss.SSSXXX"},
        {"ordinal_date_time_no_millis", "yyyy-DDD'T'HH:mm:ssXXX"},
        {"time", "HH:mm:ss.SSSXXX"},
        {"time_no_millis", "HH:mm:ssXXX"},
        {"t_time", "'T'HH:mm:ss.SSSXXX"},
        {"t_time_no_millis", "'T'HH:mm:ssXXX"},
        {"week_date", "YYYY-'W'ww-e"},
        {"week_date_time", "YYYY-'W'ww-e'T'HH:mm:ss.SSSXXX"},
        {"week_date_time_no_millis", "YYYY-'W'ww-e'T'HH:mm:ssXXX"},
        {"weekyear", "YYYY"},
        {"weekyear_week", "YYYY-'W'ww"},
        {"weekyear_week_day", "YYYY-'W'ww-e"},
        {"year", "yyyy"},
        {"year_month", "yyyy-MM"},
        {"year_month_day", "yyyy-MM-dd"},
        {"rfc3339_lenient", "yyyy[-MM[-dd['T'HH:mm[:ss[.SSS]]ZZZZZ]]]"},
    };
    return kPatterns;
}

bool is_iso_name(std::string_view name) {
    return name == "date_optional_time" || name == "dateOptionalTime"
           || name == "date_optional_time_nanos" || name == "iso8601"
           || name == "iso_date_optional_time";
}

/// 2020[-01[-02[T03[:04[:05[.678]]]][zone]]]
std::optional<Parts> read_iso(std::string_view text) {
    Scanner in(text);
    Parts parts;
    const bool minus = in.skip('-');
    const bool plus = !minus && in.skip('+');
    if (!put(in.digits(4, minus || plus ? 9 : 4), parts.year)) {
        return std::nullopt;
    }
    parts.year = minus ? -*parts.year : *parts.year;
    if (in.skip('-') && !put(in.digits(1, 2), parts.month)) {
        return std::nullopt;
    }
    if (parts.month && in.skip('-') && !put(in.digits(1, 2), parts.day)) {
        return std::nullopt;
    }
    if (in.skip('T') && !in.at_end()) {
        const bool hour = put(in.digits(1, 2), parts.hour);
        if (!hour || (in.skip(':') && !put(in.digits(1, 2), parts.minute))
            || (parts.minute && in.skip(':') && !put(in.digits(1, 2), parts.second))) {
            return std::nullopt;
        }
        if (parts.second && (in.skip('.') || in.skip(','))
            && !put(in.fraction(1, 9), parts.nanos)) {
            return std::nullopt;
        }
        if (!in.at_end()) {
            parts.zone = in.zone();
        }
    }
    return in.at_end() ? std::optional(parts) : std::nullopt;
}

/// A count since the epoch, perhaps with a fraction.
std::optional<Parts> read_epoch(std::string_view text, std::int64_t millis_per_unit) {
    Scanner in(text);
    const bool minus = in.skip('-');
    const auto whole = in.digits(1, 18);
    std::optional<std::int64_t> fraction = 0;
    if (in.skip('.')) {
        fraction = in.fraction(1, 9);
    }
    if (!whole || !fraction || !in.at_end() || *whole > INT64_MAX / 1000) {
        return std::nullopt;
    }
    Parts parts;
    const bool seconds = millis_per_unit == 1000;
    parts.epoch_millis = *whole * millis_per_unit + (seconds ? *fraction / 1'000'000 : 0);
    parts.nanos = seconds ? *fraction % 1'000'000 : *fraction / 1000;
    if (minus) {
        parts.epoch_millis = -*parts.epoch_millis;
    }
    return parts;
}

void append_iso(std::string& out, const Moment& moment, bool nanos) {
    static const Elements kElements = [] {
        std::string_view pattern = "yyyy-MM-dd'T'HH:mm:ss.";
        return parse_pattern(pattern, false).value();
    }();
    append_elements(kElements, moment, out);
    append_fraction(out, moment.nanos, nanos && moment.nanos % 1'000'000 != 0 ? 9 : 3);
    append_zone(out, moment, 'X', 3);
}

}  // namespace

struct DateFormat::Pattern {
    enum class Kind : std::uint8_t {
        kIso,
        kIsoNanos,
        kEpochMillis,
        kEpochSecond,
        kLetters,
    };

    Kind kind = Kind::kLetters;
    Elements elements;

    std::optional<Parts> read(std::string_view text) const {
        switch (kind) {
            case Kind::kIso:
            case Kind::kIsoNanos: return read_iso(text);
            case Kind::kEpochMillis: return read_epoch(text, 1);
            case Kind::kEpochSecond: return read_epoch(text, 1000);
            case Kind::kLetters: break;
        }
        Scanner in(text);
        Parts parts;
        return read_elements(elements, in, parts) && in.at_end() ? std::optional(parts)
                                                                 : std::nullopt;
    }

    std::string write(Instant instant, const TimeZone& zone) const {
        if (kind == Kind::kEpochMillis) {
            return std::to_string(instant.millis);
        }
        if (kind == Kind::kEpochSecond) {
            return std::to_string(floor_div(instant.millis, 1000));
        }
        std::string out;
        const Moment moment = moment_of(instant, zone);
        if (kind == Kind::kLetters) {
            append_elements(elements, moment, out);
        } else {
            append_iso(out, moment, kind == Kind::kIsoNanos);
        }
        return out;
    }

    static Result<std::shared_ptr<const Pattern>> make(std::string_view name) {
        auto out = std::make_shared<Pattern>();
        const std::string_view plain = name.starts_with("strict_") ? name.substr(7) : name;
        if (is_iso_name(plain)) {
            out->kind = plain.ends_with("nanos") ? Kind::kIsoNanos : Kind::kIso;
            return std::shared_ptr<const Pattern>(std::move(out));
        }
        if (name == "epoch_millis" || name == "epoch_second") {
            out->kind = name == "epoch_millis" ? Kind::kEpochMillis : Kind::kEpochSecond;
            return std::shared_ptr<const Pattern>(std::move(out));
        }
        const auto named = named_patterns().find(plain);
        std::string_view letters = named != named_patterns().end() ? named->second : name;
        if (named == named_patterns().end() && letters.starts_with('8')) {
            letters.remove_prefix(1);  // What marked these patterns while there were older ones.
        }
        KUMO_TRY_ASSIGN(out->elements, parse_pattern(letters, false));
        return std::shared_ptr<const Pattern>(std::move(out));
    }
};

Result<DateFormat> DateFormat::make(std::string_view format) {
    DateFormat out;
    out.name_ = format;
    if (format.empty()) {
        return invalid_argument("No date pattern provided");
    }
    for (std::size_t at = 0; at <= format.size();) {
        const std::size_t end = std::min(format.find("||", at), format.size());
        auto pattern = Pattern::make(format.substr(at, end - at));
        if (!pattern.ok()) {
            return invalid_argument(
                "Invalid format: [" + std::string(format) + "]: " + pattern.error().message
            );
        }
        out.patterns_.push_back(std::move(pattern).value());
        at = end + 2;
    }
    return out;
}

Result<Instant> DateFormat::parse(std::string_view text, MissingParts missing, const TimeZone& zone)
    const {
    for (const auto& pattern : patterns_) {
        const auto parts = pattern->read(text);
        const auto instant =
            parts ? instant_of(*parts, missing == MissingParts::kHighest, zone) : std::nullopt;
        if (instant) {
            return *instant;
        }
    }
    return invalid_argument(
        "failed to parse date field [" + std::string(text) + "] with format [" + name_ + "]"
    );
}

std::string DateFormat::format(Instant instant, const TimeZone& zone) const {
    return (patterns_.empty() ? default_date_format() : *this)
        .patterns_.front()
        ->write(instant, zone);
}

const DateFormat& default_date_format() {
    static const DateFormat kFormat =
        DateFormat::make("strict_date_optional_time||epoch_millis").value();
    return kFormat;
}

std::int64_t days_of(CivilDate date) {
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March.
    const std::int64_t y = date.year - (date.month <= 2 ? 1 : 0);
    const std::int64_t era = floor_div(y, 400);
    const std::int64_t yoe = y - era * 400;
    const std::int64_t m = date.month > 2 ? date.month - 3 : date.month + 9;
    const std::int64_t doy = (153 * m + 2) / 5 + date.day - 1;
    const std::int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146'097 + doe - 719'468;
}

CivilDate civil_of(std::int64_t days) {
    const std::int64_t z = days + 719'468;
    const std::int64_t era = floor_div(z, 146'097);
    const std::int64_t doe = z - era * 146'097;
    const std::int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
    const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const std::int64_t mp = (5 * doy + 2) / 153;
    CivilDate out;
    out.day = static_cast<unsigned>(doy - (153 * mp + 2) / 5 + 1);
    out.month = static_cast<unsigned>(mp < 10 ? mp + 3 : mp - 9);
    out.year = yoe + era * 400 + (out.month <= 2 ? 1 : 0);
    return out;
}

}  // namespace kumo::api_elastic
