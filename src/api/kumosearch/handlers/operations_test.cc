#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

#include <set>

// What operators ask for: metrics, settings, the cache, compaction.

namespace kumo::api_kumosearch {
namespace {

constexpr auto kGet = wire::HttpMethod::kGet;

/// The value of a sample, or the empty text.
std::string sample(const std::string& metrics, const std::string& name) {
    const std::size_t at = metrics.find("\n" + name + " ");
    if (at == std::string::npos) {
        return "";
    }
    const std::size_t begin = at + name.size() + 2;
    return metrics.substr(begin, metrics.find('\n', begin) - begin);
}

TEST(Metrics, AreInTheFormThatScrapersRead) {
    ApiWorld world({.api_key = "root", .version = "1.2", .gauges = [] {
                        return Metrics{
                            {"process_open_fds", "12"},
                            {"system_disk_used_bytes", "99"},
                            {"odd", "n/a"}};
                    }});
    world.add_books();
    world.get("/collections/books/documents/search?q=the&query_by=title");
    world.get("/collections/none/documents/search?q=the&query_by=title");
    world.get("/nothing/that/is/there");
    const Answer answer = world.get("/metrics");
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.headers.find("text/plain; version=0.0.4"), std::string::npos);
    const auto value = [&](const std::string& name) {
        return sample(answer.body, name);
    };
    EXPECT_EQ(value("kumosearch_build_info{version=\"1.2\"}"), "1");
    EXPECT_EQ(value("kumosearch_ready"), "1");
    EXPECT_EQ(value("kumosearch_collections"), "1");
    EXPECT_EQ(value("kumosearch_documents"), "3");
    EXPECT_EQ(value("kumosearch_collection_documents{collection=\"books\"}"), "3");
    EXPECT_EQ(value("kumosearch_shards"), "1");
    EXPECT_EQ(value("kumosearch_shards_led"), "1");
    EXPECT_EQ(value("kumosearch_shards_without_primary"), "0");
    EXPECT_EQ(value("kumosearch_cluster_members{state=\"up\"}"), "1");
    EXPECT_EQ(value("kumosearch_cluster_leads"), "1");
    EXPECT_EQ(value("kumosearch_system_disk_used_bytes"), "99");
    EXPECT_EQ(value("process_open_fds"), "12");
    EXPECT_EQ(answer.body.find("odd"), std::string::npos);
    const std::string route = "method=\"GET\",route=\"/collections/:collection/documents/search\"";
    EXPECT_EQ(value("kumosearch_http_requests_total{" + route + ",status=\"2xx\"}"), "1");
    EXPECT_EQ(value("kumosearch_http_requests_total{" + route + ",status=\"4xx\"}"), "1");
    EXPECT_EQ(value("kumosearch_http_request_duration_seconds_count{" + route + "}"), "2");
    EXPECT_EQ(
        value("kumosearch_http_requests_total{method=\"\",route=\"unknown\",status=\"4xx\"}"),
        "1"
    );
}

TEST(Metrics, HaveEachFamilyOnceAndNothingOfAPath) {
    ApiWorld world;
    world.add_books();
    for (int i = 0; i < 30; ++i) {
        world.get("/collections/secret" + std::to_string(i));
    }
    const std::string body = world.get("/metrics").body;
    EXPECT_EQ(body.find("secret"), std::string::npos);
    std::set<std::string> families;
    std::size_t at = 0;
    while ((at = body.find("# TYPE ", at)) != std::string::npos) {
        const std::string line = body.substr(at, body.find('\n', at) - at);
        EXPECT_TRUE(families.insert(line).second) << line;
        at += line.size();
    }
    EXPECT_GT(families.size(), 20U);
    EXPECT_EQ(body.back(), '\n');
}

TEST(Metrics, NeedAKeyWhichMayBeABearerToken) {
    ApiWorld world;
    EXPECT_EQ(world.ask_as("", kGet, "/metrics").status, 401);
    world.headers = {{"Authorization", "Bearer wrong"}};
    EXPECT_EQ(world.ask_as("", kGet, "/metrics").status, 401);
    world.headers = {{"Authorization", "bearer root"}};
    EXPECT_EQ(world.ask_as("", kGet, "/metrics").status, 200);
}

TEST(Metrics, ShowTheLargestCollectionsOnly) {
    ApiWorld world;
    for (int i = 0; i < 103; ++i) {
        const std::string name = "c" + std::to_string(i);
        world.post(
            "/collections",
            R"({"name": ")" + name + R"(", "fields": [{"name": "t", "type": "string"}]})"
        );
    }
    world.post("/collections/c102/documents", R"({"t": "x"})");
    const std::string body = world.get("/metrics").body;
    EXPECT_EQ(sample(body, "kumosearch_collections"), "103");
    EXPECT_EQ(sample(body, "kumosearch_collection_documents{collection=\"c102\"}"), "1");
    std::size_t series = 0;
    for (std::size_t at = 0; (at = body.find("collection_documents{", at)) != std::string::npos;
         ++at) {
        ++series;
    }
    EXPECT_EQ(series, 100U);
}

TEST(Config, ChangesWhatItNames) {
    ApiWorld world;
    world.add_books();
    const Answer answer = world.post("/config", R"({"skip-writes": true, "other": 1})");
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body, R"({"success":true})");
    const Answer refused = world.post("/collections/books/documents", "{}");
    EXPECT_EQ(refused.status, 422);
    EXPECT_EQ(message(refused), "Skipping writes.");
    EXPECT_EQ(world.get("/collections/books/documents/1").status, 200);
    EXPECT_EQ(world.post("/operations/cache/clear", "").status, 200);
    EXPECT_EQ(world.post("/config", R"({"skip-writes": false})").status, 201);
    EXPECT_EQ(world.remove("/collections/books/documents/1").status, 200);
}

