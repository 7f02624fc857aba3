#pragma once

#include "search/analysis/schema_analyzer.h"
#include "search/query/found_words.h"
#include "search/query/request.h"
#include "search/schema/schema.h"
#include "wire/json.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// Marks the words of a text that a search found it by. Immutable; one search's.
class Highlighter {
public:
    Highlighter(const HighlightOptions& options, FoundWords found)
        : options_(options), found_(std::move(found)) {}

    /// Highlights the wanted fields of one document, those with most matching words first. Fields
    /// without a match are left out.
    std::vector<FieldHighlight>
    highlight(const Schema& schema, const SchemaAnalyzer& analyzer, wire::JsonValue document) const;

    /// One text: its snippet, and with `full` the whole of it. `matched_tokens` is empty if no word
    /// matches.
    HighlightedValue highlight_text(const Analyzer& analyzer, std::string_view text, bool full)
        const;

    /// The whole text with the words marked, or as it is if none matches.
    std::string mark(const Analyzer& analyzer, std::string_view text) const;

private:
    struct Mark {
        std::size_t token;  ///< Index into the token buffer.
        std::size_t begin;  ///< Bytes of the source to mark.
        std::size_t end;
        std::string_view term;
    };

    std::vector<Mark>
    find_marks(const Analyzer& analyzer, std::string_view text, const TokenBuffer& tokens) const;
    std::size_t run_at(const TokenBuffer& tokens, std::size_t at) const;
    std::optional<Mark> mark_part(
        const Analyzer& analyzer,
        std::string_view text,
        const TokenBuffer& tokens,
        std::size_t at
    ) const;
    std::string render(
        std::string_view text,
        std::size_t begin,
        std::size_t end,
        const std::vector<Mark>& marks
    ) const;
    std::pair<std::size_t, std::size_t> snippet_bounds(
        std::string_view text,
        const TokenBuffer& tokens,
        const std::vector<Mark>& marks
    ) const;

    const HighlightOptions& options_;
    FoundWords found_;
};

}  // namespace kumo::search
