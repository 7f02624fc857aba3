#include "api/elastic/aggregation/internal/builder.h"
#include "api/elastic/mapping/date_math.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

struct ReadSource {
    agg::CompositeSource source;
    ReadValues read;
};

Status read_order_of(const Json& options, agg::CompositeSource& out) {
    if (const Json* order = options.find("order")) {
        const std::string way = order->text();
        if (way != "asc" && way != "desc") {
            return illegal_argument("Unknown sort order [" + way + "]");
        }
        out.ascending = way == "asc";
    }
    if (const Json* missing = options.find("missing_bucket")) {
        out.with_missing = missing->to_bool().value_or(false);
    }
    if (const Json* place = options.find("missing_order")) {
        const std::string where = place->text();
        if (where == "last") {
            out.missing_last = true;
        } else if (where == "first") {
            out.missing_last = false;
        }
    }
    return {};
}

Result<ReadSource> read_source(const Definition& of, const std::string& type, const Json& options) {
    ReadSource out;
    KUMO_TRY(read_order_of(options, out.source));
    const bool grid = type == "geotile_grid" || type == "geohash_grid";
    KUMO_TRY_ASSIGN(out.read, read_values(of, options, grid ? Wants::kPoints : Wants::kAny));
    if (type == "terms") {
        // Values as they are.
    } else if (type == "histogram") {
        const Json* interval = options.find("interval");
        const auto step = interval != nullptr ? interval->to_double() : std::nullopt;
        if (!step || *step <= 0) {
            return illegal_argument("[interval] must be greater than 0 for [histogram] source");
        }
        out.source.bucket = [step = *step](const agg::Key& key) {
            return agg::Key(std::floor(agg::number_of(key) / step) * step);
        };
        if (out.read.values.kind != agg::ValueKind::kNone) {
            out.read.values.kind = agg::ValueKind::kReal;
        }
    } else if (type == "date_histogram") {
        KUMO_TRY_ASSIGN(
            const agg::Rounding rounding,
            read_rounding(of, options, out.read.format.zone)
        );
        out.source.bucket = [floor = rounding.floor](const agg::Key& key) {
            return agg::Key(floor(static_cast<std::int64_t>(agg::number_of(key))));
        };
        out.read.format.date = true;
        if (!out.read.format.dates) {
            out.read.format.dates = default_date_format();
        }
        // Without a format, dates are numbers here.
        out.read.format.raw_dates = options.find("format") == nullptr;
    } else if (type == "geotile_grid") {
        const Json* precision = options.find("precision");
        const auto zoom = precision != nullptr ? precision->to_int64().value_or(7) : 7;
        if (zoom < 0 || zoom > 29) {
            return illegal_argument(
                "Invalid geotile_grid precision of " + std::to_string(zoom)
                + ". Must be between 0 and 29."
            );
        }
        out.source.cell = [zoom = static_cast<unsigned>(zoom)](search::GeoPoint point) {
            return tile_of(point, zoom);
        };
    } else {
        return parsing_error("invalid source type: " + type);
    }
    if (type == "terms" && out.read.format.date) {
        out.read.format.raw_dates = options.find("format") == nullptr;
    }
    out.source.values = out.read.values;
    return out;
}

Result<std::optional<agg::Key>>
read_after(const Definition& of, const ReadSource& source, const Json& value) {
    if (value.is_null()) {
        return std::optional<agg::Key>();
    }
    if (source.source.cell) {
        return std::optional<agg::Key>(agg::Key(value.text()));
    }
    KUMO_TRY_ASSIGN(agg::Key key, key_of(source.read, value, of));
    return std::optional<agg::Key>(std::move(key));
}

/// The name, the type and the options of one of "sources".
struct Named {
    std::string name;
    std::string type;
    const Json* options = nullptr;
};

Result<std::vector<Named>> source_names(const Json& sources) {
    std::vector<Named> out;
    std::set<std::string> names;
    const Json::Array items = sources.is_array() ? Json::Array() : Json::Array{sources};
    for (const Json& item : sources.is_array() ? sources.items() : items) {
        if (!item.is_object()) {
            return parsing_error("composite [sources] are objects");
        }
        for (const auto& [name, value] : item.members()) {
            if (!value.is_object() || value.size() != 1) {
                return parsing_error("invalid source [" + name + "]");
            }
            if (!names.insert(name).second) {
                return illegal_argument(
                    "Composite source names must be unique, found duplicates: [" + name + "]"
                );
            }
            out.push_back({name, value.members().front().first, &value.members().front().second});
        }
    }
    return out;
}

}  // namespace

AggregationResult read_composite(Definition& of) {
    KUMO_TRY(of.check({"sources", "size", "after"}));
    static const std::set<std::string_view> kParents{"", "nested", "filter", "reverse_nested"};
    if (!kParents.contains(of.parent)) {
        return illegal_argument("[composite] aggregation cannot be used with a parent aggregation");
    }
    const Json* sources = of.find("sources");
    if (sources == nullptr) {
        return illegal_argument("Required [sources]");
    }
    if (!(sources->is_array() || sources->is_object()) || sources->empty()) {
        return illegal_argument("Composite [sources] cannot be null or empty");
    }
    KUMO_TRY_ASSIGN(const std::vector<Named> names, source_names(*sources));
    KUMO_TRY_ASSIGN(const std::int64_t size, integer_option(of, "size", 10));
    if (size <= 0) {
        return illegal_argument("[size] must be greater than 0");
    }
    if (static_cast<std::uint64_t>(size) > of.context.buckets_max) {
        return fault(
            "too_many_buckets_exception",
            "Trying to create too many buckets. Must be less than or equal to: ["
                + std::to_string(of.context.buckets_max) + "] but was [" + std::to_string(size)
                + "]. This limit can be set by changing the [search.max_buckets] cluster level "
                  "setting."
        );
    }
    const Json* after = of.find("after");
    if (after != nullptr && after->size() != names.size()) {
        return illegal_argument(
            "[after] has " + std::to_string(after->size()) + " value(s) but [sources] has "
            + std::to_string(names.size())
        );
    }
    std::vector<agg::CompositeSource> read;
    std::vector<std::optional<agg::Key>> keys;
    for (const Named& named : names) {
        KUMO_TRY_ASSIGN(ReadSource source, read_source(of, named.type, *named.options));
        if (after != nullptr) {
            const Json* value = after->find(named.name);
            if (value == nullptr) {
                return illegal_argument("Missing value for [after." + named.name + "]");
            }
            KUMO_TRY_ASSIGN(auto key, read_after(of, source, *value));
            keys.push_back(std::move(key));
        }
        of.shape.sources.push_back(named.name);
        of.shape.formats.push_back(source.read.format);
        read.push_back(std::move(source.source));
    }
    return agg::composite(
        std::move(read),
        static_cast<std::size_t>(size),
        std::move(keys),
        std::move(of.children.level)
    );
}

}  // namespace kumo::api_elastic
