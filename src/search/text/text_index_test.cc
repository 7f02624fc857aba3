#include "search/text/internal/text_model.h"
#include "search/text/norm.h"
#include "search/text/postings_cursor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace kumo::search {
namespace {

using Postings = std::map<std::string, std::vector<ModelPosting>>;

std::vector<ModelPosting> read_all(const TextReader& reader, TermHandle term) {
    PostingsCursor cursor;
    reader.open(term, cursor);
    std::vector<ModelPosting> out;
    for (DocId doc = cursor.doc(); doc != kNoDoc; doc = cursor.next()) {
        out.push_back({doc, {}});
        cursor.positions(out.back().positions);
        EXPECT_EQ(cursor.tf(), out.back().positions.size());
    }
    EXPECT_EQ(cursor.doc_count(), out.size());
    return out;
}

void expect_terms(const TextReader& reader, const Postings& expect) {
    auto at = reader.terms();
    auto want = expect.begin();
    for (bool more = at->seek(""); more; more = at->next(), ++want) {
        ASSERT_NE(want, expect.end()) << "extra term " << at->term();
        ASSERT_EQ(at->term(), want->first);
        auto found = reader.find(want->first);
        ASSERT_TRUE(found.has_value()) << want->first;
        EXPECT_EQ(found->value, at->handle().value);
        EXPECT_EQ(reader.text(*found), want->first);
        EXPECT_GE(at->info().df, want->second.size());
        EXPECT_EQ(read_all(reader, *found), want->second) << want->first;
    }
    EXPECT_EQ(want, expect.end());
}

/// Everything a reader says agrees with the plain model.
void expect_same(const TextReader& reader, const TextModel& model, DocId max_doc) {
    EXPECT_EQ(reader.doc_limit(), max_doc);
    for (DocId doc = 0; doc < max_doc; ++doc) {
        if (!model.docs[doc].empty()) {
            auto length = static_cast<std::uint32_t>(model.docs[doc].size());
            ASSERT_EQ(reader.norms()[doc], encode_norm(length)) << doc;
        }
    }
    expect_terms(reader, model.postings(max_doc));
    EXPECT_FALSE(reader.find("no such word").has_value());
    EXPECT_FALSE(reader.find("").has_value());
}

TEST(LiveText, ShowsExactlyTheDocumentsBelowTheReadersLimit) {
    TextModel model = random_model(1, 2000, 400);
    LiveText live;
    for (DocId doc = 0; doc < model.docs.size(); ++doc) {
        model.add_to(live, doc);
    }
    for (DocId max_doc : {0U, 1U, 2U, 127U, 128U, 500U, 1999U, 2000U}) {
        SCOPED_TRACE(max_doc);
        expect_same(*live.reader(max_doc), model, max_doc);
    }
}

TEST(LiveText, CountsItsMemory) {
    LiveText live;
    EXPECT_LT(live.bytes(), 16384U) << "an empty field must be cheap";
    TextModel model = random_model(2, 1000, 400);
    std::uint64_t before = live.bytes();
    for (DocId doc = 0; doc < 1000; ++doc) {
        model.add_to(live, doc);
    }
    EXPECT_GT(live.bytes(), before + 10000);
    EXPECT_EQ(live.term_count(), model.postings(1000).size());
}

TEST(SealedText, EqualsWhatWasAdded) {
    TextModel model = random_model(3, 6000, 500);
    SealedModel sealed = seal_model(model, 0, 6000);
    expect_same(sealed.text, model, 6000);
    Postings postings = model.postings(6000);
    for (const auto& [word, list] : postings) {
        TermInfo info = sealed.text.info(*sealed.text.find(word));
        EXPECT_EQ(info.df, list.size());
        std::uint64_t ttf = 0;
        float rank = -1000;
        for (const ModelPosting& posting : list) {
            ttf += posting.positions.size();
            rank = std::max(rank, model.ranks[posting.doc]);
        }
        EXPECT_EQ(info.ttf, ttf);
        EXPECT_EQ(info.max_rank, rank);
    }
}

TEST(SealedText, EmptyFieldsWork) {
    TextModel none;
    expect_same(seal_model(none, 0, 0).text, none, 0);
    TextModel empty;
    empty.docs.resize(3);
    empty.ranks.resize(3);
    expect_same(seal_model(empty, 0, 3).text, empty, 3);
}

TEST(SealedText, SurvivesDamageBehindGoodChecksums) {
    TextModel model = random_model(13, 900, 40);
    const std::string good = *seal_model(model, 0, 900).bytes;
    const auto table = load_unaligned<std::uint64_t>(good.data() + 16);
    SeededRandom random(14);
    std::uint32_t opened = 0;
    for (int round = 0; round < 400; ++round) {
        std::string bad = good;
        for (std::uint64_t n = 1 + random.below(3); n != 0; --n) {
            // Sections only: header and table have checksums of their own.
            bad[64 + random.below(table - 64)] = static_cast<char>(random.below(256));
        }
        auto file = SectionFile::open(bad, false);
        ASSERT_TRUE(file.ok());
        auto text = SealedText::open(file.value(), "f.");
        if (!text.ok()) {
            EXPECT_EQ(text.error().code, ErrorCode::kCorruption);
            continue;
        }
        ++opened;
        for (std::uint32_t term = 0; term < text.value().term_count(); term += 7) {
            PostingsCursor cursor;
            std::vector<std::uint32_t> positions;
            text.value().open({term}, cursor);
            for (; cursor.doc() != kNoDoc; cursor.next()) {
                ASSERT_LT(cursor.doc(), 900U);
                cursor.positions(positions);
            }
        }
    }
    EXPECT_GT(opened, 50U);
}

TEST(Seal, LeavesOutDocumentsAtOrPastTheLimit) {
    TextModel model = random_model(4, 700, 90);
    LiveText live;
    for (DocId doc = 0; doc < 700; ++doc) {
        model.add_to(live, doc);
    }
    SectionFileBuilder builder;
    ASSERT_TRUE(seal(live, 300, builder, "f.").ok());
    expect_same(open_model(builder.finish()).text, model, 300);
}

TEST(Merge, JoinsSegmentsAndDropsDocuments) {
    TextModel model = random_model(5, 5000, 500);
    SealedModel a = seal_model(model, 0, 2000);
    SealedModel b = seal_model(model, 2000, 2100);
    SealedModel c = seal_model(model, 2100, 5000);
    SeededRandom random(6);
    TextModel expect;
    std::vector<std::vector<DocId>> maps;
    for (auto [first, end] :
         {std::pair{0U, 2000U}, std::pair{2000U, 2100U}, std::pair{2100U, 5000U}}) {
        std::vector<DocId> map;
        for (DocId doc = first; doc < end; ++doc) {
            bool drop = random.chance(1, 3);
            map.push_back(drop ? kNoDoc : static_cast<DocId>(expect.docs.size()));
            if (!drop) {
                expect.docs.push_back(model.docs[doc]);
                expect.ranks.push_back(model.ranks[doc]);
            }
        }
        maps.push_back(std::move(map));
    }
    std::vector<MergeInput> inputs{{&a.text, maps[0]}, {&b.text, maps[1]}, {&c.text, maps[2]}};
    SectionFileBuilder builder;
    auto total = static_cast<DocId>(expect.docs.size());
    ASSERT_TRUE(merge(inputs, total, builder, "f.").ok());
    SealedModel merged = open_model(builder.finish());
    expect_same(merged.text, expect, total);
}

TEST(Merge, InterleavesDocumentsOfItsInputs) {
    TextModel model = random_model(7, 1200, 200);
    SealedModel a = seal_model(model, 0, 600);
    SealedModel b = seal_model(model, 600, 1200);
    std::vector<DocId> even;
    std::vector<DocId> odd;
    TextModel expect;
    for (DocId doc = 0; doc < 600; ++doc) {
        even.push_back(doc * 2);
        odd.push_back(doc * 2 + 1);
        for (DocId from : {doc, doc + 600}) {
            expect.docs.push_back(model.docs[from]);
            expect.ranks.push_back(model.ranks[from]);
        }
    }
    std::vector<MergeInput> inputs{{&a.text, even}, {&b.text, odd}};
    SectionFileBuilder builder;
    ASSERT_TRUE(merge(inputs, 1200, builder, "f.").ok());
    expect_same(open_model(builder.finish()).text, expect, 1200);
}

/// advance() from anywhere lands on the first document at or past its target.
void expect_advances(const TextReader& reader, const Postings& postings) {
    SeededRandom random(8);
    PostingsCursor cursor;
    for (const auto& [word, list] : postings) {
        auto term = reader.find(word);
        ASSERT_TRUE(term.has_value());
        for (int round = 0; round < 3; ++round) {
            reader.open(*term, cursor);
            DocId target = 0;
            while (cursor.doc() != kNoDoc) {
                target += static_cast<DocId>(random.below(round == 0 ? 3 : 900));
                auto want = std::lower_bound(
                    list.begin(),
                    list.end(),
                    std::max(target, cursor.doc()),
                    [](const ModelPosting& p, DocId doc) { return p.doc < doc; }
                );
                ASSERT_EQ(cursor.advance(target), want == list.end() ? kNoDoc : want->doc);
                if (want != list.end()) {
                    std::vector<std::uint32_t> positions;
                    cursor.positions(positions);
                    ASSERT_EQ(positions, want->positions);
                }
                if (random.chance(1, 3) && cursor.doc() != kNoDoc) {
                    ++want;
                    ASSERT_EQ(cursor.next(), want == list.end() ? kNoDoc : want->doc);
                }
            }
            EXPECT_EQ(cursor.next(), kNoDoc);
        }
    }
}

TEST(PostingsCursor, AdvancesInSealedAndLivePostings) {
    TextModel model = random_model(9, 6000, 300);
    LiveText live;
    for (DocId doc = 0; doc < 6000; ++doc) {
        model.add_to(live, doc);
    }
    expect_advances(*live.reader(5000), model.postings(5000));
    expect_advances(seal_model(model, 0, 6000).text, model.postings(6000));
}

TEST(TermEnum, SeeksLikeAnOrderedMap) {
    TextModel model = random_model(10, 800, 700);
    LiveText live;
    for (DocId doc = 0; doc < 800; ++doc) {
        model.add_to(live, doc);
    }
    SealedModel sealed = seal_model(model, 0, 800);
    auto reader = live.reader(400);
    for (bool use_live : {true, false}) {
        const TextReader& text = use_live ? *reader : static_cast<const TextReader&>(sealed.text);
        Postings postings = model.postings(use_live ? 400 : 800);
        std::vector<std::string> bounds{"", "a", "w", "wo", "wor", "wor1", "x", "é", "\xff", "zzz"};
        for (const auto& [word, list] : postings) {
            bounds.push_back(word);
            bounds.push_back(word + "0");
            bounds.push_back(word.substr(0, word.size() - 1));
        }
        auto at = text.terms();
        for (const std::string& bound : bounds) {
            auto want = postings.lower_bound(bound);
            ASSERT_EQ(at->seek(bound), want != postings.end()) << bound;
            for (int i = 0; i < 3 && want != postings.end(); ++i) {
                ASSERT_EQ(at->term(), want->first);
                ++want;
                ASSERT_EQ(at->next(), want != postings.end());
            }
        }
    }
}

TEST(TermEnum, VisitsAPrefix) {
    TextModel model = random_model(11, 500, 700);
    SealedModel sealed = seal_model(model, 0, 500);
    std::vector<std::string> got;
    for_each_prefixed(sealed.text, "wor1", [&](const TermEnum& at) {
        got.emplace_back(at.term());
        return true;
    });
    std::vector<std::string> want;
    for (const auto& [word, list] : model.postings(500)) {
        if (word.starts_with("wor1")) {
            want.push_back(word);
        }
    }
    EXPECT_EQ(got, want);
    EXPECT_GT(want.size(), 5U);
}

TEST(LiveText, ReadersSeeWholeSnapshotsWhileItGrows) {
    constexpr DocId kDocs = 3000;
    TextModel model = random_model(12, kDocs, 400);
    LiveText live;
    std::atomic<DocId> published{0};
    std::atomic<bool> failed{false};
    auto watch = [&](std::uint64_t seed) {
        SeededRandom random(seed);
        DocId max_doc = 0;
        while (max_doc < kDocs && !failed) {
            max_doc = published.load(std::memory_order_acquire);
            auto reader = live.reader(max_doc);
            Postings expect = model.postings(std::min(max_doc, 300U + static_cast<DocId>(seed)));
            auto at = reader->terms();
            std::uint64_t terms = 0;
            for (bool more = at->seek(""); more; more = at->next()) {
                ++terms;
                PostingsCursor cursor;
                reader->open(at->handle(), cursor);
                failed = failed || cursor.doc() >= max_doc;
            }
            for (const auto& [word, list] : expect) {
                auto term = reader->find(word);
                if (!term.has_value() || !random.chance(1, 4)) {
                    failed = failed || !term.has_value();
                    continue;
                }
                std::vector<ModelPosting> got = read_all(*reader, *term);
                failed = failed || got.size() < list.size()
                         || !std::equal(list.begin(), list.end(), got.begin())
                         || (!got.empty() && got.back().doc >= max_doc);
            }
            std::uint64_t matches = 0;
            reader->fuzzy("wor17", {1, true}, [&](const FuzzyMatch&) { return ++matches < 1000; });
            failed = failed || terms > live.term_count();
        }
    };
    std::thread one(watch, 1);
    std::thread two(watch, 2);
    for (DocId doc = 0; doc < kDocs; ++doc) {
        model.add_to(live, doc);
        published.store(doc + 1, std::memory_order_release);
    }
    one.join();
    two.join();
    EXPECT_FALSE(failed);
    expect_same(*live.reader(kDocs), model, kDocs);
}

}  // namespace
}  // namespace kumo::search
