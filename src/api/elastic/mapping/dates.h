#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Dates as this API writes and reads them: its named formats and patterns in Java's letters.
/// Stateless; any thread.
namespace kumo::api_elastic {

/// A point in time: nanoseconds would not reach the years that milliseconds do.
struct Instant {
    std::int64_t millis = 0;  ///< Since the epoch, UTC.
    std::int32_t nanos = 0;   ///< Of that millisecond, 0 to 999,999.
};

/// A time zone: a fixed offset, or a region by ICU.
class TimeZone {
public:
    /// "Z", "UTC", "+01:00", "-0330", "Europe/Berlin", ... kInvalidArgument.
    static Result<TimeZone> parse(std::string_view name);

    TimeZone() = default;

    /// Milliseconds that local time is ahead of UTC at a moment of UTC.
    std::int64_t offset_at(std::int64_t utc_millis) const;

    /// The moment that local clocks show so: the earlier one if there are two; behind a gap if
    /// there is none.
    std::int64_t to_utc(std::int64_t local_millis) const;

    bool is_utc() const { return region_ == nullptr && offset_millis_ == 0; }

    /// "Z", "+01:00", "Europe/Berlin".
    const std::string& name() const { return name_; }

private:
    struct Region;

    std::string name_ = "Z";
    std::int64_t offset_millis_ = 0;
    std::shared_ptr<const Region> region_;
};

/// What stands in the place of what a text leaves out.
enum class MissingParts : std::uint8_t {
    kLowest,   ///< 2020-01 is its first millisecond.
    kHighest,  ///< 2020-01 is its last one.
};

/// One format, or several with "||" between them: "strict_date_optional_time||epoch_millis",
/// "yyyy/MM/dd HH:mm:ss", ...
class DateFormat {
public:
    /// kInvalidArgument: "Invalid format: [...]: ...".
    static Result<DateFormat> make(std::string_view format);

    /// By the first that fits. Texts without a zone are of `zone`. kInvalidArgument: "failed to
    /// parse date field [...] with format [...]".
    Result<Instant> parse(
        std::string_view text,
        MissingParts missing = MissingParts::kLowest,
        const TimeZone& zone = {}
    ) const;

    /// By the first of them.
    std::string format(Instant instant, const TimeZone& zone = {}) const;

    const std::string& name() const { return name_; }

private:
    struct Pattern;

    std::string name_;
    std::vector<std::shared_ptr<const Pattern>> patterns_;
};

/// The format of date fields without one.
const DateFormat& default_date_format();

// The calendar (proleptic Gregorian).

struct CivilDate {
    std::int64_t year = 1970;
    unsigned month = 1;
    unsigned day = 1;
};

inline constexpr std::int64_t kMillisPerDay = 86'400'000;

std::int64_t days_of(CivilDate date);
CivilDate civil_of(std::int64_t days);

}  // namespace kumo::api_elastic
