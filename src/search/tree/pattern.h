#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace kumo::search::tree {

/// What a term has to look like. Immutable; any thread.
class TermPattern {
public:
    virtual ~TermPattern() = default;

    virtual bool matches(std::string_view term) const = 0;

    /// All that match begin with it.
    const std::string& prefix() const { return prefix_; }

protected:
    explicit TermPattern(std::string prefix) : prefix_(std::move(prefix)) {}

private:
    std::string prefix_;
};

using PatternPtr = std::shared_ptr<const TermPattern>;

/// Patterns longer than this, in bytes, are kLimitExceeded.
inline constexpr std::size_t kPatternBytesMax = 32768;

PatternPtr prefix_pattern(std::string prefix);

/// `*` is anything, `?` one code point, a backslash takes the next one as it is.
Result<PatternPtr> wildcard_pattern(std::string_view pattern, bool ignore_case);

/// Lucene's regular expressions (a match is of the whole term) as far as RE2 has a form for them:
/// kInvalidArgument for what is none, kUnsupported for `~` and `&`, kLimitExceeded for one that
/// would take too much memory. `syntax`: the optional operators that are on.
struct RegexpSyntax {
    bool interval = true;      ///< `<1-20>`
    bool any_string = true;    ///< `@`
    bool empty = true;         ///< `#`
    bool complement = true;    ///< `~`
    bool intersection = true;  ///< `&`
};

Result<PatternPtr>
regexp_pattern(std::string_view pattern, const RegexpSyntax& syntax, bool ignore_case);

/// The least number of edits (insert, delete, substitute, swap of neighbours unless `swaps` is
/// false) between two texts of code points, or any number above `most`. No substring is edited
/// twice.
std::uint32_t
edit_distance(std::u32string_view a, std::u32string_view b, std::uint32_t most, bool swaps);

/// Code points; a byte that is none is one of its own.
std::u32string code_points_of(std::string_view text);

}  // namespace kumo::search::tree
