#include "redis/allocator.h"

#include <string>

#ifdef KUMO_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace kumo::server {

#ifdef KUMO_JEMALLOC

namespace {

std::uint64_t* thread_counter(const char* name) {
    std::uint64_t* counter = nullptr;
    std::size_t size = sizeof(counter);
    return mallctl(name, &counter, &size, nullptr, 0) == 0 ? counter : nullptr;
}

std::uint64_t figure(const char* name) {
    std::size_t value = 0;
    std::size_t size = sizeof(value);
    return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

api_redis::AllocatorAccess::Figures figures() {
    std::uint64_t epoch = 1;
    std::size_t size = sizeof(epoch);
    (void)mallctl("epoch", &epoch, &size, &epoch, size);  // Without it the numbers are old ones.
    return {figure("stats.allocated"), figure("stats.active"), figure("stats.resident")};
}

std::string report() {
    std::string out;
    malloc_stats_print(
        [](void* to, const char* text) { static_cast<std::string*>(to)->append(text); },
        &out,
        nullptr
    );
    return out;
}

void purge() {
    const std::string name = "arena." + std::to_string(MALLCTL_ARENAS_ALL) + ".purge";
    (void)mallctl(name.c_str(), nullptr, nullptr, nullptr, 0);
}

}  // namespace

std::uint64_t thread_used_memory() {
    thread_local const std::uint64_t* const kAllocated = thread_counter("thread.allocatedp");
    thread_local const std::uint64_t* const kFreed = thread_counter("thread.deallocatedp");
    return kAllocated == nullptr || kFreed == nullptr ? 0 : *kAllocated - *kFreed;
}

api_redis::AllocatorAccess allocator_access() {
    return {figures, report, purge};
}

#else

std::uint64_t thread_used_memory() {
    return 0;
}

api_redis::AllocatorAccess allocator_access() {
    return {};
}

#endif

}  // namespace kumo::server
