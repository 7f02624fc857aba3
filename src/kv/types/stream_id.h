#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace kumo::kv {

/// The name of a stream's entry: milliseconds and a number within them.
struct StreamId {
    std::uint64_t ms = 0;
    std::uint64_t seq = 0;

    // NOLINTNEXTLINE(modernize-use-nullptr): the 0 of comparisons that the compiler writes
    friend auto operator<=>(const StreamId&, const StreamId&) = default;

    bool is_zero() const { return ms == 0 && seq == 0; }

    static constexpr StreamId max() { return {UINT64_MAX, UINT64_MAX}; }

    /// The next higher or lower one; false, and unchanged, if there is none.
    bool increment();
    bool decrement();

    /// "1526919030474-55".
    std::string text() const;
};

}  // namespace kumo::kv
