#include "search/text/internal/fuzzy_automaton.h"
#include "search/text/internal/text_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace kumo::search {
namespace {

/// Optimal string alignment distance between a and every prefix of b, by the textbook table.
std::vector<std::uint32_t>
prefix_distances(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
    std::vector<std::vector<std::uint32_t>> d(
        a.size() + 1,
        std::vector<std::uint32_t>(b.size() + 1)
    );
    for (std::uint32_t i = 0; i <= a.size(); ++i) {
        for (std::uint32_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = std::min(
                {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)}
            );
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()];
}

struct Found {
    std::string term;
    std::uint32_t cost;
    bool prefix_only;

    auto operator<=>(const Found&) const = default;
};

std::set<Found> expected(
    const std::set<std::string>& words,
    const std::string& query,
    const FuzzyOptions& options
) {
    std::set<Found> out;
    for (const std::string& word : words) {
        auto d = prefix_distances(code_points(query), code_points(word));
        std::uint32_t whole = d.back();
        std::uint32_t cost = options.prefix ? *std::min_element(d.begin(), d.end()) : whole;
        if (cost <= options.max_cost) {
            out.insert({word, cost, whole > cost});
        }
    }
    return out;
}

std::set<Found> run(const TextReader& text, const std::string& query, const FuzzyOptions& options) {
    std::set<Found> out;
    std::uint32_t calls = 0;
    WalkEnd end = text.fuzzy(query, options, [&](const FuzzyMatch& match) {
        ++calls;
        EXPECT_EQ(text.find(match.term)->value, match.handle.value);
        EXPECT_GT(match.info.df, 0U);
        out.insert({std::string(match.term), match.cost, match.prefix_only});
        return true;
    });
    EXPECT_EQ(end, WalkEnd::kComplete);
    EXPECT_EQ(calls, out.size()) << "a term was reported twice";
    return out;
}

/// Words over a small alphabet, two of its letters outside ASCII, so that near ones abound.
std::string random_word(SeededRandom& random, std::uint64_t length_max) {
    static const char* const kLetters[] = {"a", "b", "c", "é", "日", "𝄞"};
    std::string word;
    for (std::uint64_t n = 1 + random.below(length_max); n != 0; --n) {
        word += kLetters[random.below(6)];
    }
    return word;
}

struct Dictionary {
    std::set<std::string> words;
    TextModel model;
};

Dictionary random_dictionary(std::uint64_t seed, std::uint32_t count, std::uint64_t length_max) {
    SeededRandom random(seed);
    Dictionary out;
    while (out.words.size() < count) {
        std::string word = random_word(random, length_max);
        if (out.words.insert(word).second) {
            out.model.docs.push_back({{word, 0}});
            out.model.ranks.push_back(0);
        }
    }
    return out;
}

void expect_agreement(std::uint64_t seed, std::uint32_t count, std::uint64_t length_max) {
    Dictionary dictionary = random_dictionary(seed, count, length_max);
    LiveText live;
    auto docs = static_cast<DocId>(dictionary.model.docs.size());
    for (DocId doc = 0; doc < docs; ++doc) {
        dictionary.model.add_to(live, doc);
    }
    auto reader = live.reader(docs);
    SealedModel sealed = seal_model(dictionary.model, 0, docs);
    SeededRandom random(seed + 1000);
    for (int i = 0; i < 60; ++i) {
        std::string query = random_word(random, length_max + 2);
        FuzzyOptions options;
        options.max_cost = static_cast<std::uint32_t>(random.below(kFuzzyCostMax + 1));
        options.prefix = random.chance(1, 2);
        auto want = expected(dictionary.words, query, options);
        ASSERT_EQ(run(sealed.text, query, options), want) << query << " " << options.max_cost;
        ASSERT_EQ(run(*reader, query, options), want) << query << " " << options.max_cost;
    }
}

TEST(Fuzzy, AgreesWithTheTextbookOnShortWords) {
    expect_agreement(1, 2000, 7);
}

TEST(Fuzzy, AgreesWithTheTextbookOnTinyDictionaries) {
    for (std::uint32_t count = 1; count <= 12; ++count) {
        expect_agreement(100 + count, count, 4);
    }
}

TEST(Fuzzy, AgreesWithTheTextbookOnWordsLongerThanAMachineWord) {
    SeededRandom random(7);
    Dictionary dictionary;
    for (DocId doc = 0; doc < 300; ++doc) {
        std::string word(70 + random.below(30), 'a');
        for (int i = 0; i < 2; ++i) {
            word[random.below(word.size())] = 'b';
        }
        if (dictionary.words.insert(word).second) {
            dictionary.model.docs.push_back({{word, 0}});
            dictionary.model.ranks.push_back(0);
        }
    }
    auto docs = static_cast<DocId>(dictionary.model.docs.size());
    SealedModel sealed = seal_model(dictionary.model, 0, docs);
    for (const char* query : {"b", "a"}) {
        std::string word = std::string(80, 'a') + query;
        for (bool prefix : {false, true}) {
            FuzzyOptions options{2, prefix};
            auto want = expected(dictionary.words, word, options);
            EXPECT_EQ(run(sealed.text, word, options), want);
        }
    }
}

TEST(Fuzzy, SwapsNeighboursForOneEdit) {
    Dictionary dictionary;
    for (const char* word : {"strawberry", "house", "mouse"}) {
        dictionary.words.insert(word);
        dictionary.model.docs.push_back({{word, 0}});
        dictionary.model.ranks.push_back(0);
    }
    SealedModel sealed = seal_model(dictionary.model, 0, 3);
    EXPECT_EQ(run(sealed.text, "huose", {1}), (std::set<Found>{{"house", 1, false}}));
    EXPECT_EQ(run(sealed.text, "strawbery", {1}), (std::set<Found>{{"strawberry", 1, false}}));
    EXPECT_EQ(
        run(sealed.text, "hous", {1, true}),
        (std::set<Found>{{"house", 0, true}, {"mouse", 1, true}})
    );
    EXPECT_EQ(run(sealed.text, "house", {0, true}), (std::set<Found>{{"house", 0, false}}));
}

TEST(Fuzzy, WordsTooLongToCorrectMatchAsTheyAre) {
    std::string word(kFuzzyLengthMax + 10, 'x');
    TextModel model;
    model.docs = {{{word, 0}}, {{word + "y", 0}}};
    model.ranks = {0, 0};
    SealedModel sealed = seal_model(model, 0, 2);
    EXPECT_EQ(run(sealed.text, word, {2}), (std::set<Found>{{word, 0, false}}));
    EXPECT_EQ(run(sealed.text, word, {2, true}).size(), 2U);
}

TEST(Fuzzy, StopsWhenToldAndWhenOutOfBudget) {
    Dictionary dictionary = random_dictionary(3, 500, 6);
    SealedModel sealed = seal_model(dictionary.model, 0, 500);
    int calls = 0;
    auto three = [&](const FuzzyMatch&) {
        return ++calls < 3;
    };
    EXPECT_EQ(sealed.text.fuzzy("a", {2, true}, three), WalkEnd::kStopped);
    EXPECT_EQ(calls, 3);
    auto all = [](const FuzzyMatch&) {
        return true;
    };
    EXPECT_EQ(sealed.text.fuzzy("a", {2, true, 20}, all), WalkEnd::kCutShort);
    EXPECT_EQ(sealed.text.fuzzy("a", {2, true}, all), WalkEnd::kComplete);
}

}  // namespace
}  // namespace kumo::search
