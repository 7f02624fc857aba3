#include "search/query/query_forms.h"

#include <algorithm>

namespace kumo::search {

QueryForms::QueryForms(const SchemaAnalyzer& analyzer, std::span<const QueryField> fields) {
    for (const QueryField& field : fields) {
        const Analyzer& mine = analyzer.of(field.field);
        const auto same =
            std::find_if(analyzers_.begin(), analyzers_.end(), [&](const Analyzer* other) {
                return other == &mine || other->options() == mine.options();
            });
        by_field_.push_back(static_cast<std::size_t>(same - analyzers_.begin()));
        if (same == analyzers_.end()) {
            analyzers_.push_back(&mine);
        }
    }
    if (analyzers_.empty()) {
        analyzers_.push_back(&analyzer.plain());
    }
    AnalysisOptions options = analyzers_.front()->options();
    if (!options.stem) {
        reader_ = analyzers_.front();
        return;
    }
    options.stem = false;
    options.stem_dictionary = {};
    own_reader_ = std::make_shared<const Analyzer>(std::move(options));
    reader_ = own_reader_.get();
}

QueryForms::QueryForms(const Analyzer& analyzer) : reader_(&analyzer), analyzers_{&analyzer} {}

void QueryForms::note(std::size_t form, const std::string& word, const std::string& written) {
    noted_.try_emplace({form, word}, written);
}

std::string QueryForms::write(std::size_t form, const std::string& word) const {
    if (!differs(form)) {
        return word;
    }
    if (const auto at = noted_.find({form, word}); at != noted_.end()) {
        return at->second;
    }
    const Analyzer& analyzer = *analyzers_[form];
    if (analyzer.options().locale == reader_->options().locale) {
        return analyzer.stemmed(word);
    }
    const std::vector<std::string> words = analyzed_words(word, analyzer);
    return words.size() == 1 ? words.front() : word;
}

std::vector<bool> QueryForms::joined(const std::vector<std::string>& words) const {
    std::vector<bool> out(words.size(), false);
    bool any = false;
    TokenBuffer buffer;
    for (std::size_t i = 1; i < words.size(); ++i) {
        buffer.clear();
        reader_->analyze(words[i - 1] + words[i], buffer);
        out[i] = buffer.tokens.size() == 2 && buffer.tokens[1].joined;
        any = any || out[i];
    }
    return any ? out : std::vector<bool>();
}

std::vector<std::string> analyzed_words(std::string_view text, const Analyzer& analyzer) {
    TokenBuffer buffer;
    analyzer.analyze(text, buffer);
    std::vector<std::string> words;
    for (const AnalyzedToken& token : buffer.tokens) {
        words.emplace_back(buffer.term(token));
    }
    return words;
}

}  // namespace kumo::search
