// kumosearch's side of the search benchmark:
//
//   search_bench corpus.tsv queries.tsv RUNS out.tsv [--segments]
//
// Indexes the corpus through the live segment (sealed every 128 k documents), merges the segments
// into one unless --segments is given, and answers every query RUNS times. Times are CPU time of
// the thread. The output's columns are those of compare.py.

#include "search/text/bm25.h"
#include "search/text/internal/kernels.h"
#include "search/text/live_text.h"
#include "search/text/seal.h"
#include "search/text/sealed_text.h"
#include "search/text/section_file.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

namespace kumo::search {
namespace {

constexpr int kColumnsBeforeText = 8;
constexpr DocId kDocsPerSegment = 128 * 1024;
constexpr const char* kField = "text.";

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "search_bench: %s\n", what.c_str());
    std::exit(1);
}

template <typename T>
T must(Result<T> result) {
    if (!result.ok()) {
        fail(result.error().message);
    }
    return std::move(result).value();
}

void must(Status status) {
    if (!status.ok()) {
        fail(status.error().message);
    }
}

std::string read_file(const char* path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        fail(std::string("cannot read ") + path);
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The next line of `rest`, which moves past it.
std::string_view take_line(std::string_view& rest) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
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

struct Segment {
    std::string bytes;
    std::unique_ptr<SealedText> text;
};

Segment open_segment(std::string bytes) {
    Segment segment{std::move(bytes), nullptr};
    SectionFile file = must(SectionFile::open(segment.bytes));
    segment.text = std::make_unique<SealedText>(must(SealedText::open(file, kField)));
    return segment;
}

/// CPU seconds of each step of indexing.
struct IndexTimes {
    double add = 0;
    double seal = 0;
    double merge = 0;
    std::uint64_t tokens = 0;
    std::uint64_t live_bytes = 0;
};

std::vector<Segment> build_segments(std::string_view corpus, IndexTimes& times) {
    std::vector<Segment> segments;
    std::vector<Token> tokens;
    while (!corpus.empty()) {
        LiveText live;
        DocId docs = 0;
        double start = cpu_seconds();
        for (; docs < kDocsPerSegment && !corpus.empty(); ++docs) {
            std::string_view line = take_line(corpus);
            for (int i = 0; i < kColumnsBeforeText; ++i) {
                line.remove_prefix(line.find('\t') + 1);
            }
            split(line, tokens);
            live.add(docs, tokens, 0);
            times.tokens += tokens.size();
        }
        double added = cpu_seconds();
        times.live_bytes += live.bytes();
        SectionFileBuilder builder;
        must(seal(live, docs, builder, kField));
        segments.push_back(open_segment(builder.finish()));
        times.add += added - start;
        times.seal += cpu_seconds() - added;
    }
    return segments;
}

Segment merge_all(const std::vector<Segment>& segments, IndexTimes& times) {
    double start = cpu_seconds();
    std::vector<std::vector<DocId>> maps;
    DocId total = 0;
    for (const Segment& segment : segments) {
        std::vector<DocId> map(segment.text->doc_limit());
        for (DocId& doc : map) {
            doc = total++;
        }
        maps.push_back(std::move(map));
    }
    std::vector<MergeInput> inputs;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        inputs.push_back({segments[i].text.get(), maps[i]});
    }
    SectionFileBuilder builder;
    must(merge(inputs, total, builder, kField));
    Segment merged = open_segment(builder.finish());
    times.merge = cpu_seconds() - start;
    return merged;
}

std::vector<Segment> build_index(const char* path, bool keep_segments) {
    const std::string corpus = read_file(path);
    IndexTimes times;
    std::vector<Segment> segments = build_segments(corpus, times);
    if (!keep_segments && segments.size() > 1) {
        Segment merged = merge_all(segments, times);
        segments.clear();
        segments.push_back(std::move(merged));
    }
    std::uint64_t docs = 0;
    std::uint64_t bytes = 0;
    for (const Segment& segment : segments) {
        docs += segment.text->doc_limit();
        bytes += segment.bytes.size();
    }
    std::printf(
        "kumosearch: %lu documents, %lu tokens, index %.2f CPU-s (add %.2f, seal %.2f), "
        "with merge %.2f CPU-s\n",
        docs,
        times.tokens,
        times.add + times.seal,
        times.add,
        times.seal,
        times.add + times.seal + times.merge
    );
    std::printf(
        "kumosearch: %.1f MB sealed, %.2f B/token (live %.2f B/token), %zu segment(s), %s "
        "kernels\n",
        static_cast<double>(bytes) / 1e6,
        static_cast<double>(bytes) / static_cast<double>(times.tokens),
        static_cast<double>(times.live_bytes) / static_cast<double>(times.tokens),
        segments.size(),
        kernels().name
    );
    return segments;
}

