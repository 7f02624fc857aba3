#include "api/kumosearch/query/filter_lexer.h"

#include "api/kumosearch/parameters.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

struct OperatorName {
    std::string_view name;
    FilterOperator op;
    bool comparison;
};

// Longer names before their beginnings.
constexpr std::array<OperatorName, 7> kOperators = {{
    {"!=", FilterOperator::kNotEquals, false},
    {"!", FilterOperator::kNotMatches, false},
    {"=", FilterOperator::kEquals, false},
    {">=", FilterOperator::kGreaterEquals, true},
    {">", FilterOperator::kGreater, true},
    {"<=", FilterOperator::kLessEquals, true},
    {"<", FilterOperator::kLess, true},
}};

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

/// Puts a value together from quoted and unquoted characters.
class FilterLexer::ValueBuilder {
public:
    void add(char c) { value_.text.push_back(c); }

    void add_quoted(char c) {
        value_.text.push_back(c);
        quoted_end_ = value_.text.size();
    }

    void note_quotes() {
        value_.quoted = true;
        quoted_end_ = value_.text.size();
    }

    bool empty() const { return value_.text.empty() && !value_.quoted; }

    FilterValue finish() {
        std::string& text = value_.text;
        trim_end();
        if (text.size() > quoted_end_ && text.back() == '*') {
            text.pop_back();
            value_.prefix = true;
            trim_end();
        }
        return std::move(value_);
    }

private:
    /// White space that was quoted stays.
    void trim_end() {
        std::string& text = value_.text;
        while (text.size() > quoted_end_ && is_space(text.back())) {
            text.pop_back();
        }
    }

    FilterValue value_;
    std::size_t quoted_end_ = 0;
};

void FilterLexer::skip_space() {
    while (!rest_.empty() && is_space(rest_.front())) {
        rest_.remove_prefix(1);
    }
}

bool FilterLexer::at_end() {
    skip_space();
    return rest_.empty();
}

bool FilterLexer::take(std::string_view symbol) {
    skip_space();
    if (!rest_.starts_with(symbol)) {
        return false;
    }
    rest_.remove_prefix(symbol.size());
    return true;
}

std::string_view FilterLexer::take_field() {
    skip_space();
    const std::size_t end = rest_.find_first_of(":()&|[]`");
    if (end == std::string_view::npos || rest_[end] != ':') {
        return {};
    }
    const std::string_view name = trim(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return name;
}

std::optional<FilterLexer::Braces> FilterLexer::take_braces() {
    skip_space();
    const std::size_t begin = rest_.find_first_of(":()&|[]`{");
    if (begin == std::string_view::npos || rest_[begin] != '{' || begin < 2
        || rest_[begin - 1] != '.') {
        return std::nullopt;
    }
    Braces out;
    out.name = trim(rest_.substr(0, begin - 1));
    bool quoted = false;
    std::size_t end = begin + 1;
    while (end < rest_.size() && (quoted || rest_[end] != '}')) {
        quoted = quoted != (rest_[end] == '`' && rest_[end - 1] != '\\');
        ++end;
    }
    out.inside = rest_.substr(begin + 1, end - begin - 1);
    out.closed = end < rest_.size();
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return out;
}

FilterLexer::Braces FilterLexer::take_join() {
    Braces out;
    const std::size_t open = rest_.find('(');
    if (open == std::string_view::npos) {
        out.inside = rest_;
        return out;
    }
    out.name = trim(rest_.substr(0, open));
    bool quoted = false;
    std::size_t depth = 1;
    std::size_t end = open + 1;
    for (; end < rest_.size(); ++end) {
        quoted = quoted != (rest_[end] == '`' && rest_[end - 1] != '\\');
        if (quoted) {
            continue;
        }
        depth += rest_[end] == '(' ? 1 : 0;
        depth -= rest_[end] == ')' ? 1 : 0;
        if (depth == 0) {
            break;
        }
    }
    out.inside = rest_.substr(open + 1, end - open - 1);
    out.closed = end < rest_.size();
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return out;
}

FilterOperator FilterLexer::take_operator(bool comparisons) {
    skip_space();
    for (const OperatorName& known : kOperators) {
        if ((comparisons || !known.comparison) && take(known.name)) {
            return known.op;
        }
    }
    return FilterOperator::kMatches;
}

/// Takes what stands between two backticks; `\`` in it is a backtick.
Status FilterLexer::take_quoted(ValueBuilder& value) {
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '`') {
        if (rest_.starts_with("\\`")) {
            rest_.remove_prefix(1);
        }
        value.add_quoted(rest_.front());
        rest_.remove_prefix(1);
    }
    if (rest_.empty()) {
        return invalid_argument("Could not parse the filter query: unbalanced backticks.");
    }
    rest_.remove_prefix(1);
    value.note_quotes();
    return {};
}

bool FilterLexer::at_end_of_value(std::uint32_t parentheses) const {
    return rest_.empty() || rest_.starts_with("&&") || rest_.starts_with("||")
           || (rest_.front() == ')' && parentheses == 0);
}

Result<FilterValue> FilterLexer::take_value() {
    skip_space();
    ValueBuilder value;
    std::uint32_t parentheses = 0;
    while (!at_end_of_value(parentheses)) {
        const char c = rest_.front();
        if (c == '`') {
            KUMO_TRY(take_quoted(value));
            continue;
        }
        parentheses += c == '(' ? 1 : 0;
        parentheses -= c == ')' ? 1 : 0;
        value.add(c);
        rest_.remove_prefix(1);
    }
    return value.finish();
}

Result<FilterValue> FilterLexer::take_item() {
    skip_space();
    ValueBuilder value;
    while (!rest_.empty() && rest_.front() != ',' && rest_.front() != ']') {
        if (rest_.front() == '`') {
            KUMO_TRY(take_quoted(value));
            continue;
        }
        value.add(rest_.front());
        rest_.remove_prefix(1);
    }
    return value.finish();
}

}  // namespace kumo::api_kumosearch
