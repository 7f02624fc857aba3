#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// A word of the index that hits were found by.
struct FoundWord {
    std::size_t prefix_points = 0;  ///< Only this many leading code points matched; 0: all of it.
    bool only_in_run = false;       ///< Alone it is nothing that was looked for.
};

/// A part of a word.
struct Infix {
    std::string text;
    std::uint32_t extra_prefix_max = 0;  ///< Code points that may be before it,
    std::uint32_t extra_suffix_max = 0;  ///< and behind it.

    /// Where in the word it is, in bytes; npos if it is not, or not within its limits.
    std::size_t find_in(std::string_view word) const;

    bool operator==(const Infix&) const = default;
};

/// What hits were found by, in the words of the index: for highlighting.
struct FoundWords {
    using Words = std::map<std::string, FoundWord, std::less<>>;
    using Run = std::vector<std::string>;

    Words words;
    std::set<Run> runs;  ///< Words that stand together without a space, by script.
    std::vector<Infix> infixes;
};

}  // namespace kumo::search
