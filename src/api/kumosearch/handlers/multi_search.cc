#include "api/kumosearch/errors.h"
#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/run_search.h"
#include "api/kumosearch/request_log.h"
#include "api/kumosearch/resources/values.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

constexpr std::uint64_t kSearchesMax = 50;
constexpr std::size_t kBodyBytesMax = std::size_t{10} << 20;
/// What is read of somebody whose key may still come in the body.
constexpr std::size_t kStrangerBodyBytesMax = std::size_t{64} << 10;

/// The searches of one request, each writing its own place of the answer.
struct Batch {
    std::vector<SearchOrder> searches;
    std::vector<std::string> results;  ///< JSON, once it is there.
    std::size_t missing = 0;
    bool unite = false;
    bool remove_duplicates = true;
};

std::string inline_error(const Error& error) {
    std::string json;
    wire::JsonWriter(json)
        .begin_object()
        .key("code")
        .integer(http_status(error.code))
        .key("error")
        .string(error.message)
        .end_object();
    return json;
}

/// A search's own key, under either name; else the request's.
std::string key_of(const Call& call, const Parameters& parameters) {
    const std::string& own = parameters.text("x-kumosearch-api-key", "x-typesense-api-key");
    return own.empty() ? call.credential : own;
}

/// One search object: its own parameters, beaten by those of the query string.
Result<SearchOrder> read_search(const Call& call, wire::JsonValue json) {
    if (!json.is_object()) {
        return invalid_argument("Each element of `searches` must be an object.");
    }
    SearchOrder out;
    KUMO_TRY_ASSIGN(out.parameters, Parameters::from_json(json));
    const Authenticator& authenticator = call.context.authenticator;
    KUMO_TRY_ASSIGN(
        out.grant,
        authenticator
            .authorize(key_of(call, out.parameters), kSearchAction, call.context.clock.wall_now())
    );
    const std::string own_filter = out.parameters.text("filter_by");
    out.parameters.override_with(call.parameters);
    if (call.parameters.has("filter_by")) {
        out.parameters.set("filter_by", own_filter);
        out.parameters.and_filter(call.parameters.text("filter_by"));
    }
    out.collection = out.parameters.text("collection");
    if (const auto preset = find_preset(call.context.node, out.parameters);
        preset != nullptr && out.collection.empty()) {
        out.collection = preset->parameters.text("collection");
    }
    if (!out.grant.allows(out.collection)) {
        return forbidden();
    }
    return out;
}

/// The request, and any scoped key in it, may ask for a lower limit.
Status check_count(const Parameters& parameters, std::size_t count) {
    KUMO_TRY_ASSIGN(
        const std::uint64_t limit,
        parameters.unsigned_integer("limit_multi_searches", kSearchesMax)
    );
    if (count > std::min(limit, kSearchesMax)) {
        return invalid_argument("Number of multi searches exceeds `limit_multi_searches` parameter."
        );
    }
    return {};
}

/// A member of the request's object, which the query string beats.
Result<bool> read_flag(const Call& call, wire::JsonValue root, std::string_view name, bool absent) {
    if (call.parameters.has(name)) {
        return call.parameters.flag(name, absent);
    }
    const wire::JsonValue value = root.find(name);
    if (!value || value.is_null()) {
        return absent;
    }
    if (!value.is_bool()) {
        return invalid_argument("Parameter `" + std::string(name) + "` must be a boolean.");
    }
    return value.as_bool();
}

/// The searches of a union have one page together: that of the query string.
void page_by_call(const Call& call, Parameters& parameters) {
    for (const char* name : {"page", "per_page", "offset", "limit", "limit_hits"}) {
        parameters.set(name, call.parameters.text(name));
    }
}

Result<std::shared_ptr<Batch>> read_batch(const Call& call, const std::string& body) {
    auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return invalid_argument("Bad JSON.");
    }
    const wire::JsonValue root = parsed.value().root();
    const wire::JsonValue searches = root.find("searches");
    if (!searches || !searches.is_array()) {
        return invalid_argument("Missing `searches` array.");
    }
    const std::size_t count = searches.as_array().size();
    KUMO_TRY(check_count(call.parameters, count));
    auto batch = std::make_shared<Batch>();
    KUMO_TRY_ASSIGN(batch->unite, read_flag(call, root, "union", false));
    KUMO_TRY_ASSIGN(batch->remove_duplicates, read_flag(call, root, "remove_duplicates", true));
    for (const wire::JsonValue search : searches.as_array()) {
        KUMO_TRY_ASSIGN(SearchOrder one, read_search(call, search));
        KUMO_TRY(check_count(one.grant.embedded, count));
        if (batch->unite) {
            page_by_call(call, one.parameters);
        }
        batch->searches.push_back(std::move(one));
    }
    return batch;
}

