#include "search/tree/pattern.h"

#include "wire/utf8.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace kumo::search::tree {

namespace {

class PrefixPattern : public TermPattern {
public:
    explicit PrefixPattern(std::string text) : TermPattern(std::move(text)) {}

    bool matches(std::string_view term) const override {
        return term.substr(0, prefix().size()) == prefix();
    }
};

class RegexpPattern : public TermPattern {
public:
    RegexpPattern(std::string prefix, std::unique_ptr<const RE2> regexp)
        : TermPattern(std::move(prefix)), regexp_(std::move(regexp)) {}

    bool matches(std::string_view term) const override {
        return RE2::FullMatch(re2::StringPiece(term.data(), term.size()), *regexp_);
    }

private:
    std::unique_ptr<const RE2> regexp_;
};

constexpr std::int64_t kRegexpBytesMax = std::int64_t{8} << 20;

Result<PatternPtr> compile(const std::string& source, std::string prefix, bool ignore_case) {
    RE2::Options options(RE2::Quiet);
    options.set_dot_nl(true);
    options.set_case_sensitive(!ignore_case);
    options.set_never_capture(true);
    options.set_max_mem(kRegexpBytesMax);
    auto regexp = std::make_unique<const RE2>(source, options);
    if (!regexp->ok()) {
        if (regexp->error_code() == RE2::ErrorPatternTooLarge
            || regexp->error_code() == RE2::ErrorRepeatSize) {
            return Error{ErrorCode::kLimitExceeded, "the expression is too complex"};
        }
        return invalid_argument(regexp->error());
    }
    return PatternPtr(std::make_shared<const RegexpPattern>(
        ignore_case ? std::string() : std::move(prefix),
        std::move(regexp)
    ));
}

void append_quoted(std::string& out, std::string_view text) {
    out += RE2::QuoteMeta(re2::StringPiece(text.data(), text.size()));
}

/// Writes one of Lucene's expressions as one of RE2's. Nothing needs to recurse: the two nest
/// alike, so that groups are passed through and RE2 counts them.
class RegexpTranslation {
public:
    RegexpTranslation(std::string_view pattern, const RegexpSyntax& syntax)
        : in_(pattern), syntax_(syntax) {}

    Status run() {
        while (at_ < in_.size()) {
            KUMO_TRY(step());
        }
        return {};
    }

    std::string take() { return std::move(out_); }

    std::string take_prefix() { return alternatives_ ? std::string() : std::move(literal_); }

private:
    Status step() {
        const char c = in_[at_];
        if (c == '\\') {
            ++at_;
            if (at_ >= in_.size()) {
                return invalid_argument(
                    "end-of-string expected at position " + std::to_string(at_)
                );
            }
            literal(code_point());
            return {};
        }
        if (c == '[') {
            return char_class();
        }
        if (c == '"') {
            return quoted();
        }
        if (c == '<' && syntax_.interval) {
            return interval();
        }
        if ((c == '~' && syntax_.complement) || (c == '&' && syntax_.intersection)) {
            return Error{
                ErrorCode::kUnsupported,
                std::string("the operator [") + c + "] of regular expressions is not supported"};
        }
        if (c == '@' && syntax_.any_string) {
            special(".*");
            return {};
        }
        if (c == '#' && syntax_.empty) {
            special("[^\\x{0}-\\x{10FFFF}]");
            return {};
        }
        return plain(c);
    }

    Status plain(char c) {
        switch (c) {
            case '|':
                alternatives_ = true;
                special("|");
                return {};
            case '(':
                if (in_.substr(at_ + 1, 1) == "?") {
                    return invalid_argument("expected ')' at position " + std::to_string(at_));
                }
                if (in_.substr(at_ + 1, 1) == ")") {
                    ++at_;
                    special("(?:)");
                    return {};
                }
                ended_ = true;
                special("(?:");
                return {};
            case '.':
            case ')': special(std::string_view(&in_[at_], 1)); return {};
            case '?':
            case '*':
            case '+': repeat(std::string_view(&in_[at_], 1), 1); return {};
            case '{': return counted();
            default: literal(code_point()); return {};
        }
    }

    /// One code point from where it stands.
    std::string_view code_point() {
        const std::size_t bytes =
            std::max<std::size_t>(1, wire::utf8_decode(in_.substr(at_)).bytes);
        const std::string_view out = in_.substr(at_, bytes);
        at_ += bytes;
        return out;
    }

