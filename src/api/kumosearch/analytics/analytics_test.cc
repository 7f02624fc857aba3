#include "api/kumosearch/analytics/analytics.h"

#include "api/kumosearch/analytics/analytics_flush.h"
#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

class AnalyticsTest : public testing::Test {
protected:
    AnalyticsTest()
        : world_(
            {.api_key = "root",
             .enable_search_analytics = true,
             .analytics_minute_rate_limit = 1000}
        ) {
        world_.add_books();
        world_.post("/collections", R"({"name": "queries", "fields": [
            {"name": "q", "type": "string"}, {"name": "count", "type": "int32"}]})");
    }

    Answer rule(const std::string& more, const std::string& name = "r") {
        return world_.post("/analytics/rules", R"({"name": ")" + name + "\", " + more + "}");
    }

    Answer popular(const std::string& params = R"("limit": 10)") {
        return rule(
            R"("type": "popular_queries", "event_type": "search", "collection": "books",
               "params": {"destination_collection": "queries", )"
            + params + "}"
        );
    }

    void search(const std::string& q, const std::string& user = "u", const std::string& more = "") {
        world_.headers = {{"X-TYPESENSE-USER-ID", user}};
        EXPECT_EQ(
            world_
                .get(
                    "/collections/books/documents/search?query_by=title&drop_tokens_threshold=0"
                    "&num_typos=0&q="
                    + q + more
                )
                .status,
            200
        );
        world_.headers.clear();
    }

    void pause() { world_.run_for(std::chrono::seconds(5)); }

    void flush() { EXPECT_EQ(world_.post("/analytics/flush", "").body, R"({"ok":true})"); }

    Answer event(const std::string& json) { return world_.post("/analytics/events", json); }

    /// "gods 3, the 1", the most popular first.
    std::string counted(const std::string& collection = "queries") {
        const Answer found = world_.get(
            "/collections/" + collection
            + "/documents/search?q=*&sort_by=count:desc,_text_match:desc"
        );
        const auto parsed = wire::JsonDocument::parse(found.body);
        std::string out;
        for (const wire::JsonValue hit : parsed.value().root().find("hits").as_array()) {
            const wire::JsonValue document = hit.find("document");
            out += (out.empty() ? "" : ", ") + std::string(document.find("q").as_string()) + " "
                   + std::string(document.find("count").raw());
        }
        return out;
    }

    ApiWorld world_;
};

TEST_F(AnalyticsTest, PopularQueriesAreCounted) {
    EXPECT_EQ(
        popular().body,
        R"({"collection":"books","event_type":"search","name":"r","params":{)"
        R"("capture_search_requests":true,"destination_collection":"queries","expand_query":false,)"
        R"("limit":10,"meta_fields":[]},"rule_tag":"","type":"popular_queries"})"
    );
    for (const char* typed : {"g", "go", "good", "Good%20%20Omens"}) {
        search(typed);  // One query, as it is at the end.
    }
    search("the", "other");
    search("zzz", "third");  // Finds nothing.
    search("*", "fourth");
    search("dispossessed", "fifth", "&enable_analytics=false");
    search("darkness", "sixth", "&page=2");
    EXPECT_EQ(member(world_.get("/analytics/status").body, "popular_prefix_queries"), "2");
    pause();
    search("good%20omens");
    pause();
    EXPECT_EQ(member(world_.get("/analytics/status").body, "query_counter_events"), "2");
    flush();
    EXPECT_EQ(counted(), "good omens 2, the 1");
    EXPECT_EQ(member(world_.get("/analytics/status").body, "query_counter_events"), "0");
    search("the");
    pause();
    search("the");
    pause();
    flush();
    EXPECT_EQ(counted(), "the 3, good omens 2");
}

TEST_F(AnalyticsTest, QueriesWithoutHitsAreCountedApart) {
    rule(R"("type": "nohits_queries", "event_type": "search", "collection": "books",
            "params": {"destination_collection": "queries", "limit": 10})");
    search("zzz");
    search("the", "other");
    pause();
    flush();
    EXPECT_EQ(counted(), "zzz 1");
}

TEST_F(AnalyticsTest, OnlyTheMostPopularAreKept) {
    popular(R"("limit": 2)");
    for (int i = 0; i < 3; ++i) {
        for (int n = 0; n <= i; ++n) {
            event(R"({"name": "r", "data": {"q": "q)" + std::to_string(i) + R"("}})");
        }
    }
    flush();
    EXPECT_EQ(counted(), "q2 3, q1 2");
}

