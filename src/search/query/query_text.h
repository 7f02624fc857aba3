#pragma once

#include "search/analysis/analyzer.h"
#include "search/query/query_forms.h"
#include "search/query/request.h"

#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// Words that stand together, as each form of the query's fields writes them.
using QueryRun = std::vector<std::vector<std::string>>;

/// What the words of a query string say: words to find, "phrases" that must stand together, and
/// -words and -"phrases" that must not occur. A plain value.
struct QueryText {
    bool match_all = false;           ///< Empty, or "*".
    std::vector<std::string> tokens;  ///< Phrases' words included.
    /// For each of them: it is to stand right behind the one before (scripts without spaces).
    std::vector<bool> joined;
    std::vector<QueryRun> phrases;
    std::vector<QueryRun> excluded;  ///< One word, or a phrase.
};

/// Reads a query string. Words past kQueryTokensMax are left out, and those in `stopwords` that
/// stand alone (null: none). `forms` learns how its words are written.
QueryText
parse_query_text(std::string_view q, QueryForms& forms, const WordSet* stopwords = nullptr);

/// The query string without the words in `words` that stand alone: phrases and exclusions stay as
/// they are. "*" if nothing is left.
std::string without_words(std::string_view q, const Analyzer& analyzer, const WordSet& words);

}  // namespace kumo::search
