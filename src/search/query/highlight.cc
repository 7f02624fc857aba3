#include "search/query/highlight.h"

#include "search/analysis/code_points.h"
#include "search/query/score.h"
#include "search/schema/json_path.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace kumo::search {

/// How many tokens from `at` on are a run that was looked for; 0 if they are none.
std::size_t Highlighter::run_at(const TokenBuffer& tokens, std::size_t at) const {
    std::size_t longest = 0;
    for (const FoundWords::Run& run : found_.runs) {
        std::size_t i = 0;
        while (i < run.size() && at + i < tokens.tokens.size()
               && tokens.term(tokens.tokens[at + i]) == run[i]) {
            ++i;
        }
        longest = i == run.size() ? std::max(longest, i) : longest;
    }
    return longest;
}

/// The part of a token that was looked for inside of words.
std::optional<Highlighter::Mark> Highlighter::mark_part(
    const Analyzer& analyzer,
    std::string_view text,
    const TokenBuffer& tokens,
    std::size_t at
) const {
    const AnalyzedToken& token = tokens.tokens[at];
    const std::string_view term = tokens.term(token);
    const std::string_view source =
        text.substr(token.source_begin, token.source_end - token.source_begin);
    for (const Infix& infix : found_.infixes) {
        const std::size_t found = infix.find_in(term);
        if (found != std::string_view::npos) {
            const std::size_t before = code_points(term.substr(0, found));
            // Where the next one begins: what lies between them may be no part of the term.
            const std::size_t begin =
                last_code_point(source.substr(0, analyzer.prefix_end(source, before + 1)));
            const std::size_t end = analyzer.prefix_end(source, before + code_points(infix.text));
            return Mark{at, token.source_begin + begin, token.source_begin + end, infix.text};
        }
    }
    return std::nullopt;
}

std::vector<Highlighter::Mark> Highlighter::find_marks(
    const Analyzer& analyzer,
    std::string_view text,
    const TokenBuffer& tokens
) const {
    std::vector<Mark> marks;
    for (std::size_t i = 0; i < tokens.tokens.size();) {
        const AnalyzedToken& token = tokens.tokens[i];
        const std::size_t run = run_at(tokens, i);
        const AnalyzedToken& last = tokens.tokens[run > 0 ? i + run - 1 : i];
        const auto word = found_.words.find(tokens.term(last));
        if (word == found_.words.end() || (run == 0 && word->second.only_in_run)) {
            if (const auto part = mark_part(analyzer, text, tokens, i)) {
                marks.push_back(*part);
            }
            ++i;
            continue;
        }
        std::size_t end = last.source_end;
        if (word->second.prefix_points > 0) {
            const std::string_view source =
                text.substr(last.source_begin, last.source_end - last.source_begin);
            end = last.source_begin + analyzer.prefix_end(source, word->second.prefix_points);
        }
        marks.push_back({i, token.source_begin, end, word->first});
        i += std::max<std::size_t>(run, 1);
    }
    return marks;
}

std::string Highlighter::render(
    std::string_view text,
    std::size_t begin,
    std::size_t end,
    const std::vector<Mark>& marks
) const {
    std::string out;
    std::size_t at = begin;
    for (std::size_t i = 0; i < marks.size(); ++i) {
        if (marks[i].begin < begin || marks[i].end > end) {
            continue;
        }
        const std::size_t from = marks[i].begin;
        // What touches is marked as one: characters of scripts without spaces.
        while (i + 1 < marks.size() && marks[i + 1].begin == marks[i].end && marks[i + 1].end <= end
        ) {
            ++i;
        }
        out += text.substr(at, from - at);
        out += options_.start_tag;
        out += text.substr(from, marks[i].end - from);
        out += options_.end_tag;
        at = marks[i].end;
    }
    out += text.substr(at, end - at);
    return out;
}

