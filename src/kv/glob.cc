#include "kv/glob.h"

#include <cstddef>
#include <utility>

namespace kumo::kv {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

struct Step {
    bool matches;
    std::size_t length;  ///< Of the pattern's element.
};

/// The class whose '[' is at `at`. One that does not end holds what there is of it.
Step match_class(ByteView pattern, std::size_t at, char c, bool ignore_case) {
    const auto fold = [ignore_case](char x) {
        return static_cast<unsigned char>(ignore_case ? lower(x) : x);
    };
    std::size_t i = at + 1;
    const bool negated = i < pattern.size() && pattern[i] == '^';
    i += negated ? 1 : 0;
    bool found = false;
    const unsigned char wanted = fold(c);
    for (; i < pattern.size() && pattern[i] != ']'; ++i) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) {
            ++i;
            found |= pattern[i] == c;
        } else if (i + 2 < pattern.size() && pattern[i + 1] == '-') {
            unsigned char from = fold(pattern[i]);
            unsigned char to = fold(pattern[i + 2]);
            if (from > to) {
                std::swap(from, to);
            }
            found |= wanted >= from && wanted <= to;
            i += 2;
        } else {
            found |= fold(pattern[i]) == wanted;
        }
    }
    const std::size_t end = i < pattern.size() ? i + 1 : i;
    return {found != negated, end - at};
}

Step match_one(ByteView pattern, std::size_t at, char c, bool ignore_case) {
    switch (pattern[at]) {
        case '?': return {true, 1};
        case '[': return match_class(pattern, at, c, ignore_case);
        case '\\':
            if (at + 1 < pattern.size()) {
                const char wanted = pattern[at + 1];
                return {ignore_case ? lower(wanted) == lower(c) : wanted == c, 2};
            }
            break;
        default: break;
    }
    return {ignore_case ? lower(pattern[at]) == lower(c) : pattern[at] == c, 1};
}

}  // namespace

bool glob_match(ByteView pattern, ByteView text, bool ignore_case) {
    constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = kNone;  // After the last *, and what it has swallowed so far.
    std::size_t swallowed = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = ++p;
            swallowed = t;
            continue;
        }
        if (p < pattern.size()) {
            const Step step = match_one(pattern, p, text[t], ignore_case);
            if (step.matches) {
                p += step.length;
                ++t;
                continue;
            }
        }
        if (star == kNone) {
            return false;
        }
        p = star;
        t = ++swallowed;
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

}  // namespace kumo::kv
