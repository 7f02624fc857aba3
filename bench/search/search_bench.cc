// kumosearch's side of the search benchmark:
//
//   search_bench corpus.tsv queries.tsv RUNS out.tsv [--segments]
//
// The text index alone: index_bench has the whole. Indexes the corpus through the live segment
// (sealed every 128 k documents), merges the segments into one unless --segments is given, and
// answers every query RUNS times; with 0 it only says what the index takes. Times are CPU time of
// the thread. The output's columns are those of compare.py.

#include "bench_support.h"
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
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {
namespace {

using bench::cpu_seconds;
using bench::fail;
using bench::must;
using bench::read_file;
using bench::split;
using bench::take_line;

constexpr int kColumnsBeforeText = 8;
constexpr DocId kDocsPerSegment = 128 * 1024;
constexpr const char* kField = "text.";

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
        "kumosearch: %.1f MB sealed, %.2f B/token (target 3), live %.2f B/token, "
        "%zu segment(s), %s kernels\n",
        static_cast<double>(bytes) / 1e6,
        static_cast<double>(bytes) / static_cast<double>(times.tokens),
        static_cast<double>(times.live_bytes) / static_cast<double>(times.tokens),
        segments.size(),
        kernels().name
    );
    return segments;
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

    bench::Answer run(const bench::Case& test, const Command& command) {
        words_.assign(test.words.begin(), test.words.end());
        if (test.is_fuzzy()) {
            bench::expand(test, inputs_, words_);
        }
        const Bm25Result result =
            must(searcher_->search({test.op, words_}, command.k, command.count));
        bench::Answer answer{result.count};
        for (const Bm25Hit& hit : result.hits) {
            answer.sum += static_cast<double>(hit.score);
        }
        return answer;
    }

private:
    std::vector<Bm25Segment> inputs_;
    std::unique_ptr<Bm25Searcher> searcher_;
    std::vector<std::string_view> words_;
};

int run(int argc, char** argv) {
    const int runs = argc < 4 ? -1 : bench::number_of(argv[3]);
    if (runs < 0 || (runs > 0 && argc < 5)) {
        std::cerr << "usage: search_bench corpus.tsv queries.tsv RUNS out.tsv [--segments]\n";
        return 2;
    }
    const bool keep_segments = argc > 5 && std::string_view(argv[5]) == "--segments";
    std::vector<Segment> segments = build_index(argv[1], keep_segments);
    if (runs == 0) {
        return 0;
    }
    const std::vector<bench::Case> cases = bench::read_cases(argv[2]);
    std::ofstream out(argv[4]);
    if (!out) {
        fail(std::string("cannot write ") + argv[4]);
    }
    Runner runner(segments);
    for (const Command& command : kCommands) {
        std::vector<const bench::Case*> asked;
        for (const bench::Case& test : cases) {
            if (!test.is_fuzzy() || command.k == 0) {
                asked.push_back(&test);
            }
        }
        const auto ask = [&](const bench::Case& test) {
            return runner.run(test, command);
        };
        bench::measure(command.name, asked, runs, ask, out);
    }
    return 0;
}

}  // namespace
}  // namespace kumo::search

int main(int argc, char** argv) {
    return kumo::search::run(argc, argv);
}