TEST(Config, RefusesWrongValuesAndThenChangesNothing) {
    ApiWorld world;
    const std::pair<const char*, const char*> cases[] = {
        {R"([1])", "Bad JSON."},
        {R"({"skip-writes": true, "log-slow-requests-time-ms": "5"})",
         "Configuration `log-slow-requests-time-ms` must be an integer."},
        {R"({"skip-writes": true, "log-slow-searches-time-ms": 1.5})",
         "Configuration `log-slow-searches-time-ms` must be an integer."},
        {R"({"skip-writes": true, "healthy-read-lag": 0})",
         "Configuration `healthy-read-lag` must be a positive integer."},
        {R"({"skip-writes": true, "healthy-write-lag": -5})",
         "Configuration `healthy-write-lag` must be a positive integer."},
        {R"({"skip-writes": true, "cache-num-entries": 99999999999})",
         "Configuration `cache-num-entries` must be a positive integer."},
        {R"({"skip-writes": true, "embedding-cache-num-entries": 0})",
         "Configuration `embedding-cache-num-entries` must be a positive integer."},
        {R"({"skip-writes": true, "enable-search-logging": 1})",
         "Configuration `enable-search-logging` must be a boolean."},
        {R"({"skip-writes": 1})", "Configuration `skip-writes` must be a boolean."},
    };
    for (const auto& [body, wanted] : cases) {
        const Answer answer = world.post("/config", body);
        EXPECT_EQ(answer.status, 400) << body;
        EXPECT_EQ(message(answer), wanted);
    }
    world.add_books();
}

