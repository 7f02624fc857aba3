#include "search/text/bm25.h"

#include "search/text/internal/text_model.h"
#include "search/text/norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

namespace kumo::search {
namespace {

/// One segment of the reference: its documents and what may match.
struct PlainSegment {
    TextModel model;
    std::vector<std::uint64_t> deleted;
    std::vector<std::uint64_t> filter;

    bool allows(DocId doc) const {
        auto bit = [doc](const std::vector<std::uint64_t>& words) {
            return (words[doc / 64] >> (doc % 64) & 1U) != 0;
        };
        return (deleted.empty() || !bit(deleted)) && (filter.empty() || bit(filter));
    }
};

/// BM25 by its formula, document by document.
class Reference {
public:
    Reference(const std::vector<PlainSegment>& segments, Bm25Params params)
        : segments_(segments), params_(params) {
        for (const PlainSegment& segment : segments) {
            for (const ModelDoc& doc : segment.model.docs) {
                docs_ += doc.empty() ? 0 : 1;
                tokens_ += static_cast<double>(doc.size());
            }
        }
    }

    Bm25Result search(const Bm25Query& query, std::uint32_t k) const {
        Bm25Result result;
        std::vector<double> idf;
        for (std::string_view term : query.terms) {
            idf.push_back(idf_of(term));
        }
        for (std::uint32_t s = 0; s < segments_.size(); ++s) {
            const auto& docs = segments_[s].model.docs;
            for (DocId doc = 0; doc < docs.size(); ++doc) {
                double score = segments_[s].allows(doc) ? score_of(docs[doc], query, idf) : 0;
                if (score > 0) {
                    ++result.count;
                    result.hits.push_back({static_cast<float>(score), s, doc});
                }
            }
        }
        std::stable_sort(
            result.hits.begin(),
            result.hits.end(),
            [](const Bm25Hit& a, const Bm25Hit& b) { return a.score > b.score; }
        );
        result.hits.resize(std::min<std::size_t>(k, result.hits.size()));
        return result;
    }

    double score(const Bm25Query& query, const Bm25Hit& hit) const {
        std::vector<double> idf;
        for (std::string_view term : query.terms) {
            idf.push_back(idf_of(term));
        }
        return score_of(segments_[hit.segment].model.docs[hit.doc], query, idf);
    }

private:
    double idf_of(std::string_view term) const {
        auto [known, fresh] = idf_.try_emplace(std::string(term), 0);
        if (!fresh) {
            return known->second;
        }
        double df = 0;
        for (const PlainSegment& segment : segments_) {
            for (const ModelDoc& doc : segment.model.docs) {
                df += tf_of(doc, term) > 0 ? 1 : 0;
            }
        }
        return known->second = std::log(1 + (docs_ - df + 0.5) / (df + 0.5));
    }

    static double tf_of(const ModelDoc& doc, std::string_view term) {
        return static_cast<double>(std::count_if(doc.begin(), doc.end(), [&](const auto& token) {
            return token.first == term;
        }));
    }

    static double phrase_tf(const ModelDoc& doc, std::span<const std::string_view> terms) {
        double tf = 0;
        for (const auto& start : doc) {
            bool all = start.first == terms[0];
            for (std::uint32_t i = 1; i < terms.size() && all; ++i) {
                all = std::any_of(doc.begin(), doc.end(), [&](const auto& token) {
                    return token.second == start.second + i && token.first == terms[i];
                });
            }
            tf += all ? 1 : 0;
        }
        return tf;
    }

    double factor(double tf, const ModelDoc& doc) const {
        double length = decode_norm(encode_norm(static_cast<std::uint32_t>(doc.size())));
        double k1 = params_.k1;
        double b = params_.b;
        return tf / (tf + k1 * (1 - b + b * length / (tokens_ / docs_)));
    }

