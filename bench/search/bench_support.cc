#include "bench_support.h"

#include "search/text/text_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <random>
#include <system_error>

#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime() is POSIX

namespace kumo::search::bench {

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void fail(const std::string& what) {
    std::cerr << "search benchmark: " << what << '\n';
    std::quick_exit(1);
}

void must(const Status& status) {
    if (!status.ok()) {
        fail(status.error().message);
    }
}

int number_of(const char* argument) {
    int number = 0;
    const std::string_view text(argument);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        fail("not a number: " + std::string(text));
    }
    return number;
}

std::string read_file(const char* path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        fail(std::string("cannot read ") + path);
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string_view take_line(std::string_view& rest) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
}

std::vector<std::string_view> split_line(std::string_view line) {
    std::vector<std::string_view> fields;
    while (fields.size() + 1 < kCorpusFields) {
        const std::size_t tab = line.find('\t');
        if (tab == std::string_view::npos) {
            fail("a line of the corpus has too few fields");
        }
        fields.push_back(line.substr(0, tab));
        line.remove_prefix(tab + 1);
    }
    fields.push_back(line);
    return fields;
}

void split(std::string_view text, std::vector<Token>& tokens) {
    tokens.clear();
    for (std::uint32_t position = 0; !text.empty();) {
        std::size_t end = std::min(text.find(' '), text.size());
        if (end != 0) {
            tokens.push_back({text.substr(0, end), position++});
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

namespace {

Case parse_case(std::string_view line) {
    std::size_t tab = line.find('\t');
    Case out{std::string(line.substr(0, tab)), std::string(line.substr(tab + 1)), {}, 0, {}};
    std::string plain;
    for (char c : out.query) {
        out.op = c == '+' ? Bm25Op::kAnd : c == '"' ? Bm25Op::kPhrase : out.op;
        plain += c == '+' || c == '"' ? "" : std::string(1, c);
    }
    if (plain.size() > 2 && plain[plain.size() - 2] == '~') {
        out.edits = static_cast<std::uint32_t>(plain.back() - '0');
        plain.resize(plain.size() - 2);
    }
    std::vector<Token> tokens;
    split(plain, tokens);
    for (const Token& token : tokens) {
        out.words.emplace_back(token.term);
    }
    return out;
}

/// As many as Lucene takes of the words near to one.
constexpr std::size_t kExpansions = 50;

}  // namespace

std::vector<Case> read_cases(const char* path) {
    const std::string text = read_file(path);
    std::vector<Case> cases;
    for (std::string_view rest = text; !rest.empty();) {
        cases.push_back(parse_case(take_line(rest)));
    }
    return cases;
}

void expand(
    const Case& test,
    std::span<const Bm25Segment> segments,
    std::vector<std::string_view>& words
) {
    struct Near {
        float similarity = 0;
        std::string_view word;

        bool operator==(const Near& other) const { return word == other.word; }
    };

    std::vector<Near> found;
    for (const Bm25Segment& segment : segments) {
        segment.text->fuzzy(test.words[0], {test.edits}, [&](const FuzzyMatch& match) {
            const auto shorter = std::min(match.term.size(), test.words[0].size());
            found.push_back(
                {1 - static_cast<float>(match.cost) / static_cast<float>(shorter), match.term}
            );
            return true;
        });
    }
    std::sort(found.begin(), found.end(), [](const Near& a, const Near& b) {
        return a.similarity != b.similarity ? a.similarity > b.similarity : a.word < b.word;
    });
    found.erase(std::unique(found.begin(), found.end()), found.end());
    found.resize(std::min<std::size_t>(found.size(), kExpansions));
    words.clear();
    for (const Near& near : found) {
        words.push_back(near.word);
    }
}

void measure(
    const char* command,
    const std::vector<const Case*>& cases,
    int runs,
    const std::function<Answer(const Case&)>& ask,
    std::ostream& out
) {
    std::vector<const Case*> order = cases;
    std::shuffle(order.begin(), order.end(), std::mt19937(2));
    std::vector<std::vector<double>> times(order.size());
    std::vector<Answer> answers(order.size());
    for (int round = -1; round < runs; ++round) {
        for (std::size_t i = 0; i < order.size(); ++i) {
            double start = cpu_seconds();
            answers[i] = ask(*order[i]);
            if (round >= 0) {
                times[i].push_back((cpu_seconds() - start) * 1e6);
            }
        }
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        std::sort(times[i].begin(), times[i].end());
        out << command << '\t' << order[i]->group << '\t' << order[i]->query << '\t'
            << answers[i].count << '\t' << std::fixed << std::setprecision(4) << answers[i].sum
            << std::setprecision(1) << '\t' << times[i].front() << '\t'
            << times[i][times[i].size() / 2] << '\t' << times[i].back() << '\n';
    }
}

}  // namespace kumo::search::bench