TEST_F(AnalyticsTest, SearchesAreNotCapturedIfARuleSaysSo) {
    popular(R"("limit": 10, "capture_search_requests": false)");
    search("the");
    pause();
    flush();
    EXPECT_EQ(counted(), "");
    EXPECT_EQ(event(R"({"name": "r", "data": {"q": "Told", "user_id": "u"}})").status, 200);
    flush();
    EXPECT_EQ(counted(), "told 1");
}

TEST_F(AnalyticsTest, MetaFieldsTellQueriesApart) {
    popular(R"("limit": 10, "meta_fields": ["filter_by", "analytics_tag"])");
    search("the", "a", "&filter_by=year:1969&analytics_tag=x");
    search("the", "b");
    pause();
    flush();
    EXPECT_EQ(counted(), "the 1, the 1");
    const std::string all = world_.get("/collections/queries/documents/export").body;
    EXPECT_NE(all.find(R"("filter_by":"year:1969","analytics_tag":"x")"), std::string::npos) << all;
}

TEST_F(AnalyticsTest, CountersAreAddedToDocuments) {
    world_.post("/collections", R"({"name": "items", "fields": [
        {"name": "clicks", "type": "int32", "optional": true}]})");
    world_.post("/collections/items/documents", R"({"id": "a", "clicks": 5})");
    world_.post("/collections/items/documents", R"({"id": "b"})");
    EXPECT_EQ(
        rule(R"("type": "counter", "event_type": "click", "collection": "items",
                "params": {"counter_field": "clicks", "weight": 2})")
            .status,
        200
    );
    event(R"({"name": "r", "data": {"doc_id": "a", "user_id": "u"}})");
    event(R"({"name": "r", "data": {"doc_ids": ["a", "b", "gone"], "user_id": "u"}})");
    flush();
    EXPECT_EQ(world_.get("/collections/items/documents/a").body, R"({"id":"a","clicks":9})");
    EXPECT_EQ(world_.get("/collections/items/documents/b").body, R"({"id":"b","clicks":2})");
    EXPECT_EQ(world_.get("/collections/items/documents/gone").status, 404);
}

TEST_F(AnalyticsTest, LogsOfEventsCanBeRead) {
    rule(R"("type": "log", "event_type": "conversion", "collection": "books")");
    event(R"({"name": "r", "data": {"doc_id": "1", "user_id": "u", "query": "x"}})");
    event(R"({"name": "r", "data": {"doc_id": "9", "user_id": "other"}})");
    const std::string path = "/analytics/events?user_id=u&name=r&n=";
    const std::string first = world_.get(path + "10").body;
    EXPECT_NE(
        first.find(R"({"collection":"books","doc_id":"1","event_type":"conversion","name":"r",)"
                   R"("query":"x","timestamp":)"),
        std::string::npos
    ) << first;
    EXPECT_EQ(first.find("other"), std::string::npos);
    flush();
    EXPECT_EQ(world_.get(path + "10").body, first);
    world_.run_for(std::chrono::seconds(1));
    event(R"({"name": "r", "data": {"doc_ids": ["2", "3"], "user_id": "u"}})");
    const std::string both = world_.get(path + "10").body;
    EXPECT_LT(both.find(R"("doc_ids":["2","3"])"), both.find(R"("doc_id":"1")")) << both;
    const std::string last = world_.get(path + "1").body;
    EXPECT_EQ(last.find(R"("doc_id":"1")"), std::string::npos) << last;
    EXPECT_EQ(message(world_.get(path + "1001")), "N cannot be greater than 1000");
    EXPECT_EQ(message(world_.get("/analytics/events?user_id=u&name=none&n=1")), "Rule not found");
    EXPECT_EQ(
        message(world_.get("/analytics/events?user_id=u&name=r")),
        "Missing required parameter 'n'."
    );
}

