#include "search/query/query_text.h"

#include <utility>

namespace kumo::search {

namespace {

/// Cuts the query at white space, keeping "quoted parts" together.
class Pieces {
public:
    struct Piece {
        std::string_view text;
        std::string_view whole;  ///< With its quotes and its '-'.
        bool quoted = false;
        bool excluded = false;
    };

    explicit Pieces(std::string_view q) : rest_(q) {}

    bool next(Piece& piece) {
        while (!rest_.empty() && is_space(rest_.front())) {
            rest_.remove_prefix(1);
        }
        if (rest_.empty()) {
            return false;
        }
        piece = {};
        const std::string_view from = rest_;
        if (rest_.size() > 1 && rest_.front() == '-' && !is_space(rest_[1])) {
            piece.excluded = true;
            rest_.remove_prefix(1);
        }
        const std::size_t close =
            rest_.front() == '"' ? rest_.find('"', 1) : std::string_view::npos;
        if (close != std::string_view::npos) {
            piece.quoted = true;
            piece.text = rest_.substr(1, close - 1);
            rest_.remove_prefix(close + 1);
            piece.whole = from.substr(0, from.size() - rest_.size());
            return true;
        }
        std::size_t end = 0;
        while (end < rest_.size() && !is_space(rest_[end])) {
            ++end;
        }
        piece.text = rest_.substr(0, end);
        rest_.remove_prefix(end);
        piece.whole = from.substr(0, from.size() - rest_.size());
        return true;
    }

private:
    static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

    std::string_view rest_;
};

struct ReadWords {
    std::vector<std::string> words;
    std::vector<bool> joined;
};

ReadWords read_words(std::string_view text, const Analyzer& analyzer) {
    TokenBuffer buffer;
    analyzer.analyze(text, buffer);
    ReadWords out;
    for (const AnalyzedToken& token : buffer.tokens) {
        out.words.emplace_back(buffer.term(token));
        out.joined.push_back(token.joined);
    }
    return out;
}

/// A text as each form writes it. What `read` are its words to who reads the query.
QueryRun run_of(std::string_view text, const std::vector<std::string>& read, QueryForms& forms) {
    QueryRun out;
    for (std::size_t form = 0; form < forms.count(); ++form) {
        if (!forms.differs(form)) {
            out.push_back(read);
            continue;
        }
        const std::vector<std::string>& words =
            out.emplace_back(analyzed_words(text, forms.analyzer(form)));
        for (std::size_t i = 0; i < words.size() && words.size() == read.size(); ++i) {
            forms.note(form, read[i], words[i]);
        }
    }
    return out;
}

}  // namespace

QueryText parse_query_text(std::string_view q, QueryForms& forms, const WordSet* stopwords) {
    QueryText out;
    if (q.empty() || q == "*") {
        out.match_all = true;
        return out;
    }
    Pieces pieces(q.substr(0, kQueryBytesMax));
    Pieces::Piece piece;
    bool any_stopword = false;
    while (pieces.next(piece)) {
        const ReadWords read = read_words(piece.text, forms.reader());
        const std::vector<std::string>& words = read.words;
        if (words.empty()) {
            continue;
        }
        QueryRun run = run_of(piece.text, words, forms);
        if (piece.excluded) {
            out.excluded.push_back(std::move(run));
            continue;
        }
        bool after_word = false;
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (stopwords != nullptr && !piece.quoted && stopwords->contains(words[i])) {
                any_stopword = true;
                after_word = false;
            } else if (out.tokens.size() < kQueryTokensMax) {
                out.tokens.push_back(words[i]);
                out.joined.push_back(after_word && read.joined[i]);
                after_word = true;
            }
        }
        if (piece.quoted && words.size() > 1) {
            out.phrases.push_back(std::move(run));
        }
    }
    // Only exclusions, as in "-word": everything else matches.
    out.match_all = out.tokens.empty() && !out.excluded.empty() && !any_stopword;
    return out;
}

std::string without_words(std::string_view q, const Analyzer& analyzer, const WordSet& words) {
    std::string out;
    const auto add = [&](std::string_view text) {
        out.append(out.empty() ? "" : " ").append(text);
    };
    Pieces pieces(q.substr(0, kQueryBytesMax));
    Pieces::Piece piece;
    while (pieces.next(piece)) {
        if (piece.quoted || piece.excluded) {
            add(piece.whole);
            continue;
        }
        for (const std::string& word : analyzed_words(piece.text, analyzer)) {
            if (!words.contains(word)) {
                add(word);
            }
        }
    }
    return out.empty() ? "*" : out;
}

}  // namespace kumo::search