void answer_batch(const Call& call, const Batch& batch) {
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object().key("results").begin_array();
    for (const std::string& result : batch.results) {
        writer.raw(result);
    }
    writer.end_array().end_object();
    answer(call, 200, std::move(json));
}

/// Each search counts as a request; the first one has been counted, unless it has its own key.
bool is_limited(const Call& call, const std::vector<SearchOrder>& searches) {
    const std::string address = call.response->peer().host_string();
    bool is_first = true;
    for (const SearchOrder& search : searches) {
        const std::string key = key_of(call, search.parameters);
        const bool counted = std::exchange(is_first, false) && key == call.credential;
        if (!counted && call.context.limiter.is_limited(key, address)) {
            return true;
        }
    }
    return false;
}

/// For the log. A request's many searches are told by the first ones.
void note_searches(Call& call, const Batch& batch) {
    constexpr std::size_t kNotedMax = 3;
    if (!logs_searches(call.context)) {
        return;
    }
    for (std::size_t i = 0; i < std::min(batch.searches.size(), kNotedMax); ++i) {
        call.searches.append(i == 0 ? "[" : " [");
        call.searches.append(describe(batch.searches[i].parameters)).append("]");
    }
    if (batch.searches.size() > kNotedMax) {
        call.searches.append(" of " + std::to_string(batch.searches.size()));
    }
    log_search(call);
}

void run_batch(const CallPtr& call, const std::string& body) {
    const auto preset = find_preset(call->context.node, call->parameters);
    const bool is_preset = preset != nullptr && !preset->searches.empty();
    auto read = read_batch(*call, is_preset ? preset->searches : body);
    if (read.ok() && is_limited(*call, read.value()->searches)) {
        answer_message(*call, 429, kLimited);
        return;
    }
    if (!read.ok()) {
        answer_error(*call, read.error());
        return;
    }
    const std::shared_ptr<Batch> batch = std::move(read).value();
    note_searches(*call, *batch);
    if (batch->unite) {
        run_union(
            call,
            std::move(batch->searches),
            batch->remove_duplicates,
            [call](Result<std::string> json) {
                if (json.ok()) {
                    answer(*call, 200, std::move(json).value());
                } else {
                    answer_error(*call, json.error());
                }
            }
        );
        return;
    }
    batch->results.resize(batch->searches.size());
    // One more than there are, so that answers that come at once do not end it early.
    batch->missing = batch->searches.size() + 1;
    const auto finish_one = [call, batch] {
        if (--batch->missing == 0) {
            answer_batch(*call, *batch);
        }
    };
    for (std::size_t i = 0; i < batch->searches.size(); ++i) {
        run_search(
            call,
            std::move(batch->searches[i]),
            [batch, i, finish_one](Result<std::string> json) {
                batch->results[i] =
                    json.ok() ? std::move(json).value() : inline_error(json.error());
                finish_one();
            }
        );
    }
    finish_one();
}

}  // namespace

std::unique_ptr<http::RequestSink> multi_search(const CallPtr& call) {
    const Context& context = call->context;
    const bool known =
        context.authenticator.authorize(call->credential, kSearchAction, context.clock.wall_now())
            .ok();
    if (!known && !call->credential.empty()) {
        answer_error(*call, forbidden());
        return nullptr;
    }
    return http::collect_body(
        known ? kBodyBytesMax : kStrangerBodyBytesMax,
        [call](std::string body) {
            if (!names_unknown_resource(call->context.node, call->parameters)) {
                run_batch(call, body);
                return;
            }
            // The preset that says what to search may be another node's a moment ago.
            call->context.node.refresh(
                call->loop(),
                [call, body = std::move(body)](const Result<bool>&) { run_batch(call, body); }
            );
        }
    );
}

}  // namespace kumo::api_kumosearch
