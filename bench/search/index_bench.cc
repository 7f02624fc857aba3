// kumosearch's side of the search benchmark, on a whole index: text, columns, stored documents.
//
//   index_bench corpus.tsv queries.tsv RUNS out.tsv [--spread]
//
// Writes every line of the corpus as a JSON document through search::Index, which seals and merges
// as a server has it do, and in the end merges all into one segment. With --spread the documents
// stay in 8 segments, one in 20 of each is deleted (copies, so that what is found stays the same),
// and while queries run another thread writes documents that none of them finds. Times are CPU time
// of the thread that asks. The output's columns are those of compare.py.

#include "search/index/index.h"

#include "bench_support.h"
#include "search/query/facets.h"
#include "search/query/matched_search.h"
#include "search/query/ranking.h"
#include "search/query/search.h"
#include "search/text/bm25.h"
#include "search/text/internal/kernels.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace kumo::search {
namespace {

using bench::Answer;
using bench::Case;
using bench::must;

constexpr std::size_t kSegments = 8;
constexpr std::size_t kDeletedOneIn = 20;
constexpr std::size_t kDocsPerPublish = 40;
constexpr std::size_t kWrittenPerSecond = 500;

/// The documents' fields, in the order of the schema's.
constexpr std::array<bench::CorpusField, 8> kFields = {
    bench::kText,
    bench::kProject,
    bench::kComponent,
    bench::kKind,
    bench::kLanguage,
    bench::kAuthor,
    bench::kYear,
    bench::kTimestamp};
constexpr std::array<const char*, 8> kNames =
    {"text", "project", "component", "kind", "lang", "author", "year", "timestamp"};

std::size_t field_of(bench::CorpusField field) {
    return static_cast<std::size_t>(
        std::find(kFields.begin(), kFields.end(), field) - kFields.begin()
    );
}

std::shared_ptr<const Schema> make_schema() {
    Schema schema;
    for (std::size_t i = 0; i < kFields.size(); ++i) {
        Field field;
        field.name = kNames[i];
        if (kFields[i] == bench::kYear || kFields[i] == bench::kTimestamp) {
            field.type = ValueType::kInt64;
            field.sort = true;
        } else {
            field.facet = kFields[i] != bench::kText;
        }
        schema.fields.push_back(field);
    }
    return std::make_shared<const Schema>(schema);
}

std::string document_of(std::string_view line, std::string_view id_prefix) {
    const std::vector<std::string_view> values = bench::split_line(line);
    std::string out;
    wire::JsonWriter json(out);
    json.begin_object().key("id").string(std::string(id_prefix) + std::string(values[bench::kId]));
    for (std::size_t i = 0; i < kFields.size(); ++i) {
        const std::string_view value = values[kFields[i]];
        json.key(kNames[i]);
        if (kFields[i] == bench::kYear || kFields[i] == bench::kTimestamp) {
            json.raw(value);
        } else {
            json.string(value);
        }
    }
    json.end_object();
    return out;
}

/// An index and the files of its segments. One thread.
class Corpus {
public:
    explicit Corpus(const IndexLimits& limits) : index_(make_schema(), Manifest{}, {}, limits) {}

    Index& index() { return index_; }

    void write(std::string_view json) {
        must(index_.write(WriteAction::kUpsert, json, DirtyValues::kReject));
        if (++written_ % kDocsPerPublish == 0) {
            index_.publish(written_);
            if (index_.wants_seal()) {
                seal();
            }
        }
    }

    void publish() { index_.publish(written_); }

    void seal() {
        publish();
        const auto job = index_.begin_seal();
        index_.finish_seal(keep(job.segment_id, must(job.run())));
    }

    void merge(bool all) {
        while (const auto job = index_.begin_merge(all)) {
            index_.finish_merge(*job, keep(job->segment_id, must(job->run())));
            for (const std::uint64_t id : job->input_ids) {
                files_.erase(id);
            }
        }
    }

    std::uint64_t bytes() const {
        std::uint64_t sum = 0;
        for (const auto& [id, bytes] : files_) {
            sum += bytes->size();
        }
        return sum;
    }

private:
    std::shared_ptr<const SegmentReader> keep(std::uint64_t id, std::string bytes) {
        files_[id] = std::make_shared<const std::string>(std::move(bytes));
        return must(open_segment(index_.schema(), *files_[id], files_[id]));
    }

