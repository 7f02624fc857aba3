#pragma once

#include "kv/command/context.h"
#include "kv/types/geohash.h"
#include "kv/types/zset.h"

#include <cstdint>
#include <optional>

namespace kumo::kv {

/// The code that a score is; nothing: it is none.
std::optional<std::uint64_t> geo_code(double score);
/// Nothing: absent, or a score that is no code.
std::optional<std::uint64_t> geo_code_of(const ZsetValue* zset, ByteView member);

/// The metres of a unit's name. Nothing: the error has been written.
std::optional<double> geo_unit(Context& ctx, std::size_t index);
/// A longitude and a latitude. False: the error has been written.
bool geo_read_point(Context& ctx, std::size_t index, GeoPoint* out);

/// A place as [longitude, latitude].
void geo_reply_point(Context& ctx, const GeoPoint& point);
/// With four decimals.
void geo_reply_distance(Context& ctx, double distance);

}  // namespace kumo::kv