TEST_F(AnalyticsTest, RulesAreShownChangedAndRemoved) {
    popular();
    EXPECT_EQ(message(popular()), "Rule already exists");
    const Answer changed =
        world_.put("/analytics/rules/r", R"({"rule_tag": "t", "params": {"limit": 20}})");
    EXPECT_EQ(changed.status, 200);
    EXPECT_EQ(member(member(changed.body, "params"), "limit"), "20");
    EXPECT_EQ(world_.get("/analytics/rules/r").body, changed.body);
    EXPECT_EQ(world_.get("/analytics/rules?rule_tag=t").body, "[" + changed.body + "]");
    EXPECT_EQ(world_.get("/analytics/rules?rule_tag=u").body, "[]");
    EXPECT_EQ(
        message(world_.put("/analytics/rules/r", R"({"type": "log"})")),
        "Rule type cannot be changed"
    );
    EXPECT_EQ(world_.remove("/analytics/rules/r").body, changed.body);
    EXPECT_EQ(message(world_.get("/analytics/rules/r")), "Rule not found");
    EXPECT_EQ(message(world_.remove("/analytics/rules/r")), "Rule not found");
    const Answer many = world_.post("/analytics/rules", R"([
        {"name": "a", "type": "log", "event_type": "search", "collection": "books"},
        {"name": "b"}])");
    EXPECT_EQ(many.status, 200);
    EXPECT_NE(many.body.find(R"("name":"a")"), std::string::npos);
    EXPECT_NE(
        many.body.find(R"({"error":"Event type is required when creating a new analytics rule"})"),
        std::string::npos
    );
}

TEST_F(AnalyticsTest, RefusesWhatIsNoRuleOrEvent) {
    const std::string kind =
        R"("type": "popular_queries", "event_type": "search", "collection": "books")";
    const std::pair<std::string, const char*> rules[] = {
        {R"("type": "log")", "Event type is required when creating a new analytics rule"},
        {R"("event_type": "search")", "Type is required when creating a new analytics rule"},
        {R"("event_type": "search", "type": "log")",
         "Collection is required when creating a new analytics rule"},
        {R"("event_type": "search", "type": "counter", "collection": "books")",
         "Event type or type is invalid (or) combination of both is invalid"},
        {R"("event_type": "click", "type": "popular_queries", "collection": "books")",
         "Event type or type is invalid (or) combination of both is invalid"},
        {R"("event_type": "search", "type": "log", "collection": "none")",
         "Collection none does not exist"},
        {kind,
         "Destination collection is required when creating a no hit queries or popular queries "
         "type rule"},
        {kind + R"(, "params": {"destination_collection": "none", "limit": 1})",
         "Destination collection does not exist"},
        {kind + R"(, "params": {"destination_collection": "queries", "limit": 0})",
         "Limit should be a number greater than 0"},
        {kind + R"(, "params": {"destination_collection": "queries", "expand_query": 1})",
         "Expand query should be a boolean"},
        {kind + R"(, "params": {"meta_fields": ["q"]})",
         "Meta field should be either filter_by or analytics_tag"},
        {kind + R"(, "rule_tag": 1)", "Rule tag should be a string"},
        {R"("event_type": "click", "type": "counter", "collection": "books")",
         "Counter field is required when creating a counter type rule"},
        {R"("event_type": "click", "type": "counter", "collection": "books",
            "params": {"counter_field": "year"})",
         "Weight should be a number greater than 0"},
    };
    for (const auto& [more, wanted] : rules) {
        const Answer answer = rule(more);
        EXPECT_EQ(answer.status, 400) << more;
        EXPECT_EQ(message(answer), wanted) << more;
    }
    popular();
    rule(R"("type": "log", "event_type": "click", "collection": "books")", "log");
    const std::pair<const char*, const char*> events[] = {
        {"[]", "Bad JSON."},
        {R"({"data": {}})", "name is required"},
        {R"({"name": "r"})", "data is required"},
        {R"({"name": "none", "data": {}})", "Rule not found"},
        {R"({"name": "r", "data": {"user_id": 1}})", "user_id should be a string"},
        {R"({"name": "r", "data": {}})", "'q' should be a string and is required"},
        {R"({"name": "log", "data": {}})", "doc_ids or doc_id is required"},
        {R"({"name": "log", "data": {"doc_id": "1", "doc_ids": []}})",
         "doc_ids and doc_id cannot both be present"},
        {R"({"name": "log", "data": {"doc_id": 1}})", "doc_id should be a string"},
    };
    for (const auto& [body, wanted] : events) {
        EXPECT_EQ(message(event(body)), wanted) << body;
    }
}

