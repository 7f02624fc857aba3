#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace kumo::search {

/// An append-only array whose elements never move: chunk k holds kFirst << k elements. One writer
/// appends; readers may read any index below a size that was published to them (through a
/// Published snapshot) while the writer goes on.
template <typename T>
class ChunkedArray {
public:
    static constexpr std::size_t kFirst = 4096;
    static constexpr std::size_t kChunksMax = 28;

    /// Writer only.
    std::size_t size() const { return size_; }

    /// Writer only.
    void push_back(T value) {
        const Place place = locate(size_);
        if (chunks_[place.chunk] == nullptr) {
            chunks_[place.chunk] = std::make_unique<T[]>(kFirst << place.chunk);
            bytes_ += (kFirst << place.chunk) * sizeof(T);
        }
        chunks_[place.chunk][place.offset] = value;
        ++size_;
    }

    const T& operator[](std::size_t index) const {
        const Place place = locate(index);
        return chunks_[place.chunk][place.offset];
    }

    /// Memory held, in bytes. Writer only.
    std::size_t bytes() const { return bytes_; }

private:
    struct Place {
        std::size_t chunk;
        std::size_t offset;
    };

    static Place locate(std::size_t index) {
        const std::size_t shifted = index + kFirst;
        const auto chunk = static_cast<std::size_t>(std::bit_width(shifted / kFirst | 1U)) - 1;
        return {chunk, shifted - (kFirst << chunk)};
    }

    std::array<std::unique_ptr<T[]>, kChunksMax> chunks_;
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace kumo::search
