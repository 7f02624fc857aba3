#include "api/elastic/aggregation/internal/builder.h"
#include "api/elastic/mapping/date_math.h"
#include "api/elastic/mapping/geo_values.h"
#include "api/elastic/query/internal/units.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// A query in each index.
Result<agg::Filter> read_query(const Definition& of, const Json& query) {
    std::vector<tree::NodePtr> nodes;
    for (const QueryContext* index : of.context.indices) {
        if (index == nullptr) {
            nodes.emplace_back();
            continue;
        }
        KUMO_TRY_ASSIGN(tree::NodePtr node, parse_query(query, *index));
        nodes.push_back(std::move(node));
    }
    return agg::filter_of(std::move(nodes));
}

}  // namespace

AggregationResult read_filter(Definition& of) {
    const Json all = Json::object({{"match_all", Json::object()}});
    KUMO_TRY_ASSIGN(agg::Filter filter, read_query(of, of.body.empty() ? all : of.body));
    return agg::filter(std::move(filter), std::move(of.children.level));
}

AggregationResult read_filters(Definition& of) {
    KUMO_TRY(of.check({"filters", "other_bucket", "other_bucket_key", "keyed"}));
    const Json* filters = of.find("filters");
    if (filters == nullptr || !(filters->is_object() || filters->is_array())) {
        return parsing_error("[filters] cannot be empty: [" + of.name + "]");
    }
    std::vector<agg::NamedFilter> named;
    of.shape.keyed = filters->is_object();
    if (filters->is_object()) {
        for (const auto& [name, query] : filters->members()) {
            KUMO_TRY_ASSIGN(agg::Filter filter, read_query(of, query));
            named.push_back({name, std::move(filter)});
        }
        // Keyed ones come in the order of their names.
        std::stable_sort(named.begin(), named.end(), [](const auto& a, const auto& b) {
            return a.name < b.name;
        });
    } else {
        for (const Json& query : filters->items()) {
            KUMO_TRY_ASSIGN(agg::Filter filter, read_query(of, query));
            named.push_back({std::to_string(named.size()), std::move(filter)});
        }
    }
    if (named.empty()) {
        return illegal_argument("[filters] cannot be empty.");
    }
    std::string other;
    if (const Json* name = of.find("other_bucket_key")) {
        other = name->text();
    } else if (const Json* wanted = of.find("other_bucket")) {
        other = wanted->to_bool().value_or(false) ? "_other_" : "";
    }
    if (const Json* keyed = of.find("keyed")) {
        of.shape.keyed = of.shape.keyed && keyed->to_bool().value_or(true);
    }
    return agg::filters(std::move(named), std::move(other), std::move(of.children.level));
}

AggregationResult read_adjacency_matrix(Definition& of) {
    KUMO_TRY(of.check({"filters", "separator", "show_only_intersecting"}));
    const Json* filters = of.find("filters");
    if (filters == nullptr || !filters->is_object() || filters->empty()) {
        return illegal_argument("[filters] must not be null or empty: [" + of.name + "]");
    }
    constexpr std::size_t kFiltersMax = 100;
    if (filters->size() > kFiltersMax) {
        return illegal_argument(
            "Number of filters is too large, must be less than or equal to: ["
            + std::to_string(kFiltersMax) + "] but was [" + std::to_string(filters->size()) + "]."
        );
    }
    std::vector<agg::NamedFilter> named;
    for (const auto& [name, query] : filters->members()) {
        KUMO_TRY_ASSIGN(agg::Filter filter, read_query(of, query));
        named.push_back({name, std::move(filter)});
    }
    const Json* separator = of.find("separator");
    return agg::adjacency_matrix(
        std::move(named),
        separator != nullptr ? separator->text() : "&",
        std::move(of.children.level)
    );
}

AggregationResult read_global(Definition& of) {
    if (!of.parent.empty()) {
        return fault(
            "aggregation_execution_exception",
            "Aggregation [" + of.name + "] cannot have a global sub-aggregation [global]. Global "
            "aggregations can only be defined as top level aggregations"
        );
    }
    return agg::global(std::move(of.children.level));
}