TEST_F(AnalyticsTest, WhatIsPendingSurvivesInItsFile) {
    popular();
    rule(R"("type": "log", "event_type": "click", "collection": "books")", "log");
    search("the");
    event(R"({"name": "log", "data": {"doc_id": "1", "user_id": "u"}})");
    pause();
    const auto pending = world_.dialect().analytics_changes();
    ASSERT_TRUE(pending.has_value());
    EXPECT_FALSE(world_.dialect().analytics_changes().has_value()) << "nothing new";
    Analytics again(world_.node(), world_.clock(), {true, 5, *pending});
    EXPECT_FALSE(again.changes().has_value());
    EXPECT_EQ(again.sizes().query_counters, 1U);
    EXPECT_EQ(again.sizes().document_events, 1U);
    EXPECT_EQ(encode_pending(again.take()), *pending);
    // Whatever a file holds, it is read or left out.
    for (std::size_t size = 0; size < pending->size(); ++size) {
        (void)decode_pending(pending->substr(0, size));
    }
    (void)decode_pending(R"({"queries": [1, {}], "documents": {}, "events": [{"event": 1}, []]})");
}

TEST_F(AnalyticsTest, CountsOfARuleThatIsGoneAreDropped) {
    popular();
    event(R"({"name": "r", "data": {"q": "x"}})");
    world_.remove("/analytics/rules/r");
    flush();
    EXPECT_EQ(counted(), "");
    EXPECT_EQ(member(world_.get("/analytics/status").body, "query_counter_events"), "0");
}

TEST_F(AnalyticsTest, IsBounded) {
    popular();
    rule(R"("type": "log", "event_type": "click", "collection": "books")", "log");
    Analytics analytics(world_.node(), world_.clock(), {true, 1'000'000, ""});
    const auto parse = [](const std::string& json) {
        return wire::JsonDocument::parse(json);
    };
    for (std::size_t i = 0; i < Analytics::kTypingMax + 10; ++i) {
        analytics.note_search({"books", "q" + std::to_string(i), "", "", std::to_string(i), 1});
    }
    EXPECT_EQ(
        analytics.sizes().typing[0] + analytics.sizes().query_counters,
        Analytics::kTypingMax + 10
    );
    EXPECT_LE(analytics.sizes().typing[0], Analytics::kTypingMax);
    const auto event = parse(R"({"name": "log", "data": {"doc_id": "1", "user_id": "u"}})");
    for (std::size_t i = 0; i < Analytics::kEventsMax + 10; ++i) {
        EXPECT_TRUE(analytics.add_event(event.value().root(), "a").ok());
    }
    EXPECT_EQ(analytics.sizes().document_events, Analytics::kEventsMax);
}

TEST_F(AnalyticsTest, EventsThatAnotherServerHasLoggedAreTaken) {
    rule(R"("type": "log", "event_type": "visit", "collection": "books")");
    const auto send = [&](const std::string& json) {
        return world_.post("/analytics/aggregate_events", json);
    };
    const Answer taken = send(R"([
        {"id": "9", "name": "r", "user_id": "u", "timestamp": 5, "doc_id": "1"},
        {"name": "r", "user_id": "u", "timestamp": 6, "doc_id": "2"}])");
    EXPECT_EQ(taken.status, 200);
    EXPECT_EQ(taken.body, R"({"ok":true})");
    EXPECT_EQ(
        world_.get("/analytics/events?user_id=u&name=r&n=10").body,
        R"({"events":[{"name":"r","user_id":"u","timestamp":6,"doc_id":"2"},)"
        R"({"name":"r","user_id":"u","timestamp":5,"doc_id":"1"}]})"
    );
    for (const char* wrong :
         {"{}",
          "x",
          R"([{"name": "r"}])",
          R"([{"name": "r", "user_id": "u", "timestamp": "5"}])"}) {
        EXPECT_EQ(send(wrong).status, 400) << wrong;
    }
}

TEST_F(AnalyticsTest, OneAddressSendsSoManyEventsAMinute) {
    popular();
    Analytics analytics(world_.node(), world_.clock(), {true, 2, ""});
    const auto event = wire::JsonDocument::parse(R"({"name": "r", "data": {"q": "x"}})");
    const auto add = [&](const std::string& address) {
        return analytics.add_event(event.value().root(), address).ok();
    };
    EXPECT_TRUE(add("a") && add("a"));
    EXPECT_FALSE(add("a"));
    EXPECT_TRUE(add("b"));
    world_.run_for(std::chrono::minutes(1));
    EXPECT_TRUE(add("a"));
}

