// How good what is found is, over collections in files of a document a line:
//     quality_bench judged NAME CORPUS QUERIES QRELS
//     quality_bench titles NAME DOCUMENTS
//     quality_bench pieces NAME DOCUMENTS
//     quality_bench infix [TERMS]
// judged: documents and queries have `id`, `title` (may be missing) and `text`; QRELS are lines of
// query, document, grade. nDCG@10 (gain 2^grade - 1, discount log2(rank + 1)) of our search by BM25
// over title and text with stems, of our usual ranking, and of the text-book's: BM25 (k1 1.2, b
// 0.75) over words of letters and digits, without 33 stop words, stemmed by Snowball's English.
// titles: how many of 1,000 titles are found first when they have one or two random typos.
// pieces: for 1,000 pieces of two to five characters of a text in a script without spaces, how many
// of the first ten hits have the piece, and how many documents are found for each that has it.
// infix: milliseconds to look for a part of a word among that many different words.

#include "base/random.h"
#include "search/index/index.h"
#include "search/query/search.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <libstemmer.h>

using namespace kumo;          // NOLINT(google-build-using-namespace): a program of one file
using namespace kumo::search;  // NOLINT(google-build-using-namespace): as above

namespace {

constexpr std::size_t kSamples = 1000;
constexpr std::size_t kRanks = 10;

struct Text {
    std::string id;
    std::string title;
    std::string text;
};

std::string joined(wire::JsonValue value) {
    if (value && value.is_string()) {
        return std::string(value.as_string());
    }
    std::string out;
    if (value && value.is_array()) {
        for (const wire::JsonValue line : value.as_array()) {
            out.append(line.is_string() ? line.as_string() : "").append("\n");
        }
    }
    return out;
}

std::vector<Text> read_texts(const char* path, std::string_view text) {
    std::ifstream in(path);
    std::vector<Text> out;
    std::string line;
    while (std::getline(in, line)) {
        const auto json = wire::JsonDocument::parse(line);
        if (!json.ok()) {
            std::cerr << path << ": " << json.error().message << "\n";
            std::exit(1);  // NOLINT(concurrency-mt-unsafe): there is one thread
        }
        const wire::JsonValue root = json.value().root();
        out.push_back({joined(root.find("id")), joined(root.find("title")), joined(root.find(text))}
        );
    }
    return out;
}

/// An index of texts: fields 0 and 1 are title and text.
class Searcher {
public:
    explicit Searcher(bool stem) {
        Schema schema;
        for (const char* name : {"title", "text"}) {
            Field field;
            field.name = name;
            field.stem = stem;
            schema.fields.push_back(field);
        }
        index_ = std::make_unique<Index>(
            std::make_shared<const Schema>(schema),
            Manifest{},
            std::vector<std::shared_ptr<const SegmentReader>>{}
        );
        request.fields.push_back({.field = 0, .weight = 15});
        request.fields.push_back({.field = 1, .weight = 14});
        request.limit = kRanks;
        request.time_limit = std::chrono::hours(1);
    }

    void add(const std::vector<Text>& texts) {
        for (const Text& text : texts) {
            std::string json;
            wire::JsonWriter out(json);
            out.begin_object().key("id").string(text.id).key("title").string(text.title);
            out.key("text").string(text.text).end_object();
            (void)index_->write(WriteAction::kUpsert, json, DirtyValues::kReject);
        }
        index_->publish(1);
        const auto job = index_->begin_seal();
        file_ = job.run().value();
        index_->finish_seal(open_segment(index_->schema(), file_, nullptr).value());
    }

    SearchResult run(const std::string& q) {
        request.q = q;
        return kumo::search::search(*index_->snapshot(), request, system_clock()).value();
    }

    static std::string value_of(const Hit& hit, std::string_view name) {
        const auto json = wire::JsonDocument::parse(hit.document);
        return std::string(json.value().root().find(name).as_string());
    }