    double score_of(const ModelDoc& doc, const Bm25Query& query, const std::vector<double>& idf)
        const {
        double score = 0;
        bool all = true;
        double weight = 0;
        for (std::size_t i = 0; i < query.terms.size(); ++i) {
            double tf = tf_of(doc, query.terms[i]);
            score += tf > 0 ? idf[i] * factor(tf, doc) : 0;
            all = all && tf > 0;
            weight += idf[i];
        }
        if (query.op == Bm25Op::kPhrase) {
            double tf = phrase_tf(doc, query.terms);
            return tf > 0 ? weight * factor(tf, doc) : 0;
        }
        return query.op == Bm25Op::kAnd && !all ? 0 : score;
    }

    const std::vector<PlainSegment>& segments_;
    Bm25Params params_;
    double docs_ = 0;
    double tokens_ = 0;
    mutable std::map<std::string, double> idf_;
};

struct Corpus {
    std::vector<PlainSegment> plain;
    std::vector<SealedModel> sealed;
    std::unique_ptr<LiveText> live;
    std::unique_ptr<TextReader> live_reader;
    std::vector<std::vector<std::uint64_t>> deleted;  ///< Whole pages.
    std::vector<std::vector<const std::uint64_t*>> pages;
    std::vector<Bm25Segment> segments;

