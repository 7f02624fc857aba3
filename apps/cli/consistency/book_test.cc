#include "cli/consistency/book.h"

#include "cli/consistency/node_scan.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

constexpr std::int64_t kThere = ConsistencyBook::kThere;

Subject acknowledged_document(ConsistencyBook& book) {
    const auto write = book.begin_create();
    book.end_write(*write, Fate::kAcknowledged);
    return write->subject;
}

std::uint64_t raise(ConsistencyBook& book, std::optional<std::uint64_t> counter, Fate fate) {
    const Write write = book.begin_raise(counter);
    book.end_write(write, fate);
    return write.subject.number;
}

void look(ConsistencyBook& book, const Subject& subject, std::int64_t seen) {
    book.end_read(book.begin_read(subject), seen);
}

TEST(ConsistencyBook, ADocumentThatWasAcknowledgedMustBeSeen) {
    ConsistencyBook book;
    const Subject document = acknowledged_document(book);
    look(book, document, kThere);
    EXPECT_TRUE(book.totals().clean());
    look(book, document, 0);
    look(book, document, 0);
    EXPECT_EQ(book.totals().lost, 1U) << "a document is lost once";
    EXPECT_EQ(book.missing(), std::vector{document});
}

TEST(ConsistencyBook, ADocumentThatShowsAgainWasStaleNotLost) {
    ConsistencyBook book;
    const Subject document = acknowledged_document(book);
    look(book, document, 0);
    look(book, document, kThere);
    EXPECT_EQ(book.totals().lost, 0U);
    EXPECT_EQ(book.totals().stale, 1U);
    EXPECT_FALSE(book.totals().clean());
}

TEST(ConsistencyBook, AReadThatBeganBeforeTheAnswerMaySeeNothing) {
    ConsistencyBook book;
    const auto write = book.begin_create();
    const Read early = book.begin_read(write->subject);
    book.end_write(*write, Fate::kAcknowledged);
    book.end_read(early, 0);
    EXPECT_TRUE(book.totals().clean());
}

TEST(ConsistencyBook, ADocumentWithoutAnAnswerMayBeThereButNotVanish) {
    ConsistencyBook book;
    const auto write = book.begin_create();
    book.end_write(*write, Fate::kUnknown);
    EXPECT_EQ(book.totals().unknown, 1U);
    look(book, write->subject, 0);
    look(book, write->subject, kThere);
    EXPECT_TRUE(book.totals().clean());
    look(book, write->subject, 0);
    EXPECT_EQ(book.totals().lost, 1U);
}

TEST(ConsistencyBook, WhatWasRefusedMustNotShow) {
    ConsistencyBook book;
    const auto write = book.begin_create();
    book.end_write(*write, Fate::kRefused);
    look(book, write->subject, 0);
    EXPECT_TRUE(book.totals().clean());
    look(book, write->subject, kThere);
    look(book, write->subject, kThere);
    EXPECT_EQ(book.totals().invented, 1U);
}

TEST(ConsistencyBook, WhatWasSeenUnderWayMustNotBeRefused) {
    ConsistencyBook book;
    const auto write = book.begin_create();
    look(book, write->subject, kThere);
    book.end_write(*write, Fate::kRefused);
    EXPECT_EQ(book.totals().invented, 1U);
}

TEST(ConsistencyBook, ACounterNeverGoesBack) {
    ConsistencyBook book;
    const auto counter = raise(book, std::nullopt, Fate::kAcknowledged);
    const Subject subject{Subject::Kind::kCounter, counter};
    EXPECT_EQ(raise(book, counter, Fate::kAcknowledged), counter);
    look(book, subject, 2);
    EXPECT_TRUE(book.totals().clean());
    look(book, subject, 1);
    EXPECT_EQ(book.totals().stale, 1U);
    look(book, subject, 3);
    EXPECT_EQ(book.totals().invented, 1U);
}

TEST(ConsistencyBook, ACounterSeenUnderWayMustNotGoBackFromThere) {
    ConsistencyBook book;
    const auto counter = raise(book, std::nullopt, Fate::kAcknowledged);
    const Subject subject{Subject::Kind::kCounter, counter};
    const Write second = book.begin_raise(counter);
    look(book, subject, 1);
    look(book, subject, 2);
    EXPECT_TRUE(book.totals().clean());
    look(book, subject, 1);
    EXPECT_EQ(book.totals().stale, 1U);
    book.end_write(second, Fate::kAcknowledged);
    EXPECT_EQ(book.least(subject), 2);
}

TEST(ConsistencyBook, ACounterWithoutAnAnswerIsLeftAlone) {
    ConsistencyBook book;
    const auto counter = raise(book, std::nullopt, Fate::kAcknowledged);
    EXPECT_EQ(raise(book, counter, Fate::kUnknown), counter);
    EXPECT_TRUE(book.rests(counter));
    EXPECT_NE(book.begin_raise(counter).subject.number, counter);
    const Subject subject{Subject::Kind::kCounter, counter};
    look(book, subject, 1);
    look(book, subject, 2);
    EXPECT_TRUE(book.totals().clean());
    look(book, subject, 1);
    EXPECT_EQ(book.totals().stale, 1U);
}

TEST(ConsistencyBook, ARefusedRaiseIsAskedAgainWithTheSameValue) {
    ConsistencyBook book;
    const auto counter = raise(book, std::nullopt, Fate::kAcknowledged);
    raise(book, counter, Fate::kRefused);
    EXPECT_EQ(book.most({Subject::Kind::kCounter, counter}), 1);
    EXPECT_EQ(book.begin_raise(counter).value, 2);
}

TEST(Subject, IdsAreReadBackAndNothingElseIs) {
    const Subject counter{Subject::Kind::kCounter, 17};
    EXPECT_EQ(counter.id(), "c17");
    EXPECT_EQ(Subject::from_id("c17"), counter);
    EXPECT_EQ(Subject::from_id("d0")->kind, Subject::Kind::kDocument);
    for (const char* id : {"", "d", "x1", "d1x", "d-1", "d01", "d99999999999999999999"}) {
        EXPECT_FALSE(Subject::from_id(id)) << id;
    }
}

TEST(NodeScan, FindsWhatIsLostInventedAndTwice) {
    ConsistencyBook book;
    acknowledged_document(book);
    acknowledged_document(book);
    const auto maybe = book.begin_create();
    book.end_write(*maybe, Fate::kUnknown);
    const auto counter = raise(book, std::nullopt, Fate::kAcknowledged);
    raise(book, counter, Fate::kAcknowledged);

    NodeScan good(book);
    good.add("d0", kThere);
    good.add("d1", kThere);
    good.add("c0", 2);
    EXPECT_EQ(good.lost(), 0U);
    EXPECT_EQ(good.invented(), 0U);
    EXPECT_EQ(good.documents(), 3U);

    NodeScan bad(book);
    bad.add("d0", kThere);
    bad.add("d0", kThere);       // twice
    bad.add("d2", kThere);       // was unknown
    bad.add("d3", kThere);       // nobody wrote it
    bad.add("strange", kThere);  // nor that
    bad.add("c0", 1);            // went back
    EXPECT_EQ(bad.lost(), 2U) << "d1, and the counter";
    EXPECT_EQ(bad.invented(), 3U);
    EXPECT_TRUE(bad.holds(maybe->subject));
    EXPECT_EQ(NodeScan::differing(good, bad), 3U) << "d1, d2, c0";
}

}  // namespace
}  // namespace kumo::cli