    SearchRequest request;

private:
    std::string file_;
    std::unique_ptr<Index> index_;
};

// ---- judged collections

using Grades = std::map<std::string, std::map<std::string, int>>;  ///< By query, by document.

Grades read_grades(const char* path) {
    std::ifstream in(path);
    Grades out;
    std::string query;
    std::string document;
    std::string grade;
    while (in >> query >> document >> grade) {
        if (grade.find_first_not_of("0123456789") == std::string::npos) {
            out[query][document] = std::stoi(grade);
        }
    }
    return out;
}

double ndcg(const std::vector<std::string>& ranked, const std::map<std::string, int>& grades) {
    const auto gain = [](int grade, std::size_t rank) {
        return (std::pow(2, grade) - 1) / std::log2(static_cast<double>(rank) + 2);
    };
    std::vector<int> best;
    best.reserve(grades.size());
    for (const auto& [document, grade] : grades) {
        best.push_back(grade);
    }
    std::sort(best.rbegin(), best.rend());
    double ideal = 0;
    for (std::size_t i = 0; i < std::min(best.size(), kRanks); ++i) {
        ideal += gain(best[i], i);
    }
    double got = 0;
    for (std::size_t i = 0; i < std::min(ranked.size(), kRanks); ++i) {
        const auto at = grades.find(ranked[i]);
        got += at == grades.end() ? 0 : gain(at->second, i);
    }
    return ideal > 0 ? got / ideal : 0;
}

const std::unordered_set<std::string>& stop_words() {
    static const std::unordered_set<std::string> kWords = {
        "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
        "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
        "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};
    return kWords;
}

/// The text-book's BM25, as simple as can be.
class TextBook {
public:
    explicit TextBook(const std::vector<Text>& texts) {
        for (const Text& text : texts) {
            std::unordered_map<std::string, int> counts;
            std::size_t length = 0;
            for (const std::string& word : words_of(text.title + " " + text.text)) {
                ++counts[word];
                ++length;
            }
            for (const auto& [word, count] : counts) {
                postings_[word].emplace_back(ids_.size(), count);
            }
            ids_.push_back(text.id);
            lengths_.push_back(static_cast<double>(length));
            average_ += static_cast<double>(length);
        }
        average_ /= static_cast<double>(std::max<std::size_t>(ids_.size(), 1));
    }

    std::vector<std::string> run(const std::string& query) {
        std::vector<double> scores(ids_.size());
        const auto n = static_cast<double>(ids_.size());
        for (const std::string& word : words_of(query)) {
            const auto& postings = postings_[word];
            const auto df = static_cast<double>(postings.size());
            const double idf = std::log(1 + (n - df + 0.5) / (df + 0.5));
            for (const auto& [doc, count] : postings) {
                const double tf = count;
                scores[doc] += idf * tf / (tf + 1.2 * (0.25 + 0.75 * lengths_[doc] / average_));
            }
        }
        std::vector<std::size_t> order(ids_.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            order[i] = i;
        }
        const std::size_t keep = std::min(kRanks, order.size());
        std::partial_sort(
            order.begin(),
            order.begin() + static_cast<std::ptrdiff_t>(keep),
            order.end(),
            [&](std::size_t a, std::size_t b) {
                return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
            }
        );
        std::vector<std::string> out;
        for (std::size_t i = 0; i < keep && scores[order[i]] > 0; ++i) {
            out.push_back(ids_[order[i]]);
        }
        return out;
    }

private:
    std::vector<std::string> words_of(const std::string& text) {
        std::vector<std::string> out;
        std::string word;
        for (const char c : text + " ") {
            const auto byte = static_cast<unsigned char>(c);
            if (byte < 0x80 && std::isalnum(byte) != 0) {
                word += static_cast<char>(std::tolower(byte));
            } else if (byte >= 0x80) {
                word += c;
            } else if (!word.empty()) {
                if (!stop_words().contains(word)) {
                    const auto* stemmed = sb_stemmer_stem(
                        stemmer_.get(),
                        reinterpret_cast<const sb_symbol*>(word.data()),
                        static_cast<int>(word.size())
                    );
                    out.emplace_back(reinterpret_cast<const char*>(stemmed));
                }
                word.clear();
            }
        }
        return out;
    }

    std::unique_ptr<sb_stemmer, decltype(&sb_stemmer_delete)> stemmer_{
        sb_stemmer_new("english", nullptr),
        &sb_stemmer_delete};
    std::unordered_map<std::string, std::vector<std::pair<std::size_t, int>>> postings_;
    std::vector<std::string> ids_;
    std::vector<double> lengths_;
    double average_ = 0;
};

int judged(const char* name, const char* corpus, const char* queries, const char* qrels) {
    const std::vector<Text> texts = read_texts(corpus, "text");
    const Grades grades = read_grades(qrels);
    Searcher ours(true);
    ours.add(texts);
    TextBook book(texts);
    std::map<std::string, double> sums;
    double count = 0;
    const auto ranked = [&](TextMatchType type, const std::string& q) {
        ours.request.match.text_match_type = type;
        std::vector<std::string> out;
        for (const Hit& hit : ours.run(q).hits) {
            out.push_back(Searcher::value_of(hit, "id"));
        }
        return out;
    };
    for (const Text& query : read_texts(queries, "text")) {
        const auto judged = grades.find(query.id);
        if (judged == grades.end()) {
            continue;
        }
        ++count;
        sums["bm25"] += ndcg(ranked(TextMatchType::kBm25, query.text), judged->second);
        sums["max_score"] += ndcg(ranked(TextMatchType::kMaxScore, query.text), judged->second);
        sums["text-book"] += ndcg(book.run(query.text), judged->second);
    }
    std::cout << name << ": nDCG@10 over " << count << " queries:";
    for (const auto& [what, sum] : sums) {
        std::cout << "  " << what << " " << std::round(sum / count * 1e4) / 1e4;
    }
    std::cout << std::endl;
    return 0;
}

// ---- typos

/// Changes, inserts, drops or swaps letters: one edit inside a word of four letters or more.
std::string with_typo(std::string text, Random& random) {
    std::vector<std::size_t> places;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])) != 0) {
            continue;
        }
        for (std::size_t at = begin; i - begin >= 4 && at + 1 < i; ++at) {
            places.push_back(at);
        }
        begin = i + 1;
    }
    if (places.empty()) {
        return text;
    }
    const std::size_t at = places[random.below(places.size())];
    const char letter = static_cast<char>('a' + random.below(26));
    switch (random.below(4)) {
        case 0: text[at] = letter; break;
        case 1: text.insert(at, 1, letter); break;
        case 2: text.erase(at, 1); break;
        default: std::swap(text[at], text[at + 1]); break;
    }
    return text;
}

