#include "api/elastic/routing.h"

#include "wire/murmur3.h"
#include "wire/utf8.h"

#include <string>

namespace kumo::api_elastic {

namespace {

void append_unit(std::string& out, std::uint32_t unit) {
    out += static_cast<char>(unit & 0xFFU);
    out += static_cast<char>(unit >> 8U);
}

std::int64_t floor_mod(std::int64_t a, std::int64_t b) {
    return ((a % b) + b) % b;
}

}  // namespace

std::int32_t routing_hash(std::string_view text) {
    std::string units;
    while (!text.empty()) {
        const auto decoded = wire::utf8_decode(text);
        const auto c = static_cast<std::uint32_t>(decoded.code_point);
        if (c < 0x10000) {
            append_unit(units, c);
        } else {
            append_unit(units, 0xD800U + ((c - 0x10000U) >> 10U));
            append_unit(units, 0xDC00U + ((c - 0x10000U) & 0x3FFU));
        }
        text.remove_prefix(decoded.bytes);
    }
    return static_cast<std::int32_t>(wire::murmur3_32(units));
}

std::int64_t default_routing_shards(std::int64_t shards) {
    std::int64_t log = 0;
    while ((std::int64_t{1} << log) < shards) {
        ++log;
    }
    return shards << std::max<std::int64_t>(1, 10 - log);
}

std::int64_t routing_shards(const Index& index) {
    return Json(index.setting("index.number_of_routing_shards"))
        .to_int64()
        .value_or(default_routing_shards(index.shards()));
}

std::int64_t shard_of(const Index& index, std::string_view id, std::string_view routing) {
    const std::int64_t shards = index.shards();
    const std::int64_t of_routing = routing_shards(index);
    const std::int64_t partition =
        Json(index.setting("index.routing_partition_size")).to_int64().value_or(1);
    std::int32_t hash = routing_hash(routing.empty() ? id : routing);
    if (partition > 1) {
        const auto offset = static_cast<std::int32_t>(floor_mod(routing_hash(id), partition));
        hash = static_cast<std::int32_t>(
            static_cast<std::uint32_t>(hash) + static_cast<std::uint32_t>(offset)
        );
    }
    return floor_mod(hash, std::max<std::int64_t>(of_routing, 1))
           / std::max<std::int64_t>(of_routing / shards, 1);
}

}  // namespace kumo::api_elastic