std::pair<std::size_t, std::size_t> Highlighter::snippet_bounds(
    std::string_view text,
    const TokenBuffer& tokens,
    const std::vector<Mark>& marks
) const {
    const std::size_t count = tokens.tokens.size();
    if (count <= options_.snippet_threshold) {
        return {0, text.size()};
    }
    // The marks that stand closest together, as the score sees it.
    std::map<std::string_view, std::size_t> numbers;
    std::vector<WordPositions> words;
    for (const Mark& mark : marks) {
        const auto [at, fresh] = numbers.emplace(mark.term, words.size());
        if (fresh) {
            words.emplace_back();
        }
        words[at->second].positions.push_back(static_cast<std::uint32_t>(mark.token));
    }
    std::vector<std::pair<std::uint32_t, std::uint32_t>> order;
    const Window window = best_window(words, order);
    const std::size_t affix = options_.affix_num_tokens;
    const std::size_t first = window.start > affix ? window.start - affix : 0;
    const std::size_t last =
        std::min<std::size_t>(std::size_t{window.start} + window.spread + affix, count - 1);
    const std::size_t begin = first == 0 ? 0 : tokens.tokens[first].source_begin;
    const std::size_t end = last + 1 == count ? text.size() : tokens.tokens[last].source_end;
    return {begin, end};
}

HighlightedValue
Highlighter::highlight_text(const Analyzer& analyzer, std::string_view text, bool full) const {
    HighlightedValue out;
    TokenBuffer tokens;
    analyzer.analyze(text, tokens);
    const std::vector<Mark> marks = find_marks(analyzer, text, tokens);
    if (marks.empty()) {
        return out;
    }
    const auto [begin, end] = snippet_bounds(text, tokens, marks);
    out.snippet = render(text, begin, end, marks);
    if (full) {
        out.value = render(text, 0, text.size(), marks);
    }
    std::set<std::string_view> seen;
    for (const Mark& mark : marks) {
        const std::string_view matched = text.substr(mark.begin, mark.end - mark.begin);
        if (seen.insert(matched).second) {
            out.matched_tokens.emplace_back(matched);
        }
    }
    return out;
}

std::string Highlighter::mark(const Analyzer& analyzer, std::string_view text) const {
    const HighlightedValue value = highlight_text(analyzer, text, true);
    return value.matched_tokens.empty() ? std::string(text) : value.value;
}

std::vector<FieldHighlight> Highlighter::highlight(
    const Schema& schema,
    const SchemaAnalyzer& analyzer,
    wire::JsonValue document
) const {
    std::vector<FieldHighlight> out;
    for (const std::size_t field : options_.fields) {
        const PathValues found =
            values_at(document, schema.fields[field].name, schema.enable_nested_fields);
        const bool full = std::find(options_.full_fields.begin(), options_.full_fields.end(), field)
                          != options_.full_fields.end();
        FieldHighlight highlight;
        highlight.field = field;
        const auto add = [&](wire::JsonValue element, std::size_t index) {
            if (!element.is_string()) {
                return;
            }
            HighlightedValue one = highlight_text(analyzer.of(field), element.as_string(), full);
            one.index = index;
            highlight.match_score =
                std::max<std::uint64_t>(highlight.match_score, one.matched_tokens.size());
            if (!one.matched_tokens.empty()) {
                highlight.values.push_back(std::move(one));
            }
        };
        std::size_t index = 0;
        const auto add_element = [&](wire::JsonValue element) {
            highlight.unmatched.emplace_back(element.is_string() ? element.as_string() : "");
            add(element, index++);
        };
        for (const wire::JsonValue value : found.values) {
            if (value.is_array()) {
                for (const wire::JsonValue element : value.as_array()) {
                    add_element(element);
                }
            } else if (found.through_array) {
                add_element(value);
            } else {
                add(value, 0);
            }
        }
        if (!highlight.values.empty()) {
            out.push_back(std::move(highlight));
        }
    }
    std::stable_sort(out.begin(), out.end(), [](const FieldHighlight& a, const FieldHighlight& b) {
        return a.match_score > b.match_score;
    });
    return out;
}

}  // namespace kumo::search
