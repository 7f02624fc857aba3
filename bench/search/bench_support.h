#pragma once

#include "base/result.h"
#include "search/text/bm25.h"

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What the programs of the search benchmark share: corpus lines, queries, timing, the output that
/// compare.py reads. A program ends with a message when something fails.
namespace kumo::search::bench {

/// CPU time of the calling thread.
double cpu_seconds();

[[noreturn]] void fail(const std::string& what);

template <typename T>
T must(Result<T> result) {
    if (!result.ok()) {
        fail(result.error().message);
    }
    return std::move(result).value();
}

void must(const Status& status);

std::string read_file(const char* path);

/// The next line of `rest`, which moves past it.
std::string_view take_line(std::string_view& rest);

/// The fields of a corpus line before its tokens.
enum CorpusField : std::size_t {
    kId,
    kProject,
    kComponent,
    kKind,
    kLanguage,
    kAuthor,
    kTimestamp,
    kYear,
    kText,
    kCorpusFields,
};

/// The fields of a corpus line.
std::vector<std::string_view> split_line(std::string_view line);

/// Splits at blanks.
void split(std::string_view text, std::vector<Token>& tokens);

/// One query: `+a +b` (all), `"a b"` (phrase), `word~1` (one typo), `a b` (any).
struct Case {
    std::string group;
    std::string query;
    Bm25Op op = Bm25Op::kOr;
    std::uint32_t edits = 0;
    std::vector<std::string> words;

    bool is_fuzzy() const { return edits != 0; }
};

/// A file with a class and a query in each line, separated by a tab.
std::vector<Case> read_cases(const char* path);

/// The nearest of the words that are at most `test.edits` away in any of the segments, as many and
/// in the order as Lucene has it.
void expand(
    const Case& test,
    std::span<const Bm25Segment> segments,
    std::vector<std::string_view>& words
);

/// What an answer is checked by.
struct Answer {
    std::uint64_t count = 0;
    double sum = 0;
};

/// The number an argument is; ends the program if it is none.
int number_of(const char* argument);

/// Asks every query once to warm up and `runs` times, in one shuffled order, and writes a line each
/// for compare.py.
void measure(
    const char* command,
    const std::vector<const Case*>& cases,
    int runs,
    const std::function<Answer(const Case&)>& ask,
    std::ostream& out
);

}  // namespace kumo::search::bench
