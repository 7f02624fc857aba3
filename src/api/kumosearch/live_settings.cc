#include "api/kumosearch/live_settings.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

struct Number {
    std::string_view name;
    std::atomic<std::int64_t> LiveSettings::*setting;
    bool positive;
};

struct Flag {
    std::string_view name;
    std::atomic<bool> LiveSettings::*setting;
};

constexpr Number kNumbers[] = {
    {"log-slow-requests-time-ms", &LiveSettings::log_slow_requests_ms, false},
    {"log-slow-searches-time-ms", &LiveSettings::log_slow_searches_ms, false},
    {"healthy-read-lag", &LiveSettings::healthy_read_lag, true},
    {"healthy-write-lag", &LiveSettings::healthy_write_lag, true},
    {"cache-num-entries", &LiveSettings::cache_entries_max, true},
    {"embedding-cache-num-entries", &LiveSettings::embedding_cache_entries_max, true},
};

constexpr Flag kFlags[] = {
    {"enable-search-logging", &LiveSettings::enable_search_logging},
    {"skip-writes", &LiveSettings::skip_writes},
};

Error wrong(std::string_view name, std::string_view what) {
    return invalid_argument(
        "Configuration `" + std::string(name) + "` must be " + std::string(what) + "."
    );
}

}  // namespace

LiveSettings::LiveSettings(const DialectOptions& options)
    : log_slow_requests_ms(options.log_slow_requests_ms),
      log_slow_searches_ms(options.log_slow_searches_ms),
      healthy_read_lag(options.healthy_read_lag),
      healthy_write_lag(options.healthy_write_lag),
      cache_entries_max(options.cache_entries_max),
      embedding_cache_entries_max(options.embedding_cache_entries_max),
      enable_search_logging(options.enable_search_logging),
      skip_writes(options.skip_writes) {}

Status change_settings(LiveSettings& settings, wire::JsonValue object) {
    std::vector<std::function<void()>> changes;
    for (const Number& number : kNumbers) {
        const wire::JsonValue value = object.find(number.name);
        if (!value) {
            continue;
        }
        if (value.type() != wire::JsonType::kInt64) {
            return wrong(number.name, "an integer");
        }
        const std::int64_t wanted = value.as_int64();
        if (wanted > INT32_MAX || wanted < (number.positive ? 1 : INT32_MIN)) {
            return wrong(number.name, number.positive ? "a positive integer" : "an integer");
        }
        changes.emplace_back([&settings, &number, wanted] { settings.*number.setting = wanted; });
    }
    for (const Flag& flag : kFlags) {
        const wire::JsonValue value = object.find(flag.name);
        if (!value) {
            continue;
        }
        if (!value.is_bool()) {
            return wrong(flag.name, "a boolean");
        }
        changes.emplace_back([&settings, &flag, wanted = value.as_bool()] {
            settings.*flag.setting = wanted;
        });
    }
    for (const auto& change : changes) {
        change();
    }
    return {};
}

}  // namespace kumo::api_kumosearch
