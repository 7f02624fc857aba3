#include "api/kumosearch/dialect.h"

#include "api/kumosearch/analytics/analytics_flush.h"
#include "api/kumosearch/deferred_sink.h"
#include "api/kumosearch/request_log.h"
#include "api/kumosearch/resources/values.h"
#include "api/kumosearch/routes.h"
#include "base/log.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

constexpr std::size_t kSearchQueryBytesMax = 4000;

/// `health-rusage-api-key` is a key for this and nothing else.
constexpr std::string_view kRusageAction = "health_with_rusage:list";

/// The credential comes under our name or under the one that existing clients send.
constexpr ByteView kKeyNames[] = {"x-kumosearch-api-key", "x-typesense-api-key"};

std::string credential_of(const wire::HttpRequestHead& head, const Parameters& parameters) {
    for (const ByteView name : kKeyNames) {
        if (const auto value = head.find(name)) {
            return std::string(*value);
        }
    }
    for (const auto& [name, value] : parameters.all()) {
        for (const ByteView known : kKeyNames) {
            if (wire::equals_ignore_case(name, known)) {
                return value;
            }
        }
    }
    // What scrapers of metrics send.
    const ByteView authorization = head.find("authorization").value_or("");
    constexpr ByteView kBearer = "bearer ";
    if (wire::equals_ignore_case(authorization.substr(0, kBearer.size()), kBearer)) {
        return std::string(authorization.substr(kBearer.size()));
    }
    return {};
}

/// A browser that was lured to a name which now points to this machine sends that name. Without
/// keys it is the only thing that tells it from a local caller.
bool is_local_host(ByteView host) {
    if (host.starts_with('[')) {
        return host.starts_with("[::1]");
    }
    const ByteView name = host.substr(0, host.find(':'));
    return wire::equals_ignore_case(name, "localhost") || name.starts_with("127.");
}

/// What operators do is not among the writes that `skip-writes` refuses: one of it ends that.
bool is_write(const Route& route) {
    return route.method != wire::HttpMethod::kGet && route.access != Access::kSearches
           && !route.pattern.starts_with("/operations/") && route.pattern != "/config";
}

}  // namespace

Dialect::Dialect(node::Node& node, io::WorkerPool& pool, const Clock& clock, DialectOptions options)
    : options_(std::move(options)),
      authenticator_(options_.api_key, node),
      rusage_key_(options_.health_rusage_api_key, node),
      live_(options_),
      limiter_(node, clock),
      analytics_(
          node,
          clock,
          {options_.enable_search_analytics,
           options_.analytics_minute_rate_limit,
           std::move(options_.analytics_pending)}
      ),
      context_{
          node,
          pool,
          clock,
          options_,
          authenticator_,
          stats_,
          live_,
          cache_,
          limiter_,
          analytics_} {
    options_.api_key.clear();
    options_.health_rusage_api_key.clear();
}

std::unique_ptr<http::RequestSink>
Dialect::on_request(const wire::HttpRequestHead& head, http::ResponsePtr response) {
    const auto call = std::make_shared<Call>(Call{context_, std::move(response)});
    call->method = head.method();
    call->full_path = head.path();
    call->allow_origin = allow_origin(head);
    for (const ByteView name : {"x-kumosearch-user-id", "x-typesense-user-id"}) {
        call->user = call->user.empty() ? head.find(name).value_or("") : call->user;
    }
    call->started = context_.clock.monotonic_now();
    if (head.method() == wire::HttpMethod::kOptions) {
        answer_preflight(head, *call);
        return nullptr;
    }
    auto parameters = Parameters::from_query(head.query());
    if (!parameters.ok()) {
        answer_error(*call, parameters.error());
        return nullptr;
    }
    call->parameters = std::move(parameters).value();
    if (head.method() == wire::HttpMethod::kGet && head.query().size() > kSearchQueryBytesMax
        && head.path().ends_with("/documents/search")) {
        answer_message(
            *call,
            400,
            "Query string exceeds max allowed length of 4000. Use the /multi_search end-point for "
            "larger payloads."
        );
        return nullptr;
    }
    call->credential = credential_of(head, call->parameters);
    if (const auto unanswered = find_handler(head, *call)) {
        answer_error(*call, *unanswered);
        return nullptr;
    }
    if (is_limited(*call)) {
        answer_message(*call, 429, kLimited);
        return nullptr;
    }
    const auto refused = check_call(head, *call);
    if (may_be_news(refused, *call)) {
        auto sink = std::make_unique<DeferredSink>(call, [this, &head, call] {
            call->credential = credential_of(head, call->parameters);
            auto missing = find_handler(head, *call);
            return dispatch(missing ? std::move(missing) : check_call(head, *call), call);
        });
        context_.node.refresh(call->loop(), [resume = sink->resume()](const Result<bool>&) {
            resume();
        });
        return sink;
    }
    return dispatch(refused, call);
}

std::unique_ptr<http::RequestSink>
Dialect::dispatch(const std::optional<Error>& refused, const CallPtr& call) {
    if (refused) {
        answer_error(*call, *refused);
        return nullptr;
    }
    if (routes()[call->route].access == Access::kCollection
        && routes()[call->route].action.name() == kSearchAction) {
        log_search(*call);
    }
    return routes()[call->route].handler(call);
}

