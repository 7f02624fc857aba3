#include "kv/types/internal/bucket_table.h"

#include <xxhash.h>

namespace kumo::kv::internal {

std::uint64_t hash_bytes(ByteView bytes, std::uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace kumo::kv::internal
