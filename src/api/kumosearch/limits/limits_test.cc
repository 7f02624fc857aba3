#include "api/kumosearch/internal/api_world_test.h"
#include "api/kumosearch/limits/limit_rules.h"
#include "api/kumosearch/limits/rate_limiter.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

constexpr auto kGet = wire::HttpMethod::kGet;
constexpr auto kPost = wire::HttpMethod::kPost;

class LimitsTest : public testing::Test {
protected:
    LimitsTest() { world_.add_books(); }

    Answer add(const std::string& rule) { return world_.post("/limits", rule); }

    int ask(const std::string& key = "root") {
        return world_.ask_as(key, kGet, "/collections/books").status;
    }

    /// How many of `count` requests were answered.
    int answered(int count) {
        int ok = 0;
        for (int i = 0; i < count; ++i) {
            ok += ask() == 200 ? 1 : 0;
        }
        return ok;
    }

    ApiWorld world_;
};

TEST_F(LimitsTest, RulesAreStoredAndShown) {
    const Answer added = add(R"({"action": "throttle", "ip_addresses": ["10.0.0.1"],
        "max_requests_1m": 10, "max_requests_1h": 100, "auto_ban_1m_threshold": 3,
        "auto_ban_1m_duration_hours": 2, "priority": 5})");
    const std::string rule =
        R"({"action":"throttle","auto_ban_1m_duration_hours":2,"auto_ban_1m_threshold":3,"id":0,)"
        R"("ip_addresses":["10.0.0.1"],"max_requests":{"hour_threshold":100,"minute_threshold":10},)"
        R"("priority":5})";
    EXPECT_EQ(added.status, 200);
    EXPECT_EQ(added.body, R"({"message":"Rule added successfully.","rule":)" + rule + "}");
    EXPECT_EQ(world_.get("/limits").body, "[" + rule + "]");
    EXPECT_EQ(world_.get("/limits/0").body, rule);
    // What is shown can be put back.
    EXPECT_EQ(
        world_.put("/limits/0", rule).body,
        R"({"message":"Rule updated successfully.","rule":)" + rule + "}"
    );
    EXPECT_EQ(
        member(add(R"({"action": "allow", "api_keys": ["k"]})").body, "message"),
        R"("Rule added successfully.")"
    );
    EXPECT_EQ(world_.remove("/limits/0").body, R"({"id":0})");
    EXPECT_EQ(world_.get("/limits/0").status, 404);
    EXPECT_EQ(message(world_.get("/limits/0")), "Not Found");
    EXPECT_EQ(world_.put("/limits/0", rule).status, 404);
    EXPECT_EQ(world_.remove("/limits/0").status, 404);
    EXPECT_EQ(message(world_.get("/limits/x")), "Invalid ID");
}

TEST_F(LimitsTest, KeysAreStoredAsDigests) {
    const Answer added = add(R"({"action": "block", "api_keys": ["secret", ".*"]})");
    EXPECT_EQ(added.body.find("secret"), std::string::npos);
    EXPECT_NE(added.body.find(limited_key("secret")), std::string::npos);
    EXPECT_EQ(
        member(member(added.body, "rule"), "api_keys"),
        "[\"" + limited_key("secret") + "\",\".*\"]"
    );
}

