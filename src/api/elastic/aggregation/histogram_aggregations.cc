#include "api/elastic/aggregation/internal/builder.h"
#include "api/elastic/mapping/date_math.h"
#include "api/elastic/query/internal/units.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kDay = 24 * kHour;

std::int64_t floor_to(std::int64_t value, std::int64_t step) {
    const std::int64_t rest = value % step;
    return value - (rest < 0 ? rest + step : rest);
}

/// Months since year 0.
std::int64_t month_of(std::int64_t local) {
    const CivilDate date = civil_of(floor_to(local, kDay) / kDay);
    return date.year * 12 + static_cast<std::int64_t>(date.month) - 1;
}

std::int64_t month_begin(std::int64_t month) {
    const std::int64_t year = floor_to(month, 12) / 12;
    return days_of({year, static_cast<unsigned>(month - year * 12 + 1), 1}) * kDay;
}

std::int64_t to_local(const TimeZone& zone, std::int64_t utc) {
    return zone.is_utc() ? utc : utc + zone.offset_at(utc);
}

std::int64_t to_utc(const TimeZone& zone, std::int64_t local) {
    return zone.is_utc() ? local : zone.to_utc(local);
}

/// Millisecond lengths of units that are always equally long.
std::optional<std::int64_t> fixed_unit(char unit) {
    switch (unit) {
        case 's': return 1000;
        case 'm': return 60'000;
        case 'h': return kHour;
        case 'd': return kDay;
        case 'w': return 7 * kDay;
        default: return std::nullopt;
    }
}

}  // namespace

agg::Rounding fixed_rounding(std::int64_t millis, const TimeZone& zone) {
    agg::Rounding out;
    out.floor = [millis, zone](std::int64_t utc) {
        const std::int64_t found = to_utc(zone, floor_to(to_local(zone, utc), millis));
        return std::min(found, utc);
    };
    out.next = [millis, zone](std::int64_t utc) {
        const std::int64_t next = to_utc(zone, to_local(zone, utc) + millis);
        return next > utc ? next : utc + millis;
    };
    return out;
}

agg::Rounding calendar_rounding(char unit, std::int64_t count, const TimeZone& zone) {
    agg::Rounding out;
    if (unit == 'M' || unit == 'q' || unit == 'y') {
        const std::int64_t months = count * (unit == 'M' ? 1 : (unit == 'q' ? 3 : 12));
        out.floor = [months, zone](std::int64_t utc) {
            const std::int64_t month = month_of(to_local(zone, utc));
            return to_utc(zone, month_begin(floor_to(month, months)));
        };
        out.next = [months, zone](std::int64_t utc) {
            const std::int64_t month = month_of(to_local(zone, utc));
            return to_utc(zone, month_begin(month + months));
        };
        return out;
    }
    const std::int64_t length = fixed_unit(unit).value_or(kDay) * count;
    if (unit == 'd' || unit == 'w') {
        // Weeks begin on Mondays; the epoch was a Thursday.
        const std::int64_t shift = unit == 'w' ? 3 * kDay : 0;
        out.floor = [length, shift, zone](std::int64_t utc) {
            return to_utc(zone, floor_to(to_local(zone, utc) + shift, length) - shift);
        };
        out.next = [length, zone](std::int64_t utc) {
            return to_utc(zone, to_local(zone, utc) + length);
        };
        return out;
    }
    // Hours and less have no clock changes in them, but may be at other places of the hour.
    out.floor = [length, zone](std::int64_t utc) {
        const std::int64_t offset = zone.is_utc() ? 0 : zone.offset_at(utc);
        return floor_to(utc + offset, length) - offset;
    };
    out.next = [length](std::int64_t utc) {
        return utc + length;
    };
    return out;
}

namespace {

agg::Rounding shifted(agg::Rounding rounding, std::int64_t offset) {
    if (offset == 0) {
        return rounding;
    }
    agg::Rounding out;
    out.floor = [floor = std::move(rounding.floor), offset](std::int64_t utc) {
        return floor(utc - offset) + offset;
    };
    out.next = [next = std::move(rounding.next), offset](std::int64_t utc) {
        return next(utc - offset) + offset;
    };
    return out;
}

/// "1M", "month", ...: the unit's letter.
std::optional<char> calendar_unit(const std::string& text) {
    static const std::map<std::string_view, char> kUnits{
        {"second", 's'},
        {"1s", 's'},
        {"minute", 'm'},
        {"1m", 'm'},
        {"hour", 'h'},
        {"1h", 'h'},
        {"day", 'd'},
        {"1d", 'd'},
        {"week", 'w'},
        {"1w", 'w'},
        {"month", 'M'},
        {"1M", 'M'},
        {"quarter", 'q'},
        {"1q", 'q'},
        {"year", 'y'},
        {"1y", 'y'},
    };
    const auto found = kUnits.find(text);
    return found != kUnits.end() ? std::optional<char>(found->second) : std::nullopt;
}

Result<std::int64_t> millis_of(const std::string& text) {
    KUMO_TRY_ASSIGN(const double nanos, time_nanos(text));
    return static_cast<std::int64_t>(nanos / 1e6);
}

/// "+1d", "-4h", or a number of milliseconds.
Result<std::int64_t> read_offset(const Json& options) {
    const Json* offset = options.find("offset");
    if (offset == nullptr) {
        return 0;
    }
    if (const auto number = offset->is_number() ? offset->to_int64() : std::nullopt) {
        return *number;
    }
    std::string text = offset->text();
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) {
        text.erase(0, 1);
    }
    KUMO_TRY_ASSIGN(const std::int64_t millis, millis_of(text));
    return negative ? -millis : millis;
}

}  // namespace