    explicit Corpus(std::vector<PlainSegment> given, bool last_is_live) : plain(std::move(given)) {
        for (std::size_t s = 0; s < plain.size(); ++s) {
            const TextModel& model = plain[s].model;
            auto docs = static_cast<DocId>(model.docs.size());
            if (last_is_live && s + 1 == plain.size()) {
                live = std::make_unique<LiveText>();
                for (DocId doc = 0; doc < docs; ++doc) {
                    model.add_to(*live, doc);
                }
                live_reader = live->reader(docs);
            } else {
                sealed.push_back(seal_model(model, 0, docs));
            }
        }
        for (const PlainSegment& segment : plain) {
            std::vector<std::uint64_t>& words = deleted.emplace_back(segment.deleted);
            words.resize((words.size() + kPageWords - 1) / kPageWords * kPageWords);
            std::vector<const std::uint64_t*>& starts = pages.emplace_back();
            for (std::size_t w = 0; w < words.size(); w += kPageWords) {
                starts.push_back(words.data() + w);
            }
        }
        for (std::size_t s = 0; s < plain.size(); ++s) {
            auto words = [](const std::vector<std::uint64_t>& bits) {
                return bits.empty() ? nullptr : bits.data();
            };
            const TextReader* text = s < sealed.size() ? &sealed[s].text : live_reader.get();
            segments.push_back({text, pages[s], words(plain[s].filter)});
        }
    }
};

std::vector<std::uint64_t> random_bits(SeededRandom& random, std::size_t bits, std::uint64_t in_8) {
    std::vector<std::uint64_t> words((bits + 63) / 64, 0);
    for (std::size_t bit = 0; bit < words.size() * 64; ++bit) {
        words[bit / 64] |= std::uint64_t{random.chance(in_8, 8)} << (bit % 64);
    }
    return words;
}

std::string random_term(SeededRandom& random) {
    std::uint64_t word = random.below(random.chance(1, 2) ? 6 : 60);
    if (random.chance(1, 12)) {
        word = 500 + random.below(8);
    }
    std::string text = (word % 3 == 0 ? "w" : word % 3 == 1 ? "wor" : "é");
    return text + std::to_string(word);
}

/// What matches() finds, counted; and that it is what search() finds.
std::uint64_t count_matches(
    const Corpus& corpus,
    Bm25Searcher& searcher,
    const Bm25Query& query,
    const std::vector<Bm25Hit>& hits
) {
    std::vector<std::vector<std::uint64_t>> words;
    std::vector<std::uint64_t*> out;
    for (const Bm25Segment& segment : corpus.segments) {
        words.emplace_back((segment.text->doc_limit() + 63) / 64);
        out.push_back(words.back().data());
    }
    EXPECT_TRUE(searcher.matches(query, out).ok());
    for (const Bm25Hit& hit : hits) {
        EXPECT_NE(words[hit.segment][hit.doc / 64] >> (hit.doc % 64) & 1U, 0U);
    }
    std::uint64_t count = 0;
    for (const auto& segment : words) {
        for (const std::uint64_t word : segment) {
            count += static_cast<std::uint64_t>(std::popcount(word));
        }
    }
    return count;
}

void expect_agreement(const Corpus& corpus, std::uint64_t seed, Bm25Params params = {}) {
    Reference reference(corpus.plain, params);
    Bm25Searcher searcher(corpus.segments, params);
    SeededRandom random(seed);
    for (int round = 0; round < 150; ++round) {
        std::vector<std::string> words;
        for (std::uint64_t n = 1 + random.below(5); n != 0; --n) {
            words.push_back(random_term(random));
        }
        std::vector<std::string_view> terms(words.begin(), words.end());
        auto op = static_cast<Bm25Op>(random.below(3));
        Bm25Query query{op, terms};
        std::uint32_t k = random.chance(1, 3) ? 1 : random.chance(1, 2) ? 10 : 120;
        bool want_count = random.chance(1, 2);
        auto got = searcher.search(query, k, want_count);
        ASSERT_TRUE(got.ok());
        Bm25Result want = reference.search(query, k);
        std::string what = "round " + std::to_string(round) + " op "
                           + std::to_string(static_cast<int>(op)) + " " + words[0];
        EXPECT_EQ(got.value().count, want_count ? want.count : 0) << what;
        ASSERT_EQ(got.value().hits.size(), want.hits.size()) << what;
        for (std::size_t i = 0; i < want.hits.size(); ++i) {
            const Bm25Hit& hit = got.value().hits[i];
            ASSERT_NEAR(hit.score, want.hits[i].score, 1e-4) << what << " hit " << i;
            ASSERT_NEAR(hit.score, reference.score(query, hit), 1e-4) << what << " hit " << i;
            ASSERT_TRUE(corpus.plain[hit.segment].allows(hit.doc)) << what;
        }
        auto only_count = searcher.search(query, 0, true);
        EXPECT_EQ(only_count.value().count, want.count) << what;
        EXPECT_EQ(count_matches(corpus, searcher, query, want.hits), want.count) << what;
    }
}

TEST(Bm25, AgreesWithTheFormulaInOneSegment) {
    std::vector<PlainSegment> plain{{random_model(1, 3000, 500), {}, {}}};
    expect_agreement(Corpus(plain, false), 2);
    expect_agreement(Corpus(plain, false), 3, {2.0F, 0.3F});
    expect_agreement(Corpus(plain, true), 4);
}

/// The stored seeds say what the best hundred score: here nearly all of those are deleted.
TEST(Bm25, FindsTheRestWhenTheBestAreDeleted) {
    PlainSegment segment;
    segment.deleted.resize(700 / 64 + 1);
    for (DocId doc = 0; doc < 700; ++doc) {
        ModelDoc words;
        const bool good = doc % 7 == 0;
        for (std::uint32_t position = 0; position < 6; ++position) {
            words.emplace_back(good || position == 0 ? "w0" : "other", position);
        }
        segment.model.docs.push_back(words);
        segment.model.ranks.push_back(0);
        if (good && doc > 20) {
            segment.deleted[doc / 64] |= std::uint64_t{1} << (doc % 64);
        }
    }
    const std::vector<PlainSegment> plain{segment};
    const Corpus corpus(plain, false);
    const std::string_view word = "w0";
    for (const std::uint32_t k : {2U, 10U, 50U}) {
        const Bm25Query query{Bm25Op::kOr, {&word, 1}};
        const auto got = Bm25Searcher(corpus.segments).search(query, k, true);
        const Bm25Result want = Reference(plain, {}).search(query, k);
        ASSERT_EQ(got.value().hits.size(), k);
        EXPECT_EQ(got.value().count, want.count);
        for (std::uint32_t i = 0; i < k; ++i) {
            EXPECT_NEAR(got.value().hits[i].score, want.hits[i].score, 1e-4);
        }
    }
}

TEST(Bm25, AgreesWithTheFormulaOverUnlikeSegments) {
    std::vector<PlainSegment> plain{
        {random_model(5, 2000, 500), {}, {}},
        {random_model(6, 40, 500), {}, {}},
        {TextModel{}, {}, {}},
        {random_model(7, 1500, 500), {}, {}}};
    // Documents of very unlike length, so that averages drift between segments.
    for (ModelDoc& doc : plain[0].model.docs) {
        doc.resize(std::min<std::size_t>(doc.size(), 6));
    }
    expect_agreement(Corpus(plain, true), 8);
    expect_agreement(Corpus(plain, false), 9);
}

TEST(Bm25, AgreesWithTheFormulaUnderDeletesAndFilters) {
    SeededRandom random(10);
    std::vector<PlainSegment> plain{
        {random_model(11, 2000, 500), random_bits(random, 2000, 2), {}},
        {random_model(12, 900, 500), {}, random_bits(random, 900, 1)},
        {random_model(13, 1100, 500), random_bits(random, 1100, 4), random_bits(random, 1100, 4)},
    };
    expect_agreement(Corpus(plain, false), 14);
    expect_agreement(Corpus(plain, true), 15);
}

TEST(Bm25, OrdersEqualScoresBySegmentAndDocument) {
    TextModel same;
    same.docs.assign(300, {{"a", 0}, {"b", 1}});
    same.ranks.assign(300, 0);
    Corpus corpus({{same, {}, {}}, {same, {}, {}}}, false);
    Bm25Searcher searcher(corpus.segments);
    for (Bm25Op op : {Bm25Op::kOr, Bm25Op::kAnd, Bm25Op::kPhrase}) {
        for (std::size_t count : {std::size_t{1}, std::size_t{2}}) {
            std::vector<std::string_view> terms{"a", "b"};
            terms.resize(count);
            auto hits = searcher.search({op, terms}, 5, false).value().hits;
            ASSERT_EQ(hits.size(), 5U);
            for (DocId i = 0; i < 5; ++i) {
                EXPECT_EQ(hits[i].segment, 0U);
                EXPECT_EQ(hits[i].doc, i);
            }
        }
    }
}

TEST(Bm25, RefusesTooManyTermsAndHits) {
    Corpus corpus({{random_model(16, 10, 50), {}, {}}}, false);
    Bm25Searcher searcher(corpus.segments);
    std::vector<std::string_view> terms(kBm25TermsMax + 1, "w0");
    EXPECT_EQ(
        searcher.search({Bm25Op::kOr, terms}, 1, false).error().code,
        ErrorCode::kLimitExceeded
    );
    terms.resize(kBm25TermsMax);
    EXPECT_TRUE(searcher.search({Bm25Op::kOr, terms}, 1, true).ok());
    EXPECT_FALSE(searcher.search({Bm25Op::kOr, terms}, kBm25HitsMax + 1, true).ok());
}

TEST(Bm25, FindsNothingForNothing) {
    Corpus corpus({{random_model(17, 10, 50), {}, {}}}, false);
    Bm25Searcher searcher(corpus.segments);
    std::vector<std::string_view> unknown{"nobody", "knows"};
    EXPECT_TRUE(searcher.search({Bm25Op::kOr, {}}, 10, true).value().hits.empty());
    EXPECT_EQ(searcher.search({Bm25Op::kOr, unknown}, 10, true).value().count, 0U);
    EXPECT_EQ(searcher.search({Bm25Op::kAnd, unknown}, 10, true).value().count, 0U);
}

}  // namespace
}  // namespace kumo::search
