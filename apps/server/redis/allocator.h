#pragma once

#include "api/redis/service.h"

#include <cstdint>

namespace kumo::server {

/// What the calling thread has allocated and not given back: of a server's loop, the keys and the
/// connections. It costs two reads, so that eviction can ask after every key. 0: the allocator
/// cannot tell.
std::uint64_t thread_used_memory();

/// What MEMORY asks of jemalloc; empty without it.
api_redis::AllocatorAccess allocator_access();

}  // namespace kumo::server
