#pragma once

#include "base/assert.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

namespace kumo::search {

/// A vector whose elements never move: levels of doubling size. One writer appends; any thread
/// reads an element whose index reached it in release/acquire order. Elements start value-
/// initialised.
template <typename T>
class StableVector {
public:
    StableVector() = default;
    StableVector(const StableVector&) = delete;
    StableVector& operator=(const StableVector&) = delete;

    /// Writer only: makes element size() and returns it.
    T& append() {
        auto [level, offset] = place(size_);
        KUMO_ASSERT(level < kLevels);
        if (offset == 0 && owned_[level] == nullptr) {
            std::uint64_t count = std::uint64_t{kFirst} << level;
            owned_[level] = std::make_unique<T[]>(count);
            bytes_.fetch_add(count * sizeof(T), std::memory_order_relaxed);
            levels_[level].store(owned_[level].get(), std::memory_order_release);
        }
        ++size_;
        return owned_[level][offset];
    }

    /// Writer only.
    std::uint32_t size() const { return size_; }

    T& operator[](std::uint32_t index) {
        auto [level, offset] = place(index);
        return levels_[level].load(std::memory_order_acquire)[offset];
    }

    const T& operator[](std::uint32_t index) const {
        auto [level, offset] = place(index);
        return levels_[level].load(std::memory_order_acquire)[offset];
    }

    std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

private:
    static constexpr std::uint32_t kFirst = 64;
    static constexpr std::uint32_t kLevels = 26;

    struct Place {
        std::uint32_t level;
        std::uint32_t offset;
    };

    static Place place(std::uint32_t index) {
        std::uint32_t shifted = index + kFirst;
        auto level = static_cast<std::uint32_t>(std::bit_width(shifted))
                     - static_cast<std::uint32_t>(std::bit_width(kFirst));
        return {level, shifted - (kFirst << level)};
    }

    std::array<std::atomic<T*>, kLevels> levels_{};
    std::array<std::unique_ptr<T[]>, kLevels> owned_{};
    std::atomic<std::uint64_t> bytes_{0};
    std::uint32_t size_ = 0;
};

}  // namespace kumo::search