TEST(HealthWithUsage, HasThresholdsAndAKeyOfItsOwn) {
    ApiWorld world({.api_key = "root", .health_rusage_api_key = "usage", .metrics = [] {
                        return Metrics{{"system_cpu_active_percentage", "50.00"}};
                    }});
    const std::string path = "/health_with_rusage";
    EXPECT_EQ(world.ask_as("", kGet, path).status, 401);
    EXPECT_EQ(world.ask_as("usage", kGet, path).body, R"({"ok":true})");
    EXPECT_EQ(world.ask_as("usage", kGet, "/metrics.json").status, 401);
    EXPECT_EQ(world.get(path + "?cpu_threshold=50.5").status, 200);
    const Answer busy = world.get(path + "?cpu_threshold=40");
    EXPECT_EQ(busy.status, 503);
    EXPECT_EQ(busy.body, R"({"ok":false})");
    EXPECT_EQ(world.get(path + "?cpu_threshold=x&pending_write_batches_threshold=0").status, 200);
}

/// A search with `use_cache`, and whether it came from the cache.
class CacheTest : public testing::Test {
protected:
    CacheTest() { world_.add_books(); }

    Answer search(const std::string& more = "") {
        const Answer answer = world_.get(
            "/collections/books/documents/search?q=the&query_by=title&use_cache=true" + more
        );
        const std::string count = member(world_.get("/stats.json").body, "cache_hit_count");
        was_hit_ = count != hits_;
        hits_ = count;
        return answer;
    }

    ApiWorld world_;
    std::string hits_ = "0";
    bool was_hit_ = false;
};

TEST_F(CacheTest, GivesTheSameAnswerWithoutSearching) {
    const Answer first = search();
    EXPECT_FALSE(was_hit_);
    const Answer again = search();
    EXPECT_TRUE(was_hit_);
    EXPECT_EQ(again.body, first.body);
    search("&per_page=1");
    EXPECT_FALSE(was_hit_);
    world_.get("/collections/books/documents/search?q=the&query_by=title");
    search();
    EXPECT_TRUE(was_hit_);
    world_.run_for(std::chrono::seconds(61));
    search();
    EXPECT_FALSE(was_hit_);
}

TEST_F(CacheTest, IsNeverOlderThanAnAcknowledgedWrite) {
    EXPECT_EQ(member(search().body, "found"), "2");
    const auto expect_found = [&](const char* found) {
        EXPECT_EQ(member(search().body, "found"), found);
        EXPECT_FALSE(was_hit_);
        EXPECT_EQ(member(search().body, "found"), found);
        EXPECT_TRUE(was_hit_);
    };
    world_.post("/collections/books/documents", R"({"id": "9", "title": "The Fifth Season",
        "authors": ["Jemisin"], "year": 2015})");
    expect_found("3");
    world_.patch("/collections/books/documents/9", R"({"title": "Fifth Season"})");
    expect_found("2");
    world_.post(
        "/collections/books/documents/import?action=upsert",
        R"({"id": "10", "title": "The City We Became", "authors": ["Jemisin"], "year": 2020})"
    );
    expect_found("3");
    world_.remove("/collections/books/documents?filter_by=year:2020");
    expect_found("2");
    world_.remove("/collections/books/documents/1");
    expect_found("1");
    world_.remove("/collections/books/documents?truncate=true");
    expect_found("0");
    // Another collection of that name.
    world_.remove("/collections/books");
    EXPECT_EQ(search().status, 404);
    world_.add_books();
    expect_found("2");
}

TEST_F(CacheTest, IsNeverOlderThanAChangeOfRules) {
    const auto expect_found = [&](const char* found, const std::string& more) {
        EXPECT_EQ(member(search(more).body, "found"), found);
        EXPECT_FALSE(was_hit_);
        EXPECT_EQ(member(search(more).body, "found"), found);
        EXPECT_TRUE(was_hit_);
    };
    expect_found("2", "");
    world_.put("/collections/books/synonyms/s", R"({"synonyms": ["the", "omens"]})");
    expect_found("3", "");
    world_.put("/collections/books/overrides/o", R"({"rule": {"query": "the", "match": "exact"},
        "excludes": [{"id": "1"}]})");
    expect_found("2", "");
    world_.put("/stopwords/none", R"({"stopwords": ["zzz"]})");
    expect_found("2", "&stopwords=none");
    world_.put("/stopwords/none", R"({"stopwords": ["the"]})");
    expect_found("0", "&stopwords=none");
    world_.put("/presets/p", R"({"value": {"filter_by": "year:>1970"}})");
    expect_found("2", "&preset=p");
    world_.put("/presets/p", R"({"value": {"filter_by": "year:>1980"}})");
    expect_found("1", "&preset=p");
    world_.remove("/collections/books/overrides/o");
    // Of the collection itself.
    world_.put("/curation_sets/c", R"({"items": [{"id": "x", "rule": {"query": "the",
        "match": "exact"}, "filter_by": "year:1974"}]})");
    world_.patch("/collections/books", R"({"curation_sets": ["c"]})");
    expect_found("1", "");
}

