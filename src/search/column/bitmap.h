#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kumo::search {

/// A set of documents of one segment, one bit each. Plain value; no thread rule of its own.
class Bitmap {
public:
    Bitmap() = default;

    explicit Bitmap(std::size_t size, bool value = false)
        : size_(size), words_((size + 63) / 64, value ? ~std::uint64_t{0} : 0) {
        trim();
    }

    std::size_t size() const { return size_; }

    bool test(std::size_t i) const { return ((words_[i / 64] >> (i % 64)) & 1U) != 0; }

    void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }

    void reset(std::size_t i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }

    std::size_t count() const {
        std::size_t n = 0;
        for (const std::uint64_t word : words_) {
            n += static_cast<std::size_t>(std::popcount(word));
        }
        return n;
    }

    /// Requires the same size, as do the other two set operations.
    void intersect(const Bitmap& other) {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            words_[i] &= other.words_[i];
        }
    }

    void unite(const Bitmap& other) {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            words_[i] |= other.words_[i];
        }
    }

    void subtract(const Bitmap& other) {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            words_[i] &= ~other.words_[i];
        }
    }

    void invert() {
        for (std::uint64_t& word : words_) {
            word = ~word;
        }
        trim();
    }

    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t w = 0; w < words_.size(); ++w) {
            for (std::uint64_t word = words_[w]; word != 0; word &= word - 1) {
                visit(w * 64 + static_cast<std::size_t>(std::countr_zero(word)));
            }
        }
    }

    /// The same for those in [begin, end). Requires begin % 64 == 0.
    template <typename Visit>
    void for_each_in(std::size_t begin, std::size_t end, Visit visit) const {
        for (std::size_t w = begin / 64; w * 64 < end; ++w) {
            std::uint64_t word = words_[w];
            if (end - w * 64 < 64) {
                word &= (std::uint64_t{1} << (end - w * 64)) - 1;
            }
            for (; word != 0; word &= word - 1) {
                visit(w * 64 + static_cast<std::size_t>(std::countr_zero(word)));
            }
        }
    }

    /// The same from the last to the first.
    template <typename Visit>
    void for_each_backwards(Visit visit) const {
        for (std::size_t w = words_.size(); w-- > 0;) {
            for (std::uint64_t word = words_[w]; word != 0;) {
                const auto bit = static_cast<std::size_t>(63 - std::countl_zero(word));
                word ^= std::uint64_t{1} << bit;
                visit(w * 64 + bit);
            }
        }
    }

    const std::uint64_t* words() const { return words_.data(); }

    std::uint64_t* words() { return words_.data(); }

    std::size_t word_count() const { return words_.size(); }

private:
    void trim() {
        if (size_ % 64 != 0) {
            words_.back() &= (std::uint64_t{1} << (size_ % 64)) - 1;
        }
    }

    std::size_t size_ = 0;
    std::vector<std::uint64_t> words_;
};

}  // namespace kumo::search