struct Case {
    std::string group;
    std::string query;
    Bm25Op op = Bm25Op::kOr;
    std::uint32_t edits = 0;
    std::vector<std::string> words;
};

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

struct Command {
    const char* name;
    std::uint32_t k;
    bool count;
};

constexpr Command kCommands[] = {
    {"TOP_10", 10, false},
    {"TOP_100", 100, false},
    {"TOP_10_COUNT", 10, true},
    {"COUNT", 0, true}};

class Runner {
public:
    explicit Runner(const std::vector<Segment>& segments) {
        for (const Segment& segment : segments) {
            inputs_.push_back({segment.text.get()});
        }
        searcher_ = std::make_unique<Bm25Searcher>(inputs_);
    }

    Bm25Result run(const Case& test, const Command& command) {
        words_.assign(test.words.begin(), test.words.end());
        if (test.edits != 0) {
            expand(test);
        }
        return must(searcher_->search({test.op, words_}, command.k, command.count));
    }

private:
    void expand(const Case& test) {
        words_.clear();
        for (const Bm25Segment& segment : inputs_) {
            segment.text->fuzzy(test.words[0], {test.edits}, [&](const FuzzyMatch& match) {
                words_.push_back(match.term);
                return true;
            });
        }
        std::sort(words_.begin(), words_.end());
        words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
    }

    std::vector<Bm25Segment> inputs_;
    std::unique_ptr<Bm25Searcher> searcher_;
    std::vector<std::string_view> words_;
};

void measure(
    Runner& runner,
    const std::vector<Case>& cases,
    const Command& command,
    int runs,
    std::FILE* out
) {
    std::vector<const Case*> order;
    for (const Case& test : cases) {
        if (test.edits == 0 || command.k == 0) {
            order.push_back(&test);
        }
    }
    std::shuffle(order.begin(), order.end(), std::mt19937(2));
    std::vector<std::vector<double>> times(order.size());
    std::vector<Bm25Result> results(order.size());
    for (int round = -1; round < runs; ++round) {
        for (std::size_t i = 0; i < order.size(); ++i) {
            double start = cpu_seconds();
            results[i] = runner.run(*order[i], command);
            if (round >= 0) {
                times[i].push_back((cpu_seconds() - start) * 1e6);
            }
        }
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        std::sort(times[i].begin(), times[i].end());
        double sum = 0;
        for (const Bm25Hit& hit : results[i].hits) {
            sum += static_cast<double>(hit.score);
        }
        std::fprintf(
            out,
            "%s\t%s\t%s\t%lu\t%.4f\t%.1f\t%.1f\t%.1f\n",
            command.name,
            order[i]->group.c_str(),
            order[i]->query.c_str(),
            results[i].count,
            sum,
            times[i].front(),
            times[i][times[i].size() / 2],
            times[i].back()
        );
    }
}

int run(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(
            stderr,
            "usage: search_bench corpus.tsv queries.tsv RUNS out.tsv [--segments]\n"
        );
        return 2;
    }
    const bool keep_segments = argc > 5 && std::string_view(argv[5]) == "--segments";
    std::vector<Segment> segments = build_index(argv[1], keep_segments);
    const std::string text = read_file(argv[2]);
    std::vector<Case> cases;
    for (std::string_view rest = text; !rest.empty();) {
        cases.push_back(parse_case(take_line(rest)));
    }
    std::FILE* out = std::fopen(argv[4], "w");
    if (out == nullptr) {
        fail(std::string("cannot write ") + argv[4]);
    }
    Runner runner(segments);
    for (const Command& command : kCommands) {
        measure(runner, cases, command, std::max(1, std::atoi(argv[3])), out);
    }
    std::fclose(out);
    return 0;
}

}  // namespace
}  // namespace kumo::search

int main(int argc, char** argv) {
    return kumo::search::run(argc, argv);
}