TEST_F(CacheTest, IsForEachSearchOfAMultiSearch) {
    const std::string body = R"({"searches": [
        {"collection": "books", "q": "the", "query_by": "title"},
        {"collection": "books", "q": "omens", "query_by": "title"}]})";
    const Answer first = world_.post("/multi_search?use_cache=true", body);
    const Answer again = world_.post("/multi_search?use_cache=true", body);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(member(world_.get("/stats.json").body, "cache_hit_count"), "2");
}

TEST_F(CacheTest, CanBeClearedAndResized) {
    search();
    EXPECT_EQ(world_.post("/operations/cache/clear", "").body, R"({"success":true})");
    search();
    EXPECT_FALSE(was_hit_);
    search("&page=2");
    world_.post("/config", R"({"cache-num-entries": 1})");
    search();
    EXPECT_FALSE(was_hit_);
    search();
    EXPECT_TRUE(was_hit_);
}

TEST_F(CacheTest, DoesNotMixWhatKeysEmbed) {
    // The same request under another filter of the key is another search.
    const std::string path =
        "/multi_search?use_cache=true&q=the&query_by=title&x-typesense-api-key=root";
    const std::string filtered =
        R"({"searches": [{"collection": "books", "filter_by": "year:1974"}]})";
    const std::string plain = R"({"searches": [{"collection": "books"}]})";
    const auto found = [&](const std::string& body) {
        const Answer answer = world_.ask_as("", wire::HttpMethod::kPost, path, body);
        return answer.body.find(R"("found":1)") != std::string::npos ? 1 : 2;
    };
    EXPECT_EQ(found(filtered), 1);
    EXPECT_EQ(found(plain), 2);
    EXPECT_EQ(found(filtered), 1);
}

TEST(Compaction, LeavesOneSegmentWithoutDeletedDocuments) {
    ApiWorld world;
    world.add_books();
    const auto segments = [&] {
        std::size_t count = 0;
        const auto copies = world.fs().list("data/collections");
        for (const io::DirEntry& copy : copies.value()) {
            const auto files = world.fs().list("data/collections/" + copy.name);
            for (const io::DirEntry& file : files.value()) {
                count += file.name.ends_with(".kseg") ? 1 : 0;
            }
        }
        return count;
    };
    for (int i = 0; i < 3; ++i) {
        world.post(
            "/collections/books/documents",
            R"({"title": "More", "authors": [], "year": )" + std::to_string(2000 + i) + "}"
        );
        world.run_for(std::chrono::seconds(30));  // Long enough to be sealed.
    }
    world.post("/collections/books/documents", R"({"title": "Live", "authors": [], "year": 1})");
    world.remove("/collections/books/documents/1");
    EXPECT_GT(segments(), 1U);
    const Answer compacted = world.post("/operations/db/compact", "");
    EXPECT_EQ(compacted.status, 200);
    EXPECT_EQ(compacted.body, R"({"success":true})");
    EXPECT_EQ(segments(), 1U);
    EXPECT_EQ(member(world.get("/collections/books/documents/search?q=*").body, "found"), "6");
    // Again there is nothing to do.
    EXPECT_EQ(world.post("/operations/db/compact", "").status, 200);
    EXPECT_EQ(segments(), 1U);
}

}  // namespace
}  // namespace kumo::api_kumosearch
