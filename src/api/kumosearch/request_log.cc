#include "api/kumosearch/request_log.h"

#include "api/kumosearch/routes.h"
#include "base/log.h"
#include "wire/http1_fields.h"

#include <chrono>
#include <string_view>

namespace kumo::api_kumosearch {

namespace {

constexpr std::size_t kDescriptionBytesMax = 1024;
constexpr std::size_t kPathBytesMax = 1024;

bool is_search(const Call& call) {
    return call.route != RequestStats::kNoRoute
           && routes()[call.route].action.name() == kSearchAction;
}

bool is_key(std::string_view name) {
    return wire::equals_ignore_case(name, "x-typesense-api-key")
           || wire::equals_ignore_case(name, "x-kumosearch-api-key");
}

/// "127.0.0.1 GET /collections/books"
std::string who_and_what(const Call& call) {
    std::string out = call.response->peer().host_string();
    out.append(" ").append(wire::http_method_name(call.method)).append(" ");
    return out.append(call.full_path, 0, kPathBytesMax);
}

/// What was searched for.
std::string searched(const Call& call) {
    std::string out = describe(call.parameters);
    if (!call.searches.empty()) {
        out.append(" searches: ").append(call.searches);
    }
    return out;
}

std::int64_t milliseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

void log_answer(const Call& call, int status, Duration took) {
    const LiveSettings& live = call.context.live;
    const std::int64_t ms = milliseconds(took);
    const auto is_slow = [ms](std::int64_t limit) {
        return limit >= 0 && ms >= limit;
    };
    if (call.context.options.enable_access_logging) {
        log_info(
            "access: " + who_and_what(call) + " " + std::to_string(status) + " "
            + std::to_string(ms) + " ms"
        );
    }
    const bool search = is_search(call);
    if (is_slow(live.log_slow_requests_ms) || (search && is_slow(live.log_slow_searches_ms))) {
        log_warn(
            std::string(search ? "slow search: " : "slow request: ") + std::to_string(ms) + " ms, "
            + std::to_string(status) + ", " + who_and_what(call) + "?" + searched(call)
        );
    }
}

void log_search(const Call& call) {
    if (call.context.live.enable_search_logging) {
        log_info("search: " + who_and_what(call) + "?" + searched(call));
    }
}

bool logs_searches(const Context& context) {
    const LiveSettings& live = context.live;
    return live.enable_search_logging || live.log_slow_searches_ms >= 0
           || live.log_slow_requests_ms >= 0;
}

std::string describe(const Parameters& parameters) {
    std::string out;
    for (const auto& [name, value] : parameters.all()) {
        if (is_key(name)) {
            continue;
        }
        out.append(out.empty() ? "" : "&").append(name).append("=").append(value);
        if (out.size() > kDescriptionBytesMax) {
            out.resize(kDescriptionBytesMax);
            return out.append("...");
        }
    }
    return out;
}

}  // namespace kumo::api_kumosearch