int titles(const char* name, const char* documents) {
    std::vector<Text> texts = read_texts(documents, "title");
    for (Text& text : texts) {
        text.text.clear();
    }
    Searcher ours(false);
    ours.add(texts);
    ours.request.fields.resize(1);
    ours.request.limit = 1;
    SeededRandom random(1);
    std::array<std::size_t, 3> first{};
    for (std::size_t typos = 1; typos <= 2; ++typos) {
        for (std::size_t i = 0; i < kSamples;) {
            const std::string& title = texts[random.below(texts.size())].title;
            std::string query = with_typo(title, random);
            if (typos == 2) {
                query = with_typo(query, random);
            }
            if (query == title) {
                continue;
            }
            ++i;
            const auto result = ours.run(query);
            first[typos] +=
                !result.hits.empty() && Searcher::value_of(result.hits[0], "title") == title ? 1
                                                                                             : 0;
        }
    }
    std::cout << name << ": of 1000 titles found first: " << first[1] << " with one typo, "
              << first[2] << " with two\n";
    return 0;
}

// ---- scripts without spaces

/// Pieces of `length` neighbouring characters, each of three bytes.
std::string piece_of(const std::string& text, std::size_t length, Random& random) {
    for (int tries = 0; tries < 100 && !text.empty(); ++tries) {
        const std::size_t at = random.below(text.size());
        const auto is_character = [&](std::size_t i) {
            return i + 3 <= text.size() && (static_cast<unsigned char>(text[i]) & 0xF0U) == 0xE0U
                   && text.compare(i, 2, "\xE3\x80") != 0 && text.compare(i, 2, "\xEF\xBC") != 0;
        };
        std::size_t good = 0;
        while (good < length && is_character(at + 3 * good)) {
            ++good;
        }
        if (good == length) {
            return text.substr(at, 3 * length);
        }
    }
    return {};
}

