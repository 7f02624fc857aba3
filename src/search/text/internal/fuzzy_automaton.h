#pragma once

#include "search/text/text_reader.h"

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::search {

/// Reads UTF-8 one byte at a time. A stray byte becomes a code point of its own above Unicode, so
/// that hostile terms only fail to match.
struct Utf8Feed {
    std::uint32_t value = 0;
    std::uint32_t missing = 0;

    /// True when `value` is a whole code point.
    bool push(std::uint8_t byte) {
        if (missing != 0) {
            if ((byte & 0xC0U) == 0x80) {
                value = value << 6U | (byte & 0x3FU);
                return --missing == 0;
            }
            missing = 0;
            value = kStray + byte;
            return true;
        }
        if (byte < 0x80) {
            value = byte;
            return true;
        }
        if (byte < 0xC0 || byte >= 0xF8) {
            value = kStray + byte;
            return true;
        }
        missing = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
        value = byte & (0x3FU >> missing);
        return false;
    }

    static constexpr std::uint32_t kStray = 0x00200000;
};

std::vector<std::uint32_t> code_points(std::string_view text);

/// fuzzy() for words longer than it corrects: the exact word, or all it is a prefix of.
WalkEnd find_uncorrected(
    const TextReader& reader,
    std::string_view query,
    const FuzzyOptions& options,
    const FuzzyCallback& found
);

/// Optimal string alignment distance as a bit-parallel automaton: bit i of row d says that the
/// first i code points of the query and the text read so far are at most d edits apart.
/// (Wu & Manber, "Fast text searching allowing errors", 1992; the transposition term after
/// Navarro, "NR-grep", 2001.) About a dozen instructions a code point for two edits.
/// Word holds one bit more than the query has code points; kCost is the most edits that count.
/// Immutable after construction.
template <typename Word, std::uint32_t kCost>
class FuzzyAutomaton {
public:
    static constexpr std::uint32_t kLengthMax = sizeof(Word) * 8 - 3;

    /// The distances after some text. `before` and `last_mask` are what a transposition needs:
    /// the rows one code point ago, and that code point's positions in the query.
    struct State {
        std::array<Word, kCost + 1> rows;
        std::array<Word, kCost + 1> before;
        Word last_mask;
    };

    explicit FuzzyAutomaton(const std::vector<std::uint32_t>& query)
        : length_(static_cast<std::uint32_t>(query.size())) {
        for (std::uint32_t i = 0; i < length_; ++i) {
            mask_slot(query[i]) |= Word{1} << i;
        }
        all_ = (Word{1} << (length_ + 1)) - 1;
    }

    State start() const {
        State state{};
        for (std::uint32_t d = 0; d <= kCost; ++d) {
            state.rows[d] = ((Word{1} << (d + 1)) - 1) & all_;
        }
        return state;
    }

    State step(const State& from, std::uint32_t code_point) const {
        State to{};
        const Word mask = mask_of(code_point);
        const Word swapped = mask & (from.last_mask >> 1U);
        to.rows[0] = ((from.rows[0] & mask) << 1U) & all_;
        for (std::uint32_t d = 1; d <= kCost; ++d) {
            Word matched = (from.rows[d] & mask) << 1U;
            Word substituted_or_inserted = (from.rows[d - 1] << 1U) | from.rows[d - 1];
            Word deleted = to.rows[d - 1] << 1U;
            Word transposed = (from.before[d - 1] & swapped) << 2U;
            to.rows[d] = (matched | substituted_or_inserted | deleted | transposed) & all_;
        }
        to.before = from.rows;
        to.last_mask = mask;
        return to;
    }

    /// Whether the query has this code point. All that it has not lead to the same state.
    bool knows(std::uint32_t code_point) const { return mask_of(code_point) != 0; }

    /// Where a code point that the query has not leads nowhere: whether this one leads on.
    bool leads_on(const State& from, std::uint32_t code_point) const {
        // Then no row but the last has anything left, and only what goes on in it counts.
        const Word mask = mask_of(code_point);
        Word bits = from.rows[kCost] & mask;
        if constexpr (kCost > 0) {
            bits |= from.before[kCost - 1] & mask & (from.last_mask >> 1U);
        }
        return bits != 0;
    }

    /// The distance between the whole query and the text; kCost + 1 if it is larger.
    std::uint32_t distance(const State& state) const {
        std::uint32_t d = 0;
        while (d <= kCost && (state.rows[d] >> length_ & 1U) == 0) {
            ++d;
        }
        return d;
    }

    /// No continuation of the text can be nearer than this. A transposition skips one text, but
    /// where it could succeed, the substitution it replaces has kept the row alive.
    std::uint32_t least(const State& state) const {
        std::uint32_t d = 0;
        while (d <= kCost && state.rows[d] == 0) {
            ++d;
        }
        return d;
    }

private:
    Word mask_of(std::uint32_t code_point) const {
        if (code_point < ascii_.size()) {
            return ascii_[code_point];
        }
        for (const auto& other : others_) {
            if (other.first == code_point) {
                return other.second;
            }
        }
        return 0;
    }

    Word& mask_slot(std::uint32_t code_point) {
        if (code_point < ascii_.size()) {
            return ascii_[code_point];
        }
        for (auto& other : others_) {
            if (other.first == code_point) {
                return other.second;
            }
        }
        return others_.emplace_back(code_point, 0).second;
    }

    std::uint32_t length_;
    Word all_ = 0;
    std::array<Word, 128> ascii_{};
    std::vector<std::pair<std::uint32_t, Word>> others_;
};

}  // namespace kumo::search
