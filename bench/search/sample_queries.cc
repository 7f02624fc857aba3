// Draws the benchmark's queries from a corpus:   sample_queries corpus.tsv > queries.tsv
//
// The method is that of search-benchmark-game: word sequences that really occur, as AND, OR and
// phrase, with as much weight in each bucket of result size as the game's logged web queries have;
// two, three and more words in its proportions. Then single words, pairs and five words by
// document frequency (luceneutil's high, medium, low), and misspelt words. One line each: the
// group, a tab, the query ("+a +b" all, "a b" any, quoted phrase, "word~2" fuzzy).

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using Rng = std::mt19937_64;

constexpr int kColumnsBeforeText = 8;
constexpr std::uint64_t kSeed = 42;
constexpr std::size_t kCandidatesMax = 24000;
constexpr std::size_t kBandQueries = 40;

struct Corpus {
    std::string bytes;
    std::vector<std::string_view> terms;
    std::vector<std::uint32_t> df;
    std::vector<std::uint32_t> tokens;
    std::vector<std::uint64_t> starts{0};  // of documents in tokens

    std::size_t docs() const { return starts.size() - 1; }

    double share(std::uint32_t term) const {
        return static_cast<double>(df[term]) / static_cast<double>(docs());
    }

    std::string text(std::uint32_t term) const { return std::string(terms[term]); }

    bool is_word(std::uint32_t term) const {
        std::string_view text = terms[term];
        return (text.size() > 1 || text == "a")
               && std::all_of(text.begin(), text.end(), [](char c) {
                      return c >= 'a' && c <= 'z';
                  });
    }
};

/// Calls visit(token) for each blank-separated token of the line's last column.
template <typename Visit>
void for_tokens(std::string_view line, Visit visit) {
    for (int i = 0; i < kColumnsBeforeText; ++i) {
        line.remove_prefix(line.find('\t') + 1);
    }
    while (!line.empty()) {
        std::size_t end = std::min(line.find(' '), line.size());
        if (end != 0) {
            visit(line.substr(0, end));
        }
        line.remove_prefix(std::min(end + 1, line.size()));
    }
}