TEST_F(LimitsTest, RefusesWhatIsNoRule) {
    const std::pair<const char*, const char*> cases[] = {
        {"[]", "Bad JSON."},
        {R"({"ip_addresses": [".*"]})", "Parameter `action` is required."},
        {R"({"action": "block"})", "Parameter `ip_addresses` or `api_keys` is required."},
        {R"({"action": "block", "ip_addresses": "x"})",
         "Parameter `ip_addresses` must be an array of strings."},
        {R"({"action": "block", "api_keys": [1]})",
         "Parameter `api_keys` must be an array of strings."},
        {R"({"action": "block", "ip_addresses": [], "api_keys": []})",
         "Parameter `ip_addresses` or `api_keys` must have at least one value."},
        {R"({"action": "block", "ip_addresses": ["example.com"]})",
         "`example.com` in `ip_addresses` is no IP address."},
        {R"({"action": "block", "ip_addresses": ["1.1.1.1", "1.1.1.2"], "api_keys": ["a", "b"]})",
         "Many to many rule is not supported."},
        {R"({"action": 1, "ip_addresses": [".*"]})", "Parameter `action` must be a string."},
        {R"({"action": "ban", "ip_addresses": [".*"]})", "Invalid action."},
        {R"({"action": "throttle", "ip_addresses": [".*"]})",
         "At least one of `max_requests_1m` or `max_requests_1h` is required."},
        {R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1m": "5"})",
         "Parameter `max_requests_1m` must be an integer."},
        {R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1h": 1.5})",
         "Parameter `max_requests_1h` must be an integer."},
        {R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1h": 1,
             "auto_ban_1m_threshold": 1})",
         "Both `auto_ban_1m_threshold` and `auto_ban_1m_duration_hours` are required if either is "
         "specified."},
        {R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1h": 1,
             "auto_ban_1m_threshold": 1, "auto_ban_1m_duration_hours": "1"})",
         "Parameters `auto_ban_1m_threshold` and `auto_ban_1m_duration_hours` must be integers."},
        {R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1h": 1,
             "auto_ban_1m_threshold": -1, "auto_ban_1m_duration_hours": 1})",
         "Both `auto_ban_1m_threshold` and `auto_ban_1m_duration_hours` must be greater than 0."},
        {R"({"action": "block", "ip_addresses": [".*"], "apply_limit_per_entity": 1})",
         "Parameter `apply_limit_per_entity` must be a boolean."},
        {R"({"action": "block", "ip_addresses": [".*"], "priority": -1})",
         "Parameter `priority` must be an unsigned integer."},
    };
    for (const auto& [body, wanted] : cases) {
        const Answer answer = add(body);
        EXPECT_EQ(answer.status, 400) << body;
        EXPECT_EQ(message(answer), wanted) << body;
    }
    EXPECT_EQ(world_.get("/limits").body, "[]");
}

TEST_F(LimitsTest, ThrottleByMinuteAndHour) {
    add(R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1m": 3,
            "max_requests_1h": 8})");
    EXPECT_EQ(answered(10), 3);
    const Answer refused = world_.get("/collections/books");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(message(refused), "Rate limit exceeded or blocked");
    EXPECT_EQ(
        world_.get("/limits/exceeds").body,
        R"([{"api_key":".*","id":0,"ip":".*","request_count":8}])"
    );
    world_.run_for(std::chrono::seconds(120));
    EXPECT_EQ(answered(10), 3);
    world_.run_for(std::chrono::seconds(120));
    EXPECT_EQ(answered(10), 2) << "the hour's maximum";
    world_.run_for(std::chrono::hours(2));
    EXPECT_EQ(answered(1), 1);
    EXPECT_EQ(world_.get("/limits/exceeds").body, "[]");
}

TEST_F(LimitsTest, CountThePartOfTheMinuteBefore) {
    add(R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1m": 10})");
    EXPECT_EQ(answered(20), 10);
    world_.run_for(std::chrono::seconds(90));
    // Half of the minute before still counts.
    EXPECT_EQ(answered(20), 5);
}

TEST_F(LimitsTest, TheLowestPriorityThatFitsCounts) {
    add(R"({"action": "block", "ip_addresses": [".*"], "priority": 2})");
    EXPECT_EQ(ask(), 429);
    add(R"({"action": "allow", "api_keys": ["root"], "priority": 1})");
    EXPECT_EQ(ask(), 200);
    EXPECT_EQ(ask("other"), 429);
    EXPECT_EQ(world_.ask_as("", kGet, "/health").status, 200) << "health is for everybody";
    add(R"({"action": "block", "ip_addresses": ["10.9.9.9"], "api_keys": ["root"]})");
    EXPECT_EQ(ask(), 200) << "of another address";
}

TEST_F(LimitsTest, NobodyIsLockedOutOfTheRules) {
    add(R"({"action": "block", "ip_addresses": [".*"], "api_keys": [".*"]})");
    EXPECT_EQ(ask(), 429);
    EXPECT_EQ(world_.ask_as("other", kGet, "/limits").status, 429);
    EXPECT_EQ(world_.remove("/limits/0").status, 200);
    EXPECT_EQ(ask(), 200);
}

TEST_F(LimitsTest, AreCheckedBeforeTheKey) {
    add(R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1m": 1})");
    EXPECT_EQ(ask("wrong"), 401);
    EXPECT_EQ(ask("wrong"), 429);
    EXPECT_EQ(world_.ask_as("wrong", kGet, "/nothing").status, 404);
}

