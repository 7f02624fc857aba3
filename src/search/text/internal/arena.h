#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace kumo::search {

/// Hands out memory that never moves and lives as long as the arena. One owner allocates; any
/// thread asks bytes(). Slabs double from 4 KiB to 1 MiB, so that small fields stay small.
class Arena {
public:
    /// `size` bytes at a multiple of 8, not initialised. Requires size <= kAllocationMax.
    std::uint8_t* allocate(std::uint32_t size) {
        size = (size + 7U) & ~7U;
        if (size > left_) {
            add_slab(size);
        }
        std::uint8_t* result = free_;
        free_ += size;
        left_ -= size;
        return result;
    }

    std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

    static constexpr std::uint32_t kAllocationMax = 1U << 20;

private:
    void add_slab(std::uint32_t size) {
        while (slab_ < kAllocationMax && (slab_ < size || slab_ < bytes() / 4)) {
            slab_ *= 2;
        }
        slabs_.push_back(std::make_unique<std::uint8_t[]>(slab_));
        bytes_.fetch_add(slab_, std::memory_order_relaxed);
        free_ = slabs_.back().get();
        left_ = slab_;
    }

    std::vector<std::unique_ptr<std::uint8_t[]>> slabs_;
    std::uint8_t* free_ = nullptr;
    std::uint32_t left_ = 0;
    std::uint32_t slab_ = 4096;
    std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace kumo::search