Corpus load(const char* path) {
    Corpus corpus;
    std::ifstream in(path, std::ios::binary);
    corpus.bytes.assign(std::istreambuf_iterator<char>(in), {});
    std::unordered_map<std::string_view, std::uint32_t> ids;
    std::vector<std::size_t> last_doc;
    std::string_view rest = corpus.bytes;
    while (!rest.empty()) {
        std::size_t end = std::min(rest.find('\n'), rest.size());
        for_tokens(rest.substr(0, end), [&](std::string_view token) {
            auto [at, fresh] = ids.try_emplace(token, static_cast<std::uint32_t>(ids.size()));
            std::uint32_t id = at->second;
            if (fresh) {
                corpus.terms.push_back(token);
                corpus.df.push_back(0);
                last_doc.push_back(0);
            }
            corpus.tokens.push_back(id);
            if (last_doc[id] != corpus.starts.size()) {
                last_doc[id] = corpus.starts.size();
                ++corpus.df[id];
            }
        });
        corpus.starts.push_back(corpus.tokens.size());
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return corpus;
}

/// A sequence of words and how many documents have it, all of them, and any of them.
struct Candidate {
    std::vector<std::uint32_t> terms;
    std::uint32_t phrase = 0;
    std::uint32_t all = 0;
    std::uint32_t any = 0;
};

std::uint64_t hash_of(const std::uint32_t* terms, std::size_t count) {
    std::uint64_t hash = count;
    for (std::size_t i = 0; i < count; ++i) {
        hash ^= terms[i] + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
        hash *= 0xff51afd7ed558ccdULL;
        hash ^= hash >> 33;
    }
    return hash;
}

std::size_t draw_length(Rng& rng) {
    std::uint64_t percent = rng() % 100;
    return percent < 60 ? 2 : percent < 88 ? 3 : percent < 96 ? 4 : 5;
}

/// Different words, none too rare, one at least telling.
bool makes_a_query(const Corpus& corpus, const std::uint32_t* terms, std::size_t count, Rng& rng) {
    bool telling = false;
    for (std::size_t i = 0; i < count; ++i) {
        if (!corpus.is_word(terms[i]) || corpus.df[terms[i]] < 15
            || std::count(terms, terms + i, terms[i]) != 0) {
            return false;
        }
        telling = telling || (corpus.share(terms[i]) < 0.03 && corpus.terms[terms[i]].size() > 2);
    }
    // Seldom ends with a very common word, not often starts with one.
    return telling && !(corpus.share(terms[count - 1]) > 0.15 && rng() % 20 != 0)
           && !(corpus.share(terms[0]) > 0.15 && rng() % 4 != 0);
}

std::vector<Candidate> draw_candidates(const Corpus& corpus, Rng& rng) {
    std::vector<Candidate> out;
    std::unordered_map<std::uint64_t, std::size_t> known;
    for (int tries = 0; tries < 4'000'000 && out.size() < kCandidatesMax; ++tries) {
        std::size_t doc = rng() % corpus.docs();
        std::uint64_t start = corpus.starts[doc];
        std::uint64_t length = corpus.starts[doc + 1] - start;
        std::size_t count = draw_length(rng);
        if (length < count + 2) {
            continue;
        }
        // Half of them from the document's beginning, where titles are.
        std::uint64_t room =
            rng() % 2 == 0 ? length - count : std::min(length - count, std::uint64_t{16});
        const std::uint32_t* terms = &corpus.tokens[start + rng() % (room + 1)];
        if (makes_a_query(corpus, terms, count, rng)
            && known.try_emplace(hash_of(terms, count), out.size()).second) {
            out.push_back({{terms, terms + count}});
        }
    }
    return out;
}

void count_phrases(const Corpus& corpus, std::vector<Candidate>& candidates) {
    std::unordered_map<std::uint64_t, std::size_t> by_hash;
    std::vector<char> starts_one(corpus.terms.size(), 0);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        by_hash[hash_of(candidates[i].terms.data(), candidates[i].terms.size())] = i;
        starts_one[candidates[i].terms[0]] = 1;
    }
    std::vector<std::size_t> seen(candidates.size(), 0);
    for (std::size_t doc = 0; doc < corpus.docs(); ++doc) {
        for (std::uint64_t at = corpus.starts[doc]; at < corpus.starts[doc + 1]; ++at) {
            std::uint64_t room = corpus.starts[doc + 1] - at;
            for (std::uint64_t n = 2; starts_one[corpus.tokens[at]] != 0 && n <= 5 && n <= room;
                 ++n) {
                auto found = by_hash.find(hash_of(&corpus.tokens[at], n));
                if (found != by_hash.end() && seen[found->second] != doc + 1) {
                    seen[found->second] = doc + 1;
                    ++candidates[found->second].phrase;
                }
            }
        }
    }
}

void count_matches(const Corpus& corpus, std::vector<Candidate>& candidates) {
    std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> postings;
    for (const Candidate& candidate : candidates) {
        for (std::uint32_t term : candidate.terms) {
            postings[term];
        }
    }
    for (std::uint32_t doc = 0; doc < corpus.docs(); ++doc) {
        for (std::uint64_t at = corpus.starts[doc]; at < corpus.starts[doc + 1]; ++at) {
            auto found = postings.find(corpus.tokens[at]);
            if (found != postings.end() && (found->second.empty() || found->second.back() != doc)) {
                found->second.push_back(doc);
            }
        }
    }
    std::vector<std::uint8_t> hits(corpus.docs(), 0);
    for (Candidate& candidate : candidates) {
        for (std::uint32_t term : candidate.terms) {
            for (std::uint32_t doc : postings[term]) {
                candidate.any += hits[doc] == 0 ? 1 : 0;
                candidate.all += ++hits[doc] == candidate.terms.size() ? 1 : 0;
            }
        }
        for (std::uint32_t term : candidate.terms) {
            for (std::uint32_t doc : postings[term]) {
                hits[doc] = 0;
            }
        }
    }
}

void print(const char* group, const std::string& query) {
    std::printf("%s\t%s\n", group, query.c_str());
}

void print_candidate(const Corpus& corpus, const Candidate& candidate) {
    std::string all;
    std::string any;
    for (std::uint32_t term : candidate.terms) {
        std::string space = any.empty() ? "" : " ";
        all += space + "+" + corpus.text(term);
        any += space + corpus.text(term);
    }
    print("intersection", all);
    print("union", any);
    print("phrase", "\"" + any + "\"");
}

