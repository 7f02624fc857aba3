#pragma once

#include <cstddef>
#include <cstdint>

namespace kumo::kv {

/// Up to where a collection stays in its small form, and how large the blocks of a large one are.
/// The names and defaults are those of Redis 7.0.15's configuration; they decide what OBJECT
/// ENCODING answers, so they are followed to the element.
struct EncodingLimits {
    std::size_t hash_max_listpack_entries = 512;
    std::size_t hash_max_listpack_value = 64;
    std::size_t set_max_intset_entries = 512;
    std::size_t zset_max_listpack_entries = 128;
    std::size_t zset_max_listpack_value = 64;
    /// Positive: elements a block; -1 to -5: 4, 8, 16, 32, 64 KiB a block.
    std::int64_t list_max_listpack_size = -2;
    /// Accepted, without effect: blocks of lists are not compressed.
    std::int64_t list_compress_depth = 0;
    /// Of a stream's block; 0: no limit.
    std::size_t stream_node_max_bytes = 4096;
    std::size_t stream_node_max_entries = 100;
    /// Of a HyperLogLog's runs; beyond it has its registers side by side.
    std::size_t hll_sparse_bytes_max = 3000;
    /// Of the hash tables that collections turn into: one for a keyspace, so that copies of it with
    /// the same history iterate in the same order. Small collections have none to store.
    std::uint64_t hash_seed = 0;
};

}  // namespace kumo::kv
