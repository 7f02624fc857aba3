#include "kv/keyspace/glob.h"

#include <cstddef>

namespace kumo::kv {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

unsigned char fold(char c, bool ignore_case) {
    const auto byte = static_cast<unsigned char>(c);
    return ignore_case && byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + 32) : byte;
}

/// Whether `c` is in the set that begins behind '[' at `*at`, which moves behind its ']'.
bool set_matches(ByteView pattern, std::size_t* at, char c, bool ignore_case) {
    std::size_t i = *at;
    const bool negated = i < pattern.size() && pattern[i] == '^';
    i += negated ? 1 : 0;
    bool found = false;
    const unsigned char wanted = fold(c, ignore_case);
    while (i < pattern.size() && pattern[i] != ']') {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) {
            ++i;
            found = found || fold(pattern[i], ignore_case) == wanted;
        } else if (i + 2 < pattern.size() && pattern[i + 1] == '-') {
            unsigned char low = fold(pattern[i], ignore_case);
            unsigned char high = fold(pattern[i + 2], ignore_case);
            if (low > high) {
                const unsigned char swapped = low;
                low = high;
                high = swapped;
            }
            i += 2;
            found = found || (wanted >= low && wanted <= high);
        } else {
            found = found || fold(pattern[i], ignore_case) == wanted;
        }
        ++i;
    }
    *at = i < pattern.size() ? i + 1 : i;
    return found != negated;
}

/// Matches one character other than a star at `*at`, which moves behind it.
bool one_matches(ByteView pattern, std::size_t* at, char c, bool ignore_case) {
    char p = pattern[(*at)++];
    if (p == '?') {
        return true;
    }
    if (p == '[') {
        return set_matches(pattern, at, c, ignore_case);
    }
    if (p == '\\' && *at < pattern.size()) {
        p = pattern[(*at)++];
    }
    return fold(p, ignore_case) == fold(c, ignore_case);
}

}  // namespace

bool glob_matches(ByteView pattern, ByteView text, bool ignore_case) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = kNone;  // Behind the last star, and where the text was then.
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = ++p;
            star_text = t;
            continue;
        }
        if (p < pattern.size() && one_matches(pattern, &p, text[t], ignore_case)) {
            ++t;
            continue;
        }
        if (star == kNone) {
            return false;
        }
        p = star;
        t = ++star_text;
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

}  // namespace kumo::kv