/// Prints about 300 candidates, filling buckets of result size and length as logged queries do.
void print_sequences(const Corpus& corpus, const std::vector<Candidate>& candidates) {
    constexpr double kEdges[] = {0, .0025, .011, .034, .10, .30, 1.01};
    constexpr double kBucketShare[] = {.10, .15, .25, .25, .15, .10};
    constexpr double kLengthShare[] = {.66, .28, .06};
    constexpr double kQueries = 300;
    for (int bucket = 0; bucket < 6; ++bucket) {
        for (std::size_t length = 0; length < 3; ++length) {
            long wanted =
                std::max(1L, std::lround(kQueries * kBucketShare[bucket] * kLengthShare[length]));
            for (const Candidate& candidate : candidates) {
                double share = candidate.any / static_cast<double>(corpus.docs());
                bool fits = candidate.all >= 12 && share >= kEdges[bucket]
                            && share < kEdges[bucket + 1]
                            && std::min<std::size_t>(candidate.terms.size(), 4) == length + 2;
                if (fits && wanted-- > 0) {
                    print_candidate(corpus, candidate);
                }
            }
        }
    }
}

struct Bands {
    std::vector<std::uint32_t> high;
    std::vector<std::uint32_t> medium;
    std::vector<std::uint32_t> low;
};

Bands make_bands(const Corpus& corpus, Rng& rng) {
    Bands bands;
    for (std::uint32_t term = 0; term < corpus.terms.size(); ++term) {
        double share = corpus.share(term);
        if (!corpus.is_word(term) || corpus.terms[term].size() < 3 || share < 0.00003) {
            continue;
        }
        (share >= 0.03 ? bands.high : share >= 0.003 ? bands.medium : bands.low).push_back(term);
    }
    for (auto* band : {&bands.high, &bands.medium, &bands.low}) {
        std::shuffle(band->begin(), band->end(), rng);
    }
    return bands;
}

void print_bands(const Corpus& corpus, const Bands& bands) {
    auto pick = [&](const std::vector<std::uint32_t>& band, std::size_t i) {
        return corpus.text(band[i % band.size()]);
    };
    for (std::size_t i = 0; i < kBandQueries; ++i) {
        print("term_high", pick(bands.high, i));
        print("term_med", pick(bands.medium, i));
        print("term_low", pick(bands.low, i));
        std::string high = pick(bands.high, i);
        std::string other = pick(bands.high, i * 7 + 3);
        other = other == high ? pick(bands.high, i * 7 + 4) : other;
        std::string medium = pick(bands.medium, i + 50);
        std::string low = pick(bands.low, i + 50);
        print("and_high_high", "+" + high + " +" + other);
        print("and_high_med", "+" + high + " +" + medium);
        print("and_high_low", "+" + high + " +" + low);
        print("or_high_high", high + " " + other);
        print("or_high_med", high + " " + medium);
        print("or_high_low", high + " " + low);
        print(
            "or_5",
            high + " " + other + " " + medium + " " + low + " " + pick(bands.medium, i + 120)
        );
    }
}

void print_misspelt(const Corpus& corpus, const Bands& bands, Rng& rng) {
    auto change_a_letter = [&](std::string& word) {
        word[1 + rng() % (word.size() - 1)] = static_cast<char>('a' + rng() % 26);
    };
    for (std::size_t i = 0; i < kBandQueries; ++i) {
        std::string word = corpus.text(bands.low[(i + 300) % bands.low.size()]);
        while (word.size() < 6) {
            word = corpus.text(bands.low[rng() % bands.low.size()]);
        }
        change_a_letter(word);
        print("fuzzy1", word + "~1");
        change_a_letter(word);
        print("fuzzy2", word + "~2");
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: sample_queries corpus.tsv > queries.tsv\n");
        return 2;
    }
    const Corpus corpus = load(argv[1]);
    Rng rng(kSeed);
    std::vector<Candidate> candidates = draw_candidates(corpus, rng);
    count_phrases(corpus, candidates);
    std::erase_if(candidates, [&](const Candidate& candidate) {
        return candidate.phrase < 10 || candidate.phrase >= corpus.docs() / 20;
    });
    std::shuffle(candidates.begin(), candidates.end(), rng);
    candidates.resize(std::min<std::size_t>(candidates.size(), 5000));
    count_matches(corpus, candidates);
    print_sequences(corpus, candidates);
    const Bands bands = make_bands(corpus, rng);
    if (bands.high.empty() || bands.medium.empty() || bands.low.empty()) {
        std::fprintf(stderr, "sample_queries: the corpus is too small\n");
        return 1;
    }
    print_bands(corpus, bands);
    print_misspelt(corpus, bands, rng);
    return 0;
}
