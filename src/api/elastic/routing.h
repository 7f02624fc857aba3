#pragma once

#include "api/elastic/index_store.h"

#include <cstdint>
#include <string_view>

namespace kumo::api_elastic {

/// MurmurHash3 of the text's UTF-16 code units, little end first: what this API routes by.
std::int32_t routing_hash(std::string_view text);

/// `number_of_routing_shards` of an index with so many shards, if nobody says.
std::int64_t default_routing_shards(std::int64_t shards);

/// The index's own, or what it would be.
std::int64_t routing_shards(const Index& index);

/// The number of the shard that has the document.
std::int64_t shard_of(const Index& index, std::string_view id, std::string_view routing);

}  // namespace kumo::api_elastic