Result<agg::Rounding>
read_rounding(const Definition& of, const Json& options, const TimeZone& zone) {
    const Json* calendar = options.find("calendar_interval");
    const Json* fixed = options.find("fixed_interval");
    const Json* interval = options.find("interval");
    if (calendar != nullptr && fixed != nullptr) {
        return illegal_argument(
            "Cannot use [fixed_interval] with [calendar_interval] configuration option."
        );
    }
    KUMO_TRY_ASSIGN(const std::int64_t offset, read_offset(options));
    if (calendar == nullptr && fixed == nullptr) {
        if (interval == nullptr) {
            return illegal_argument("Invalid interval specified, must be non-null and non-empty");
        }
        // The old option is either of both.
        (calendar_unit(interval->text()) ? calendar : fixed) = interval;
    }
    if (calendar != nullptr) {
        const auto unit = calendar_unit(calendar->text());
        if (!unit) {
            return illegal_argument(
                "The supplied interval [" + calendar->text()
                + "] could not be parsed as a calendar interval."
            );
        }
        return shifted(calendar_rounding(*unit, 1, zone), offset);
    }
    auto millis = fixed->is_number() ? Result<std::int64_t>(fixed->to_int64().value_or(0))
                                     : millis_of(fixed->text());
    if (!millis.ok()) {
        return illegal_argument(
            "failed to parse setting [" + of.shape.type + ".fixedInterval] with value ["
            + fixed->text() + "] as a time value: unit is missing or unrecognized"
        );
    }
    if (millis.value() <= 0) {
        return illegal_argument("Zero or negative time interval not supported");
    }
    return shifted(fixed_rounding(millis.value(), zone), offset);
}

namespace {

struct Bounds {
    std::optional<double> min{};
    std::optional<double> max{};
};

Result<Bounds> read_bounds(const Definition& of, std::string_view name, const ReadValues& read) {
    Bounds out;
    const Json* bounds = of.find(name);
    if (bounds == nullptr || !bounds->is_object()) {
        return out;
    }
    for (const auto& [key, value] : bounds->members()) {
        if (value.is_null()) {
            continue;
        }
        if (key != "min" && key != "max") {
            return fault(
                "x_content_parse_exception",
                "[1:1] [" + std::string(name) + "] unknown field [" + key + "]"
            );
        }
        double number = 0;
        if (read.format.date && value.is_string()) {
            KUMO_TRY_ASSIGN(
                const Instant at,
                parse_date_math(
                    value.as_string(),
                    *read.format.dates,
                    of.context.now_millis,
                    MissingParts::kLowest,
                    read.format.zone
                )
            );
            number = static_cast<double>(at.millis);
        } else {
            const auto given = value.to_double();
            if (!given) {
                return fault(
                    "number_format_exception",
                    "For input string: \"" + value.text() + "\""
                );
            }
            number = *given;
        }
        (key == "min" ? out.min : out.max) = number;
    }
    if (out.min && out.max && *out.min > *out.max) {
        return illegal_argument(
            "[" + std::string(name) + ".min][" + Json(*out.min).text()
            + "] cannot be greater than [" + std::string(name) + ".max][" + Json(*out.max).text()
            + "] for histogram aggregation [" + of.name + "]"
        );
    }
    return out;
}

std::optional<std::int64_t> whole(const std::optional<double>& number) {
    return number ? std::optional<std::int64_t>(static_cast<std::int64_t>(*number)) : std::nullopt;
}

Result<std::uint64_t> min_doc_count(const Definition& of) {
    KUMO_TRY_ASSIGN(const std::int64_t value, integer_option(of, "min_doc_count", 0));
    if (value < 0) {
        return illegal_argument(
            "[minDocCount] must be greater than or equal to 0. Found [" + std::to_string(value)
            + "] in [" + of.name + "]"
        );
    }
    return static_cast<std::uint64_t>(value);
}

void read_keyed(Definition& of) {
    const Json* keyed = of.find("keyed");
    of.shape.keyed = keyed != nullptr && keyed->to_bool().value_or(false);
}

}  // namespace