    void literal(std::string_view text) {
        if (!ended_) {
            last_literal_ = literal_.size();
            literal_ += text;
        }
        append_quoted(out_, text);
    }

    void special(std::string_view text) {
        ended_ = true;
        out_ += text;
        ++at_;
    }

    /// What it repeats is no longer certain. A repeat of a repeat is a group's.
    void repeat(std::string_view text, std::size_t bytes) {
        if (!ended_) {
            literal_.resize(std::min(last_literal_, literal_.size()));
        }
        ended_ = true;
        if (!out_.empty() && repeated_at_ == out_.size()) {
            out_.insert(repeat_start_, "(?:");
            out_ += ")";
        } else {
            repeat_start_ = start_of_last();
        }
        out_ += text;
        repeated_at_ = out_.size();
        at_ += bytes;
    }

    /// Where what stands last in out_ begins: only whole expressions matter to a second repeat,
    /// so the beginning of the last group, class or character.
    std::size_t start_of_last() const {
        std::size_t at = out_.size();
        if (at == 0) {
            return 0;
        }
        const char closing = out_[at - 1];
        const bool quoted = at >= 2 && out_[at - 2] == '\\';
        if (quoted || (closing != ')' && closing != ']')) {
            at -= quoted ? 2 : 1;
            while (at > 0 && (static_cast<unsigned char>(out_[at]) & 0xC0U) == 0x80U) {
                --at;
            }
            return at;
        }
        const char opening = closing == ')' ? '(' : '[';
        std::size_t depth = 0;
        while (at > 0) {
            --at;
            if (at > 0 && out_[at - 1] == '\\') {
                continue;
            }
            if (out_[at] == closing) {
                ++depth;
            } else if (out_[at] == opening && --depth == 0) {
                return at;
            }
        }
        return 0;
    }

    Status counted() {
        const std::size_t end = in_.find('}', at_);
        if (end == std::string_view::npos) {
            return invalid_argument("expected '}' at position " + std::to_string(in_.size()));
        }
        const std::string_view inside = in_.substr(at_ + 1, end - at_ - 1);
        const bool fits = !inside.empty() && std::all_of(inside.begin(), inside.end(), [](char c) {
            return (c >= '0' && c <= '9') || c == ',';
        });
        if (!fits || inside.front() == ',') {
            return invalid_argument("integer expected at position " + std::to_string(at_ + 1));
        }
        repeat(in_.substr(at_, end - at_ + 1), end - at_ + 1);
        return {};
    }

    Status char_class() {
        ended_ = true;
        std::string out = "[";
        ++at_;
        if (at_ < in_.size() && in_[at_] == '^') {
            out += '^';
            ++at_;
        }
        bool first = true;
        while (at_ < in_.size() && (first || in_[at_] != ']')) {
            first = false;
            if (in_[at_] == '-' && out.size() > 1 && out.back() != '^') {
                out += '-';
                ++at_;
                continue;
            }
            if (in_[at_] == '\\') {
                ++at_;
            }
            if (at_ < in_.size()) {
                append_quoted(out, code_point());
            }
        }
        if (at_ >= in_.size()) {
            return invalid_argument("expected ']' at position " + std::to_string(in_.size()));
        }
        out_ += out;
        out_ += ']';
        ++at_;
        return {};
    }

    Status quoted() {
        const std::size_t end = in_.find('"', at_ + 1);
        if (end == std::string_view::npos) {
            return invalid_argument("expected '\"' at position " + std::to_string(in_.size()));
        }
        ended_ = true;
        out_ += "(?:";
        append_quoted(out_, in_.substr(at_ + 1, end - at_ - 1));
        out_ += ")";
        at_ = end + 1;
        return {};
    }

