// GEOADD, GEOPOS, GEODIST, GEOHASH (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/geo_value.h"
#include "kv/keyspace/number.h"
#include "kv/types/geohash.h"
#include "kv/types/zset.h"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

struct GeoAddOptions {
    bool only_new = false;
    bool only_old = false;
    bool counts_changes = false;
    std::size_t first = 2;
};

struct GeoItem {
    std::uint64_t code;
    ByteView member;
};

bool read_add_options(Context& ctx, GeoAddOptions* out) {
    for (;; ++out->first) {
        if (out->first < ctx.argc() && ctx.arg_is(out->first, "NX")) {
            out->only_new = true;
        } else if (out->first < ctx.argc() && ctx.arg_is(out->first, "XX")) {
            out->only_old = true;
        } else if (out->first < ctx.argc() && ctx.arg_is(out->first, "CH")) {
            out->counts_changes = true;
        } else {
            break;
        }
    }
    if ((ctx.argc() - out->first) % 3 != 0 || (out->only_new && out->only_old)) {
        ctx.syntax_error();
        return false;
    }
    return true;
}

bool read_items(Context& ctx, std::size_t first, std::vector<GeoItem>* out) {
    for (std::size_t i = first; i < ctx.argc(); i += 3) {
        GeoPoint point;
        if (!geo_read_point(ctx, i, &point)) {
            return false;
        }
        out->push_back({geo_encode(point), ctx.arg(i + 2)});
    }
    return true;
}

void do_geoadd(Context& ctx) {
    GeoAddOptions options;
    std::vector<GeoItem> items;
    ZsetValue* zset = nullptr;
    const ByteView key = ctx.arg(1);
    if (!read_add_options(ctx, &options) || !read_items(ctx, options.first, &items)
        || !ctx.find_write(key, &zset)) {
        return;
    }
    std::int64_t added = 0;
    std::int64_t moved = 0;
    if (zset == nullptr && !options.only_old && !items.empty()) {
        (void)ctx.find_or_make(key, &zset);
    }
    std::vector<std::string> command{"ZADD", std::string(key)};
    for (std::size_t i = 2; i < options.first; ++i) {
        command.emplace_back(ctx.arg(i));
    }
    for (const GeoItem& item : items) {
        command.push_back(std::to_string(item.code));
        command.emplace_back(item.member);
        const bool there = zset != nullptr && zset->score(item.member).has_value();
        if (zset == nullptr || (there ? options.only_new : options.only_old)) {
            continue;
        }
        const auto outcome = zset->set(item.member, static_cast<double>(item.code), ctx.limits());
        added += outcome == ZsetValue::Outcome::kAdded ? 1 : 0;
        moved += outcome == ZsetValue::Outcome::kMoved ? 1 : 0;
    }
    if (added + moved > 0) {
        ctx.changed(key, EventClass::kZset, "zadd", added + moved);
        ctx.propagate(std::move(command));
        ctx.mark_ready(key);
    }
    ctx.reply.integer(options.counts_changes ? added + moved : added);
}

void do_geopos(Context& ctx) {
    ZsetValue* zset = nullptr;
    if (!ctx.find_read(ctx.arg(1), &zset)) {
        return;
    }
    ctx.reply.array(ctx.argc() - 2);
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        const auto code = geo_code_of(zset, ctx.arg(i));
        if (!code.has_value()) {
            ctx.reply.null_array();
            continue;
        }
        geo_reply_point(ctx, geo_decode(*code));
    }
}

void do_geohash(Context& ctx) {
    ZsetValue* zset = nullptr;
    if (!ctx.find_read(ctx.arg(1), &zset)) {
        return;
    }
    ctx.reply.array(ctx.argc() - 2);
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        if (const auto code = geo_code_of(zset, ctx.arg(i)); code.has_value()) {
            ctx.reply.bulk(geo_text(*code));
        } else {
            ctx.reply.null();
        }
    }
}

void do_geodist(Context& ctx) {
    if (ctx.argc() > 5) {
        ctx.syntax_error();
        return;
    }
    const auto unit = ctx.argc() == 5 ? geo_unit(ctx, 4) : std::optional(1.0);
    if (!unit.has_value()) {
        return;
    }
    ZsetValue* zset = nullptr;
    if (!ctx.find_read(ctx.arg(1), &zset)) {
        return;
    }
    const auto first = geo_code_of(zset, ctx.arg(2));
    const auto second = geo_code_of(zset, ctx.arg(3));
    if (!first.has_value() || !second.has_value()) {
        ctx.reply.null();
        return;
    }
    geo_reply_distance(ctx, geo_distance(geo_decode(*first), geo_decode(*second)) / *unit);
}

}  // namespace

std::optional<std::uint64_t> geo_code(double score) {
    constexpr auto kCodes = static_cast<double>(std::uint64_t{1} << kGeoCodeBits);
    return score >= 0 && score < kCodes ? std::optional(static_cast<std::uint64_t>(score))
                                        : std::nullopt;
}

std::optional<std::uint64_t> geo_code_of(const ZsetValue* zset, ByteView member) {
    const auto score = zset == nullptr ? std::nullopt : zset->score(member);
    return score.has_value() ? geo_code(*score) : std::nullopt;
}

std::optional<double> geo_unit(Context& ctx, std::size_t index) {
    constexpr std::pair<std::string_view, double> kUnits[] = {
        {"m", 1},
        {"km", 1000},
        {"ft", 0.3048},
        {"mi", 1609.34}};
    for (const auto& [name, metres] : kUnits) {
        if (ctx.arg_is(index, name)) {
            return metres;
        }
    }
    ctx.error("ERR unsupported unit provided. please use M, KM, FT, MI");
    return std::nullopt;
}

bool geo_read_point(Context& ctx, std::size_t index, GeoPoint* out) {
    if (!ctx.real(index, &out->longitude) || !ctx.real(index + 1, &out->latitude)) {
        return false;
    }
    if (!geo_valid(*out)) {
        ctx.error(
            "ERR invalid longitude,latitude pair " + std::to_string(out->longitude) + ","
            + std::to_string(out->latitude)
        );
        return false;
    }
    return true;
}

void geo_reply_point(Context& ctx, const GeoPoint& point) {
    ctx.reply.array(2);
    for (const double value : {point.longitude, point.latitude}) {
        const std::string text = format_long_double(value);
        if (ctx.reply.protocol() >= 3) {
            ctx.reply.raw("," + text + "\r\n");
        } else {
            ctx.reply.bulk(text);
        }
    }
}

void geo_reply_distance(Context& ctx, double distance) {
    char text[64];
    const int length = std::snprintf(text, sizeof(text), "%.4f", distance);
    ctx.reply.bulk(ByteView(text, static_cast<std::size_t>(length)));
}

void add_geo_commands(HandlerTable& table) {
    table.add({
        {"geoadd", do_geoadd},
        {"geopos", do_geopos},
        {"geohash", do_geohash},
        {"geodist", do_geodist},
    });
}

}  // namespace kumo::kv
