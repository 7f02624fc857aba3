#pragma once

#include "search/analysis/schema_analyzer.h"
#include "search/query/request.h"

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::search {

/// How the fields that a query is asked of write its words. The query is read as the first of them
/// is, without stems; each way of analysis among the fields is a "form" that has its own way to
/// write a word (`running`, or `run` where fields have stems).
/// One search's, one thread; refers to the analyzers.
class QueryForms {
public:
    QueryForms(const SchemaAnalyzer& analyzer, std::span<const QueryField> fields);

    /// One form, which is how the query is read.
    explicit QueryForms(const Analyzer& analyzer);

    std::size_t count() const { return analyzers_.size(); }

    /// The form of one of the query's fields, by its place among them.
    std::size_t of(std::size_t query_field) const { return by_field_[query_field]; }

    const Analyzer& reader() const { return *reader_; }

    const Analyzer& analyzer(std::size_t form) const { return *analyzers_[form]; }

    /// Notes how a form writes a word of the query, where that depends on the text that it is of.
    void note(std::size_t form, const std::string& word, const std::string& written);

    /// How a form writes a word that was read by reader().
    std::string write(std::size_t form, const std::string& word) const;

    /// Which of these words, read by reader(), would go on where the one before ends if they were
    /// written without a space. Empty: none.
    std::vector<bool> joined(const std::vector<std::string>& words) const;

    /// Whether a form differs from how the query is read.
    bool differs(std::size_t form) const { return analyzers_[form] != reader_; }

private:
    std::shared_ptr<const Analyzer> own_reader_;
    const Analyzer* reader_ = nullptr;
    std::vector<const Analyzer*> analyzers_;
    std::vector<std::size_t> by_field_;
    std::map<std::pair<std::size_t, std::string>, std::string> noted_;
};

/// The tokens of a text, as words.
std::vector<std::string> analyzed_words(std::string_view text, const Analyzer& analyzer);

}  // namespace kumo::search