AggregationResult read_missing(Definition& of) {
    KUMO_TRY(of.check({"field", "missing", "value_type", "script"}));
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kAny));
    return agg::missing(std::move(read.values), std::move(of.children.level));
}

AggregationResult read_sampler(Definition& of) {
    KUMO_TRY(of.check(
        {"shard_size",
         "field",
         "max_docs_per_value",
         "execution_hint",
         "script",
         "missing",
         "value_type"}
    ));
    constexpr std::int64_t kShardSize = 100;
    KUMO_TRY_ASSIGN(const std::int64_t size, integer_option(of, "shard_size", kShardSize));
    if (size < 0) {
        return illegal_argument("[shardSize] must be greater than or equal to 0");
    }
    return agg::sampler(static_cast<std::size_t>(size), std::move(of.children.level));
}

namespace {

/// As Java writes a double below ten million.
std::string plain_number(double value) {
    constexpr double kPlainMax = 1e7;
    if (std::fabs(value) >= kPlainMax || std::floor(value) != value) {
        return Json(value).text();
    }
    return std::to_string(static_cast<std::int64_t>(value)) + ".0";
}

std::string bound_text(const std::optional<double>& bound, const ValueFormat& format) {
    if (!bound) {
        return "*";
    }
    return format.has_text() ? format.text(*bound) : plain_number(*bound);
}

Result<double> bound_of(const Definition& of, const ReadValues& read, const Json& value) {
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
        return static_cast<double>(at.millis);
    }
    const auto number = value.to_double();
    if (!number) {
        return fault("number_format_exception", "For input string: \"" + value.text() + "\"");
    }
    return *number;
}

Result<std::vector<agg::RangeOf>> ranges_of(const Definition& of, const ReadValues& read) {
    const Json* list = of.find("ranges");
    if (list == nullptr || !list->is_array()) {
        return illegal_argument("No [ranges] specified for the [" + of.name + "] aggregation");
    }
    std::vector<agg::RangeOf> out;
    for (const Json& item : list->items()) {
        agg::RangeOf range;
        for (const auto& [key, value] : item.members()) {
            if (value.is_null()) {
                continue;
            }
            if (key == "key") {
                range.name = value.text();
            } else if (key == "from" || key == "to") {
                KUMO_TRY_ASSIGN(const double bound, bound_of(of, read, value));
                (key == "from" ? range.from : range.to) = bound;
            } else if (key != "from_as_string" && key != "to_as_string" && key != "mask") {
                return fault(
                    "x_content_parse_exception",
                    "[1:1] [range] unknown field [" + key + "]"
                );
            }
        }
        if (range.name.empty()) {
            range.name =
                bound_text(range.from, read.format) + "-" + bound_text(range.to, read.format);
        }
        out.push_back(std::move(range));
    }
    if (out.empty()) {
        return illegal_argument("No [ranges] specified for the [" + of.name + "] aggregation");
    }
    std::stable_sort(out.begin(), out.end(), [](const agg::RangeOf& a, const agg::RangeOf& b) {
        const double x = a.from.value_or(-INFINITY);
        const double y = b.from.value_or(-INFINITY);
        return x != y ? x < y : a.to.value_or(INFINITY) < b.to.value_or(INFINITY);
    });
    return out;
}

}  // namespace

AggregationResult read_range(Definition& of) {
    KUMO_TRY(of.check(
        {"field", "script", "missing", "format", "value_type", "ranges", "keyed", "time_zone"}
    ));
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kNumbers));
    if (of.shape.type == "date_range" && !read.format.date) {
        read.format.date = true;
        read.format.dates = default_date_format();
        if (const Json* format = of.find("format")) {
            KUMO_TRY_ASSIGN(read.format.dates, DateFormat::make(format->text()));
            read.format.pattern.clear();
        }
    }
    of.shape.format = read.format;
    const Json* keyed = of.find("keyed");
    of.shape.keyed = keyed != nullptr && keyed->to_bool().value_or(false);
    KUMO_TRY_ASSIGN(std::vector<agg::RangeOf> ranges, ranges_of(of, read));
    return agg::ranges(std::move(read.values), std::move(ranges), std::move(of.children.level));
}