/// The key or the collection is not known here; another node may have made it a moment ago.
bool Dialect::may_be_news(const std::optional<Error>& refused, const Call& call) const {
    if (refused) {
        return refused->code == ErrorCode::kUnauthenticated && !call.credential.empty();
    }
    return routes()[call.route].access == Access::kCollection && !call.path.empty()
           && !context_.node.collection(call.path.front()).ok();
}

std::optional<Error> Dialect::find_handler(const wire::HttpRequestHead& head, Call& call) const {
    auto match = find_route(head.method(), head.path());
    if (!match) {
        return not_found("Not Found");
    }
    call.route = match->index;
    call.path = std::move(match->path);
    const Access access = routes()[call.route].access;
    if (access != Access::kPublic && access != Access::kAlways && !context_.node.health().ok) {
        return Error{ErrorCode::kUnavailable, "Not Ready or Lagging"};
    }
    return std::nullopt;
}

/// Health checks are never refused, nor is who has the bootstrap key when it changes the rules:
/// nobody can lock themselves out.
bool Dialect::is_limited(const Call& call) const {
    const Route& route = routes()[call.route];
    const bool changes_rules =
        route.pattern.starts_with("/limits")
        && (authenticator_.open() || authenticator_.is_bootstrap_key(call.credential));
    return route.access != Access::kPublic && !changes_rules
           && context_.limiter.is_limited(call.credential, call.response->peer().host_string());
}

std::optional<Error> Dialect::check_call(const wire::HttpRequestHead& head, Call& call) const {
    const Route& route = routes()[call.route];
    if (route.access == Access::kPublic) {
        return std::nullopt;
    }
    if (authenticator_.open() && !is_local_host(head.host())) {
        return forbidden();
    }
    Status authorized = authorize(route, call);
    if (!authorized.ok()) {
        return std::move(authorized).error();
    }
    if (route.access != Access::kSearches) {
        call.credential.clear();
    }
    if (route.access == Access::kCollection) {
        // Only now: a key covers the name that it is asked for, alias or not.
        call.path.front() = resolve_collection(context_.node, std::move(call.path.front()));
    }
    if (live_.skip_writes && is_write(route)) {
        return Error{ErrorCode::kLimitExceeded, "Skipping writes."};
    }
    return std::nullopt;
}

Status Dialect::authorize(const Route& route, Call& call) const {
    if (route.access == Access::kSearches) {
        return {};
    }
    if (route.action.name() == kRusageAction && !rusage_key_.open()
        && rusage_key_.is_bootstrap_key(call.credential)) {
        return {};
    }
    KUMO_TRY_ASSIGN(
        call.grant,
        authenticator_.authorize(call.credential, route.action.name(), context_.clock.wall_now())
    );
    const bool covered = route.access == Access::kCollection ? call.grant.allows(call.path.front())
                         : route.access == Access::kGlobal || route.access == Access::kAlways
                             ? call.grant.all_collections()
                             : true;
    return covered ? Status() : forbidden();
}

void Dialect::delete_expired_keys(io::Loop& loop) const {
    const auto now = std::chrono::floor<std::chrono::seconds>(context_.clock.wall_now())
                         .time_since_epoch()
                         .count();
    const auto keys = context_.node.keys();
    for (const node::KeyRecord& key : *keys) {
        if (!key.autodelete || key.expires_at > now) {
            continue;
        }
        context_.node.delete_key(key.id, loop, [id = key.id](const Result<node::KeyRecord>& gone) {
            log_info(
                "expired key " + std::to_string(id) + " "
                + (gone.ok() ? "deleted" : "not deleted: " + gone.error().message)
            );
        });
    }
}

void Dialect::flush_analytics(io::Loop& loop) {
    const Context& context = context_;
    api_kumosearch::flush_analytics(analytics_, context.node, context.clock, options_, loop, [] {});
}

std::string Dialect::allow_origin(const wire::HttpRequestHead& head) const {
    if (!options_.enable_cors) {
        return {};
    }
    if (options_.cors_domains.empty()) {
        return "*";
    }
    const std::string origin(head.find("origin").value_or(""));
    const auto& domains = options_.cors_domains;
    const bool allowed = std::find(domains.begin(), domains.end(), origin) != domains.end();
    return allowed ? origin : std::string();
}

void Dialect::answer_preflight(const wire::HttpRequestHead& head, const Call& call) const {
    http::Headers headers = answer_headers(call, http::kJsonContentType);
    if (!call.allow_origin.empty()) {
        headers.push_back({"Access-Control-Allow-Methods", "POST, GET, DELETE, PUT, PATCH, OPTIONS"}
        );
        if (const auto asked = head.find("access-control-request-headers")) {
            headers.push_back({"Access-Control-Allow-Headers", std::string(*asked)});
        }
        headers.push_back({"Access-Control-Max-Age", "3600"});
    }
    call.response->respond(200, std::move(headers), "");
}

}  // namespace kumo::api_kumosearch