    /// `<low-high>`, as an alternative of every number, or of digits where both are powers of ten.
    Status interval() {
        constexpr std::uint32_t kNumbersMax = 10000;
        const std::size_t end = in_.find('>', at_);
        const std::size_t dash = in_.find('-', at_);
        if (end == std::string_view::npos || dash == std::string_view::npos || dash > end) {
            return invalid_argument("illegal identifier at position " + std::to_string(at_));
        }
        const std::string_view low_text = in_.substr(at_ + 1, dash - at_ - 1);
        const std::string_view high_text = in_.substr(dash + 1, end - dash - 1);
        const auto low = number(low_text);
        const auto high = number(high_text);
        if (!low || !high) {
            return invalid_argument("interval syntax error at position " + std::to_string(at_));
        }
        const std::uint32_t from = std::min(*low, *high);
        const std::uint32_t to = std::max(*low, *high);
        if (to - from > kNumbersMax) {
            return Error{ErrorCode::kLimitExceeded, "the expression is too complex"};
        }
        const std::size_t digits = low_text.size() == high_text.size() ? low_text.size() : 0;
        ended_ = true;
        out_ += "(?:";
        for (std::uint32_t n = from; n <= to; ++n) {
            const std::string text = std::to_string(n);
            out_ += n == from ? "" : "|";
            out_ += digits == 0 ? "0*" : std::string(digits - std::min(digits, text.size()), '0');
            out_ += text;
        }
        out_ += ")";
        at_ = end + 1;
        return {};
    }

    static std::optional<std::uint32_t> number(std::string_view text) {
        std::uint32_t out = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
        if (error != std::errc() || end != text.data() + text.size()) {
            return std::nullopt;
        }
        return out;
    }

    std::string_view in_;
    RegexpSyntax syntax_;
    std::string out_;
    std::string literal_;  ///< What every match begins with, if there is no alternative.
    std::size_t at_ = 0;
    std::size_t last_literal_ = 0;
    std::size_t repeated_at_ = std::numeric_limits<std::size_t>::max();
    std::size_t repeat_start_ = 0;
    bool ended_ = false;
    bool alternatives_ = false;
};

Status check_size(std::string_view pattern) {
    if (pattern.size() > kPatternBytesMax) {
        return Error{ErrorCode::kLimitExceeded, "the pattern is too long"};
    }
    return {};
}

}  // namespace

PatternPtr prefix_pattern(std::string prefix) {
    return std::make_shared<const PrefixPattern>(std::move(prefix));
}

Result<PatternPtr> wildcard_pattern(std::string_view pattern, bool ignore_case) {
    KUMO_TRY(check_size(pattern));
    std::string source;
    std::string prefix;
    bool literal = true;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '*') {
            literal = false;
            // Neighbouring stars are one.
            source += i > 0 && pattern[i - 1] == '*' && source.ends_with(".*") ? "" : ".*";
        } else if (pattern[i] == '?') {
            literal = false;
            source += ".";
        } else {
            if (pattern[i] == '\\' && i + 1 < pattern.size()) {
                ++i;
            }
            const std::size_t bytes =
                std::max<std::size_t>(1, wire::utf8_decode(pattern.substr(i)).bytes);
            append_quoted(source, pattern.substr(i, bytes));
            if (literal) {
                prefix += pattern.substr(i, bytes);
            }
            i += bytes - 1;
        }
    }
    return compile(source, std::move(prefix), ignore_case);
}

Result<PatternPtr>
regexp_pattern(std::string_view pattern, const RegexpSyntax& syntax, bool ignore_case) {
    KUMO_TRY(check_size(pattern));
    RegexpTranslation translation(pattern, syntax);
    KUMO_TRY(translation.run());
    std::string prefix = translation.take_prefix();
    return compile(translation.take(), std::move(prefix), ignore_case);
}

std::uint32_t
edit_distance(std::u32string_view a, std::u32string_view b, std::uint32_t most, bool swaps) {
    const std::size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
    if (difference > most) {
        return most + 1;
    }
    std::vector<std::uint32_t> before(b.size() + 1);
    std::vector<std::uint32_t> last(b.size() + 1);
    std::vector<std::uint32_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = static_cast<std::uint32_t>(j);
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = static_cast<std::uint32_t>(i);
        std::uint32_t least = row[0];
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::uint32_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
            if (swaps && i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
            least = std::min(least, row[j]);
        }
        if (least > most) {
            return most + 1;
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::u32string code_points_of(std::string_view text) {
    std::u32string out;
    while (!text.empty()) {
        const auto decoded = wire::utf8_decode(text);
        out += decoded.valid ? decoded.code_point : static_cast<unsigned char>(text.front());
        text.remove_prefix(std::max<std::size_t>(1, decoded.bytes));
    }
    return out;
}

}  // namespace kumo::search::tree