    Index index_;
    std::map<std::uint64_t, std::shared_ptr<const std::string>> files_;
    std::uint64_t written_ = 0;
};

std::size_t count_lines(std::string_view text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void build(Corpus& corpus, std::string_view lines, bool spread) {
    const std::size_t docs = count_lines(lines);
    std::vector<std::string> deleted;
    double spent = 0;
    const double start = bench::cpu_seconds();
    std::size_t n = 0;
    for (std::string_view rest = lines; !rest.empty(); ++n) {
        const std::string_view line = bench::take_line(rest);
        const double before = bench::cpu_seconds();
        const std::string json = document_of(line, "");
        spent += bench::cpu_seconds() - before;  // making documents is no work of the index
        corpus.write(json);
        if (!spread) {
            corpus.merge(false);
            continue;
        }
        if (n % kDeletedOneIn == 0) {
            corpus.write(document_of(line, "copy-"));
            deleted.push_back("copy-" + std::string(bench::split_line(line)[bench::kId]));
        }
        if ((n + 1) % ((docs + kSegments - 1) / kSegments) == 0 || rest.empty()) {
            corpus.seal();
        }
    }
    corpus.publish();
    if (!spread && corpus.index().wants_seal(true)) {
        corpus.seal();
    }
    const double indexed = bench::cpu_seconds() - start - spent;
    if (!spread) {
        corpus.merge(true);
    }
    for (const std::string& id : deleted) {
        must(corpus.index().erase(id));
    }
    corpus.publish();
    const double all = bench::cpu_seconds() - start - spent;
    std::printf(
        "kumosearch: %zu documents with columns and stored fields, %.2f CPU-s (%.0f documents/s), "
        "merged into %zu segment(s) %.2f CPU-s; %.1f MB, %s kernels\n",
        docs,
        indexed,
        static_cast<double>(docs) / indexed,
        corpus.index().snapshot()->parts.size(),
        all,
        static_cast<double>(corpus.bytes()) / 1e6,
        kernels().name
    );
}

Filter range_filter(std::size_t field, std::int64_t low, std::int64_t high) {
    Filter filter;
    filter.kind = Filter::Kind::kRange;
    filter.field = field;
    filter.ranges = {{low, high}};
    return filter;
}

/// kind:=code && year:[2005..2015]
Filter two_filters() {
    Filter kind;
    kind.kind = Filter::Kind::kExact;
    kind.field = field_of(bench::kKind);
    kind.text = "code";
    Filter both;
    both.kind = Filter::Kind::kAnd;
    both.children = {kind, range_filter(field_of(bench::kYear), 2005, 2015)};
    return both;
}

/// Answers queries on a snapshot of the moment.
class Asker {
public:
    explicit Asker(const Index& index)
        : index_(index), filter_(two_filters()), analyzer_(index.schema()) {}

    Answer top(const Case& test, std::uint32_t k, bool count, bool filtered) {
        open(filtered);
        return summed(bm25(test, k, count));
    }

    Answer sorted(const Case& test) {
        open(false);
        SearchRequest request;
        request.sort.push_back({.by = SortKey::By::kField, .field = field_of(bench::kTimestamp)});
        find_all(test);
        const HitOrder order(*snapshot_, request, false, nullptr, nullptr);
        Answer answer;
        for (const RankedHit& hit : first(rank(order, {matches_, false}, 10), 10)) {
            const ColumnReader& column =
                *snapshot_->parts[hit.part].segment->columns[request.sort[0].field];
            answer.sum += static_cast<double>(column.first(hit.doc).value_or(0));
        }
        return answer;
    }

    Answer facets(const Case& test, bool top) {
        open(false);
        Answer answer = top ? summed(bm25(test, 10, true)) : Answer{};
        find_all(test);
        if (!top) {
            for (const PartMatches& part : matches_) {
                answer.count += part.matched.count();
            }
        }
        for (const bench::CorpusField field : {bench::kComponent, bench::kAuthor}) {
            const FacetRequest request{.field = field_of(field)};
            const FacetResult result =
                count_facet(*snapshot_, matches_, request, 10, analyzer_, nullptr);
            for (const FacetValue& value : result.counts) {
                answer.sum += static_cast<double>(value.count);
            }
        }
        return answer;
    }

private:
    static std::vector<RankedHit> first(std::vector<RankedHit> hits, std::size_t count) {
        hits.resize(std::min(hits.size(), count));
        return hits;
    }

    void open(bool filtered) {
        snapshot_ = index_.snapshot();
        allowed_.clear();
        inputs_.clear();
        for (const Snapshot::Part& part : snapshot_->parts) {
            Bm25Segment input{part.segment->texts[0].get(), part.deleted.pages()};
            if (filtered) {
                allowed_.push_back(live_matches(part, filter_, analyzer_));
                input = {part.segment->texts[0].get(), {}, allowed_.back().words()};
            }
            inputs_.push_back(input);
        }
        searcher_ = std::make_unique<Bm25Searcher>(inputs_);
    }

    Bm25Query query_of(const Case& test) {
        words_.assign(test.words.begin(), test.words.end());
        if (test.is_fuzzy()) {
            bench::expand(test, inputs_, words_);
        }
        return {test.op, words_};
    }

    Bm25Result bm25(const Case& test, std::uint32_t k, bool count) {
        return must(searcher_->search(query_of(test), k, count));
    }

    static Answer summed(const Bm25Result& result) {
        Answer answer{result.count};
        for (const Bm25Hit& hit : result.hits) {
            answer.sum += static_cast<double>(hit.score);
        }
        return answer;
    }

    void find_all(const Case& test) {
        matches_.clear();
        std::vector<std::uint64_t*> words;
        for (const Snapshot::Part& part : snapshot_->parts) {
            PartMatches& matches = matches_.emplace_back();
            matches.matched = Bitmap(part.segment->doc_count);
        }
        for (PartMatches& matches : matches_) {
            words.push_back(matches.matched.words());
        }
        must(searcher_->matches(query_of(test), words));
    }

    const Index& index_;
    const Filter filter_;
    const SchemaAnalyzer analyzer_;
    std::shared_ptr<const Snapshot> snapshot_;
    std::vector<Bitmap> allowed_;
    std::vector<Bm25Segment> inputs_;
    std::unique_ptr<Bm25Searcher> searcher_;
    std::vector<std::string_view> words_;
    std::vector<PartMatches> matches_;
};

/// Writes documents that no query finds, again and again, at a steady rate.
class Writer {
public:
    explicit Writer(Corpus& corpus) : corpus_(corpus), thread_([this] { run(); }) {}

    ~Writer() {
        stop_ = true;
        thread_.join();
    }

    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

private:
    void run() {
        const std::string line = "\tnone\tnone\tnone\tnone\tnone\t0\t0\tzzzzwritten zzzzmeanwhile";
        for (std::size_t n = 0; !stop_; ++n) {
            corpus_.write(document_of("w" + std::to_string(n % 10'000) + line, ""));
            if (n % kDocsPerPublish == 0) {
                std::this_thread::sleep_for(
                    std::chrono::milliseconds(1000 * kDocsPerPublish / kWrittenPerSecond)
                );
            }
        }
    }

    Corpus& corpus_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

std::vector<const Case*> choose(const std::vector<Case>& cases, const std::string& command) {
    const bool aggregate = command == "FILTER_TOP_10" || command == "SORT_10"
                           || command.find("FACET") != std::string::npos;
    std::vector<const Case*> out;
    for (const Case& test : cases) {
        const bool plain =
            test.group == "union" || test.group == "intersection" || test.group.starts_with("term");
        const bool fits = command == "COUNT" || test.is_fuzzy() == (command == "FUZZY_TOP_10");
        if (aggregate ? plain : fits) {
            out.push_back(&test);
        }
    }
    return out;
}

int run(int argc, char** argv) {
    if (argc < 5) {
        std::cerr << "usage: index_bench corpus.tsv queries.tsv RUNS out.tsv [--spread]\n";
        return 2;
    }
    const bool spread = argc > 5 && std::string_view(argv[5]) == "--spread";
    IndexLimits limits;
    if (spread) {
        limits = {UINT32_MAX, SIZE_MAX, UINT32_MAX, SIZE_MAX};
    }
    Corpus corpus(limits);
    build(corpus, bench::read_file(argv[1]), spread);
    const std::vector<Case> cases = bench::read_cases(argv[2]);
    std::ofstream out(argv[4]);
    if (!out) {
        bench::fail(std::string("cannot write ") + argv[4]);
    }
    const auto writer = spread ? std::make_unique<Writer>(corpus) : nullptr;
    Asker asker(corpus.index());
    const std::vector<std::pair<const char*, std::function<Answer(const Case&)>>> commands = {
        {"TOP_10",
         [&](const Case& test) {
             return asker.top(test, 10, false, false);
         }},
        {"TOP_100",
         [&](const Case& test) {
             return asker.top(test, 100, false, false);
         }},
        {"TOP_10_COUNT",
         [&](const Case& test) {
             return asker.top(test, 10, true, false);
         }},
        {"COUNT",
         [&](const Case& test) {
             return asker.top(test, 0, true, false);
         }},
        {"FUZZY_TOP_10",
         [&](const Case& test) {
             return asker.top(test, 10, false, false);
         }},
        {"FILTER_TOP_10",
         [&](const Case& test) {
             return asker.top(test, 10, false, true);
         }},
        {"SORT_10",
         [&](const Case& test) {
             return asker.sorted(test);
         }},
        {"FACET",
         [&](const Case& test) {
             return asker.facets(test, false);
         }},
        {"TOP_10_FACET",
         [&](const Case& test) {
             return asker.facets(test, true);
         }},
    };
    for (const auto& [name, ask] : commands) {
        bench::measure(name, choose(cases, name), std::max(1, bench::number_of(argv[3])), ask, out);
    }
    return 0;
}

}  // namespace
}  // namespace kumo::search

int main(int argc, char** argv) {
    return kumo::search::run(argc, argv);
}