int pieces(const char* name, const char* documents) {
    const std::vector<Text> texts = read_texts(documents, "paragraphs");
    Searcher ours(false);
    ours.add(texts);
    SeededRandom random(1);
    std::size_t hits = 0;
    std::size_t good = 0;
    double ratios = 0;
    double missed = 0;
    double spent = 0;
    for (std::size_t i = 0; i < kSamples; ++i) {
        const std::string piece =
            piece_of(texts[random.below(texts.size())].text, 2 + random.below(4), random);
        if (piece.empty()) {
            continue;
        }
        const auto has_piece = [&](const Text& text) {
            return text.text.find(piece) != std::string::npos
                   || text.title.find(piece) != std::string::npos;
        };
        const auto having = std::count_if(texts.begin(), texts.end(), has_piece);
        const auto before = std::clock();
        const SearchResult result = ours.run(piece);
        spent += static_cast<double>(std::clock() - before);
        ratios += static_cast<double>(result.found) / static_cast<double>(having);
        missed += static_cast<double>(result.found) < static_cast<double>(having) ? 1 : 0;
        for (const Hit& hit : result.hits) {
            ++hits;
            good +=
                has_piece({"", Searcher::value_of(hit, "title"), Searcher::value_of(hit, "text")})
                    ? 1
                    : 0;
        }
    }

    const double share = static_cast<double>(good) / static_cast<double>(hits);
    std::cout << name << ": of the first ten hits for a piece " << std::round(1e4 * share) / 100
              << " % have it; found for one that has it "
              << std::round(ratios / kSamples * 100) / 100 << "; too few found " << missed
              << " times; " << std::round(spent / CLOCKS_PER_SEC / kSamples * 1e6) << " us each\n";
    return 0;
}

// ---- infixes

int infixes(std::size_t terms) {
    SeededRandom random(1);
    std::vector<Text> texts;
    for (std::size_t i = 0; i < terms; i += 100) {
        Text text;
        text.id = std::to_string(i);
        for (std::size_t word = 0; word < 100; ++word) {
            const std::size_t length = 6 + random.below(8);
            for (std::size_t letter = 0; letter < length; ++letter) {
                text.text += static_cast<char>('a' + random.below(26));
            }
            text.text += " ";
        }
        texts.push_back(std::move(text));
    }
    Searcher ours(false);
    ours.add(texts);
    ours.request.fields.erase(ours.request.fields.begin());
    ours.request.fields[0].infix = InfixMode::kAlways;
    ours.request.fields[0].num_typos = 0;
    ours.request.match.split_join_tokens = SplitJoin::kOff;
    const auto start = std::clock();
    std::uint64_t found = 0;
    constexpr int kQueries = 20;
    for (int i = 0; i < kQueries; ++i) {
        found += ours.run({static_cast<char>('a' + i), 'q', 'x', 'e'}).found;
    }
    std::cout << "infix: " << terms << " words: "
              << static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / kQueries * 1e3
              << " ms a query, " << found / kQueries << " documents found\n";
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv, argv + argc);
    const std::string what = argc > 1 ? arguments[1] : "";
    if (what == "judged" && argc == 6) {
        return judged(argv[2], argv[3], argv[4], argv[5]);
    }
    if (what == "titles" && argc == 4) {
        return titles(argv[2], argv[3]);
    }
    if (what == "pieces" && argc == 4) {
        return pieces(argv[2], argv[3]);
    }
    if (what == "infix") {
        return infixes(argc > 2 ? std::stoul(arguments[2]) : 1'000'000);
    }
    std::cerr << "usage: see the beginning of bench/quality/quality_bench.cc\n";
    return 2;
}