/// Flushes what some other counter holds; false if that never ends.
bool flush_all(ApiWorld& world, Analytics& analytics) {
    static const DialectOptions kOptions;
    bool done = false;
    world.http_loop().post([&] {
        flush_analytics(analytics, world.node(), world.clock(), kOptions, world.http_loop(), [&] {
            done = true;
        });
    });
    return world.run_until([&] { return done; });
}

TEST_F(AnalyticsTest, AFlushOfMoreThanOneWriteHoldsLosesNothing) {
    popular(R"("limit": 100000)");
    Analytics analytics(world_.node(), world_.clock(), {true, 1'000'000, ""});
    constexpr int kTrimmed = 250;  // A rule keeps at most 10,000; a flush removes so many beyond.
    constexpr int kQueries = static_cast<int>(node::kBatchDocumentsMax) + 2345;
    for (int i = 0; i < kQueries; ++i) {
        const auto event = wire::JsonDocument::parse(
            R"({"name": "r", "data": {"q": "q)" + std::to_string(i) + "\"}}"
        );
        ASSERT_TRUE(analytics.add_event(event.value().root(), "a").ok());
    }
    ASSERT_TRUE(flush_all(world_, analytics));
    EXPECT_EQ(analytics.sizes().query_counters, 0U);
    EXPECT_EQ(
        member(world_.get("/collections/queries").body, "num_documents"),
        std::to_string(kQueries - kTrimmed)
    );
}

TEST_F(AnalyticsTest, AFlushOfMoreBytesThanOneWriteHoldsLosesNothing) {
    rule(R"("type": "log", "event_type": "custom", "collection": "books")");
    Analytics analytics(world_.node(), world_.clock(), {true, 1'000'000, ""});
    const std::string text(std::size_t{7} << 10, 'x');
    const auto event = wire::JsonDocument::parse(
        R"({"name": "r", "data": {"doc_id": "1", "user_id": "u", "text": ")" + text + "\"}}"
    );
    constexpr std::size_t kEvents = node::kBatchBytesMax / (std::size_t{7} << 10) + 100;
    static_assert(kEvents < Analytics::kEventsMax);
    for (std::size_t i = 0; i < kEvents; ++i) {
        ASSERT_TRUE(analytics.add_event(event.value().root(), "a").ok());
    }
    ASSERT_TRUE(flush_all(world_, analytics));
    EXPECT_EQ(analytics.sizes().document_events, 0U);
    EXPECT_EQ(
        member(world_.get("/collections/kumosearch_analytics_events").body, "num_documents"),
        std::to_string(kEvents)
    );
}

TEST_F(AnalyticsTest, CountersAreBoundedInBytes) {
    popular(R"("limit": 10, "meta_fields": ["filter_by"])");
    Analytics analytics(world_.node(), world_.clock(), {true, 1'000'000, ""});
    const std::string filter(Analytics::kFilterBytesMax, 'x');
    const auto add = [&](const std::string& q, const std::string& filter_by) {
        const auto event = wire::JsonDocument::parse(
            R"({"name": "r", "data": {"q": ")" + q + R"(", "filter_by": ")" + filter_by + "\"}}"
        );
        return analytics.add_event(event.value().root(), "a").ok();
    };
    EXPECT_FALSE(add("q", filter + "x"));
    constexpr std::size_t kFit = Analytics::kCounterBytesMax / Analytics::kFilterBytesMax;
    for (std::size_t i = 0; i < kFit + 10; ++i) {
        ASSERT_TRUE(add("q" + std::to_string(i), filter));
    }
    EXPECT_LT(analytics.sizes().query_counters, kFit);
    EXPECT_GT(analytics.sizes().query_counters, kFit - 10);
}

TEST(Analytics, SearchesAreNotCapturedUnlessTheServerIsAskedTo) {
    ApiWorld world;
    world.add_books();
    world.post("/analytics/rules", R"({"name": "r", "type": "log", "event_type": "search",
        "collection": "books"})");
    world.get("/collections/books/documents/search?q=the&query_by=title");
    world.run_for(std::chrono::seconds(5));
    EXPECT_EQ(member(world.get("/analytics/status").body, "query_log_events"), "0");
}

}  // namespace
}  // namespace kumo::api_kumosearch