namespace {

/// The string above all that begin with the prefix of a network.
Result<agg::RangeOf> mask_range(const std::string& mask) {
    const std::size_t slash = mask.find('/');
    if (slash == std::string::npos) {
        return illegal_argument("Expected [ip/prefix] but was [" + mask + "]");
    }
    KUMO_TRY_ASSIGN(std::string low, ip_digits(mask.substr(0, slash)));
    auto bits = Json(mask.substr(slash + 1)).to_int64();
    const std::int64_t shift = mask.find(':') == std::string::npos ? 96 : 0;
    if (!bits || *bits < 0 || *bits + shift > 128) {
        return illegal_argument("Expected [ip/prefix] but was [" + mask + "]");
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::int64_t kept = *bits + shift;
    for (std::int64_t bit = kept; bit < 128; ++bit) {
        const auto at = static_cast<std::size_t>(bit / 4);
        low[at] = kDigits[kDigits.find(low[at]) & ~(std::size_t{8} >> (bit % 4))];
    }
    // One more in the last bit that counts.
    std::string high = low;
    while (kept > 0) {
        const auto at = static_cast<std::size_t>((kept - 1) / 4);
        const std::size_t one = std::size_t{8} >> ((kept - 1) % 4);
        const std::size_t digit = kDigits.find(high[at]);
        if ((digit & one) == 0) {
            high[at] = kDigits[digit | one];
            break;
        }
        high[at] = kDigits[digit & ~one];
        --kept;
    }
    agg::RangeOf out;
    out.name = mask;
    out.from_text = low;
    out.to_text = kept == 0 ? "" : high;
    return out;
}

}  // namespace

AggregationResult read_ip_range(Definition& of) {
    KUMO_TRY(of.check({"field", "missing", "ranges", "keyed", "script", "format", "value_type"}));
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kAny));
    const Json* list = of.find("ranges");
    if (list == nullptr || !list->is_array() || list->empty()) {
        return illegal_argument("No [ranges] specified for the [" + of.name + "] aggregation");
    }
    std::vector<agg::RangeOf> ranges;
    for (const Json& item : list->items()) {
        agg::RangeOf range;
        const Json* mask = item.find("mask");
        if (mask != nullptr) {
            KUMO_TRY_ASSIGN(range, mask_range(mask->text()));
        }
        const Json* from = item.find("from");
        const Json* to = item.find("to");
        if (from != nullptr && !from->is_null()) {
            KUMO_TRY_ASSIGN(range.from_text, ip_digits(from->text()));
        }
        if (to != nullptr && !to->is_null()) {
            KUMO_TRY_ASSIGN(range.to_text, ip_digits(to->text()));
        }
        if (const Json* key = item.find("key")) {
            range.name = key->text();
        } else if (range.name.empty()) {
            range.name = (range.from_text.empty() ? "*" : ip_text(range.from_text)) + "-"
                         + (range.to_text.empty() ? "*" : ip_text(range.to_text));
        }
        ranges.push_back(std::move(range));
    }
    std::stable_sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) {
        return a.from_text != b.from_text ? a.from_text < b.from_text : a.to_text < b.to_text;
    });
    of.shape.format.ip = true;
    const Json* keyed = of.find("keyed");
    of.shape.keyed = keyed != nullptr && keyed->to_bool().value_or(false);
    read.values.kind = agg::ValueKind::kString;
    return agg::ranges(std::move(read.values), std::move(ranges), std::move(of.children.level));
}