AggregationResult read_histogram(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "script",
         "missing",
         "format",
         "value_type",
         "interval",
         "offset",
         "order",
         "keyed",
         "min_doc_count",
         "extended_bounds",
         "hard_bounds"}
    ));
    agg::Histogram out;
    const Json* interval = of.find("interval");
    const auto number = interval != nullptr ? interval->to_double() : std::nullopt;
    if (!number || *number <= 0 || !std::isfinite(*number)) {
        return illegal_argument(
            "[interval] must be >0 for histogram aggregation [" + of.name + "]"
        );
    }
    out.interval = *number;
    if (const Json* offset = of.find("offset")) {
        out.offset = offset->to_double().value_or(0);
    }
    KUMO_TRY_ASSIGN(out.min_doc_count, min_doc_count(of));
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kNumbers));
    read.format.date = false;
    of.shape.format = read.format;
    KUMO_TRY_ASSIGN(const Bounds extended, read_bounds(of, "extended_bounds", read));
    KUMO_TRY_ASSIGN(const Bounds hard, read_bounds(of, "hard_bounds", read));
    out.extended_min = extended.min;
    out.extended_max = extended.max;
    out.hard_min = hard.min;
    out.hard_max = hard.max;
    KUMO_TRY_ASSIGN(out.order, read_order(of, std::move(out.order)));
    out.values = std::move(read.values);
    out.range_ends = std::move(read.range_ends);
    read_keyed(of);
    return agg::histogram(std::move(out), std::move(of.children.level));
}

AggregationResult read_date_histogram(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "script",
         "missing",
         "format",
         "value_type",
         "interval",
         "calendar_interval",
         "fixed_interval",
         "time_zone",
         "offset",
         "order",
         "keyed",
         "min_doc_count",
         "extended_bounds",
         "hard_bounds"}
    ));
    agg::DateHistogram out;
    KUMO_TRY_ASSIGN(out.min_doc_count, min_doc_count(of));
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kNumbers));
    if (!read.format.date) {
        read.format.date = true;
        read.format.dates = default_date_format();
        if (const Json* format = of.find("format")) {
            KUMO_TRY_ASSIGN(read.format.dates, DateFormat::make(format->text()));
        }
    }
    of.shape.format = read.format;
    KUMO_TRY_ASSIGN(out.rounding, read_rounding(of, of.body, read.format.zone));
    KUMO_TRY_ASSIGN(const Bounds extended, read_bounds(of, "extended_bounds", read));
    KUMO_TRY_ASSIGN(const Bounds hard, read_bounds(of, "hard_bounds", read));
    out.extended_min = whole(extended.min);
    out.extended_max = whole(extended.max);
    out.hard_min = whole(hard.min);
    out.hard_max = whole(hard.max);
    KUMO_TRY_ASSIGN(out.order, read_order(of, std::move(out.order)));
    out.values = std::move(read.values);
    out.range_ends = std::move(read.range_ends);
    read_keyed(of);
    return agg::date_histogram(std::move(out), std::move(of.children.level));
}

AggregationResult read_auto_date_histogram(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "script",
         "missing",
         "format",
         "value_type",
         "buckets",
         "time_zone",
         "minimum_interval"}
    ));
    KUMO_TRY_ASSIGN(const std::int64_t buckets, integer_option(of, "buckets", 10));
    if (buckets <= 0) {
        return illegal_argument("buckets must be greater than 0 for [" + of.name + "]");
    }
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kNumbers));
    if (!read.format.date) {
        read.format.date = true;
        read.format.dates = default_date_format();
    }
    of.shape.format = read.format;

    struct Unit {
        const char* name;
        char letter;
        std::vector<std::int64_t> counts;
    };

    static const std::vector<Unit> kUnits{
        {"second", 's', {1, 5, 10, 30}},
        {"minute", 'm', {1, 5, 10, 30}},
        {"hour", 'h', {1, 3, 12}},
        {"day", 'd', {1, 7}},
        {"month", 'M', {1, 3}},
        {"year", 'y', {1, 5, 10, 20, 50, 100}},
    };
    agg::AutoHistogram out;
    out.buckets = static_cast<std::size_t>(buckets);
    const Json* least = of.find("minimum_interval");
    bool started = least == nullptr;
    for (const Unit& unit : kUnits) {
        started = started || least->text() == unit.name;
        for (const std::int64_t count : unit.counts) {
            if (!started) {
                continue;
            }
            agg::AutoHistogram::Interval interval;
            interval.name = std::to_string(count) + unit.letter;
            interval.rounding = calendar_rounding(unit.letter, 1, read.format.zone);
            interval.together = static_cast<std::size_t>(count);
            out.intervals.push_back(std::move(interval));
        }
    }
    if (!started) {
        return illegal_argument(
            "minimum_interval must be one of [year, month, day, hour, minute, second]"
        );
    }
    out.values = std::move(read.values);
    return agg::auto_date_histogram(std::move(out), std::move(of.children.level));
}

AggregationResult read_variable_width_histogram(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "script",
         "missing",
         "format",
         "value_type",
         "buckets",
         "shard_size",
         "initial_buffer"}
    ));
    KUMO_TRY_ASSIGN(const std::int64_t buckets, integer_option(of, "buckets", 10));
    if (buckets <= 0) {
        return illegal_argument("buckets must be greater than [0] for [" + of.name + "]");
    }
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kNumbers));
    of.shape.format = read.format;
    return agg::variable_width_histogram(
        std::move(read.values),
        static_cast<std::size_t>(buckets),
        std::move(of.children.level)
    );
}

}  // namespace kumo::api_elastic