TEST_F(LimitsTest, KeysAreCountedEachForItself) {
    add(R"({"action": "throttle", "api_keys": ["a", "b"], "max_requests_1m": 2})");
    for (const char* key : {"a", "b"}) {
        EXPECT_EQ(ask(key), 401);
        EXPECT_EQ(ask(key), 401);
        EXPECT_EQ(ask(key), 429);
    }
    EXPECT_EQ(ask("c"), 401);
    EXPECT_EQ(answered(5), 5);
    const std::string exceeds = world_.get("/limits/exceeds").body;
    EXPECT_NE(exceeds.find(limited_key("a")), std::string::npos);
}

TEST_F(LimitsTest, BanWhoExceedsTooOften) {
    add(R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1m": 1,
            "auto_ban_1m_threshold": 1, "auto_ban_1m_duration_hours": 1,
            "apply_limit_per_entity": true})");
    EXPECT_EQ(answered(3), 1);
    world_.run_for(std::chrono::seconds(120));
    EXPECT_EQ(world_.get("/limits/active").body, "[]");
    EXPECT_EQ(answered(3), 1);
    const std::string bans = world_.get("/limits/active").body;
    EXPECT_NE(bans.find(R"("id":0)"), std::string::npos) << bans;
    EXPECT_NE(bans.find(R"("ip_address":)"), std::string::npos) << bans;
    world_.run_for(std::chrono::minutes(10));
    EXPECT_EQ(ask(), 429);
    EXPECT_EQ(world_.remove("/limits/active/0").body, R"({"id":0})");
    EXPECT_EQ(message(world_.remove("/limits/active/0")), "Invalid ID");
    EXPECT_EQ(ask(), 200);
    EXPECT_EQ(ask(), 429);
    EXPECT_EQ(world_.remove("/limits/exceeds/2").body, R"({"id":2})");
    EXPECT_EQ(ask(), 200);
    EXPECT_EQ(message(world_.remove("/limits/exceeds/2")), "Invalid ID");
}

TEST_F(LimitsTest, BansEndByThemselves) {
    add(R"({"action": "throttle", "ip_addresses": [".*"], "max_requests_1m": 1,
            "auto_ban_1m_threshold": 1, "auto_ban_1m_duration_hours": 1})");
    EXPECT_EQ(answered(5), 1);
    EXPECT_EQ(world_.get("/limits/active").body, "[]") << "five refusals are one time";
    world_.run_for(std::chrono::minutes(3));
    EXPECT_EQ(answered(5), 1);
    EXPECT_NE(world_.get("/limits/active").body, "[]");
    world_.run_for(std::chrono::minutes(59));
    EXPECT_EQ(ask(), 429);
    world_.run_for(std::chrono::minutes(2));
    EXPECT_EQ(world_.get("/limits/active").body, "[]");
    EXPECT_EQ(answered(5), 1);
    EXPECT_EQ(world_.get("/limits/active").body, "[]") << "it has begun anew";
}

TEST_F(LimitsTest, CountEachSearchOfAMultiSearch) {
    add(R"({"action": "throttle", "api_keys": ["root"], "max_requests_1m": 3})");
    const auto search = [&](int count) {
        std::string body = R"({"searches": [)";
        for (int i = 0; i < count; ++i) {
            body += i == 0 ? "" : ",";
            body += R"({"collection": "books", "q": "the", "query_by": "title"})";
        }
        return world_.post("/multi_search", body + "]}").status;
    };
    EXPECT_EQ(search(4), 429);
    world_.run_for(std::chrono::minutes(3));
    EXPECT_EQ(search(3), 200);
    EXPECT_EQ(search(1), 429);
}

TEST_F(LimitsTest, CountersAreBounded) {
    add(R"({"action": "throttle", "api_keys": [".*"], "ip_addresses": [".*"],
            "apply_limit_per_entity": true, "max_requests_1m": 1})");
    RateLimiter limiter(world_.node(), world_.clock());
    const auto address = [](std::size_t i) {
        return "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    };
    for (std::size_t i = 0; i <= RateLimiter::kCountersMax; ++i) {
        EXPECT_FALSE(limiter.is_limited("k", address(i)));
    }
    EXPECT_TRUE(limiter.is_limited("k", address(RateLimiter::kCountersMax)));
    EXPECT_FALSE(limiter.is_limited("k", address(0))) << "the oldest is forgotten";
    EXPECT_TRUE(limiter.is_limited("k", "::ffff:" + address(RateLimiter::kCountersMax)));
}

}  // namespace
}  // namespace kumo::api_kumosearch