AggregationResult read_geo_distance(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "origin",
         "center",
         "point",
         "por",
         "unit",
         "distance_type",
         "ranges",
         "keyed",
         "missing",
         "value_type",
         "script"}
    ));
    const Json* origin = nullptr;
    for (const char* name : {"origin", "center", "point", "por"}) {
        origin = of.find(name) != nullptr ? of.find(name) : origin;
    }
    if (origin == nullptr) {
        return illegal_argument("Required [origin]");
    }
    KUMO_TRY_ASSIGN(const search::GeoPoint center, parse_geo_point(*origin));
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kPoints));
    double unit = 1;
    if (const Json* name = of.find("unit")) {
        KUMO_TRY_ASSIGN(unit, distance_meters("1" + name->text()));
    }
    const Json* keyed = of.find("keyed");
    of.shape.keyed = keyed != nullptr && keyed->to_bool().value_or(false);
    of.shape.format = {};
    read.format = {};
    KUMO_TRY_ASSIGN(std::vector<agg::RangeOf> ranges, ranges_of(of, read));
    return agg::distances(
        std::move(read.values),
        center,
        unit,
        std::move(ranges),
        std::move(of.children.level)
    );
}

std::string geohash_of(search::GeoPoint point, unsigned digits) {
    constexpr std::string_view kDigits = "0123456789bcdefghjkmnpqrstuvwxyz";
    double south = -90;
    double north = 90;
    double west = -180;
    double east = 180;
    std::string out;
    bool lng = true;
    for (unsigned i = 0; i < digits; ++i) {
        std::size_t value = 0;
        for (int bit = 0; bit < 5; ++bit) {
            double& low = lng ? west : south;
            double& high = lng ? east : north;
            const double middle = (low + high) / 2;
            const bool above = (lng ? point.lng : point.lat) >= middle;
            (above ? low : high) = middle;
            value = value * 2 + (above ? 1 : 0);
            lng = !lng;
        }
        out += kDigits[value];
    }
    return out;
}

std::string tile_of(search::GeoPoint point, unsigned zoom) {
    constexpr double kPi = 3.14159265358979323846;
    constexpr double kLatMax = 85.0511287798066;
    const auto tiles = static_cast<double>(std::uint64_t{1} << zoom);
    const double lat = std::clamp(point.lat, -kLatMax, kLatMax) * kPi / 180;
    const double x = std::floor((point.lng + 180) / 360 * tiles);
    const double y =
        std::floor((1 - std::log(std::tan(lat) + 1 / std::cos(lat)) / kPi) / 2 * tiles);
    const auto bounded = [tiles](double value) {
        return static_cast<std::uint64_t>(std::clamp(value, 0.0, tiles - 1));
    };
    return std::to_string(zoom) + "/" + std::to_string(bounded(x)) + "/"
           + std::to_string(bounded(y));
}

AggregationResult read_geo_grid(Definition& of) {
    KUMO_TRY(of.check(
        {"field", "precision", "size", "shard_size", "bounds", "missing", "value_type", "script"}
    ));
    const bool hash = of.shape.type == "geohash_grid";
    const std::int64_t most = hash ? 12 : 29;
    KUMO_TRY_ASSIGN(const std::int64_t precision, integer_option(of, "precision", hash ? 5 : 7));
    if (precision < (hash ? 1 : 0) || precision > most) {
        return illegal_argument(
            hash ? "Invalid geohash aggregation precision of " + std::to_string(precision)
                       + ". Must be between 1 and 12."
                 : "Invalid geotile_grid precision of " + std::to_string(precision)
                       + ". Must be between 0 and 29."
        );
    }
    constexpr std::int64_t kSize = 10000;
    KUMO_TRY_ASSIGN(const std::int64_t size, integer_option(of, "size", kSize));
    if (size <= 0) {
        return illegal_argument(
            "[size] must be greater than 0. Found [" + std::to_string(size) + "] in [" + of.name
            + "]"
        );
    }
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kPoints));
    of.shape.format = {};
    const auto digits = static_cast<unsigned>(precision);
    return agg::geo_grid(
        std::move(read.values),
        [hash, digits](search::GeoPoint point) {
            return hash ? geohash_of(point, digits) : tile_of(point, digits);
        },
        static_cast<std::size_t>(size),
        std::move(of.children.level)
    );
}

}  // namespace kumo::api_elastic
