#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/stored_resource.h"
#include "api/kumosearch/limits/limit_rules.h"
#include "api/kumosearch/limits/rate_limiter.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

using node::ResourceKind;

/// Nodes that make rules at the same time may choose the same number.
constexpr int kTriesMax = 10;

/// The number that the path ends with; answers if it is none.
std::optional<std::uint64_t> id_of(const CallPtr& call) {
    const auto id = parse_unsigned(call->path.front());
    if (!id || *id > UINT32_MAX) {
        answer_message(*call, 400, "Invalid ID");
        return std::nullopt;
    }
    return id;
}

Result<LimitRule> read_rule(std::uint64_t id, const std::string& body) {
    const auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return invalid_argument("Bad JSON.");
    }
    return read_limit_rule(id, parsed.value().root());
}

void answer_rule(const Call& call, std::string_view done, const std::string& rule) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("message").string(done).key("rule").raw(rule).end_object();
    answer(call, 200, std::move(json));
}

void answer_id(const Call& call, std::uint64_t id) {
    std::string json;
    wire::JsonWriter(json).begin_object().key("id").unsigned_integer(id).end_object();
    answer(call, 200, std::move(json));
}

/// Stores a new rule under the next number that is free.
void add_rule(const CallPtr& call, LimitRule rule, int tries) {
    const auto all = call->context.node.resources(ResourceKind::kLimit);
    if (all->size() >= kLimitRulesMax) {
        answer_error(*call, Error{ErrorCode::kLimitExceeded, "There are 1000 rules already."});
        return;
    }
    rule.id = 0;
    for (const auto& [name, resource] : *all) {
        rule.id = std::max(rule.id, parse_unsigned(name).value_or(0) + 1);
    }
    node::PutResource put;
    put.kind = ResourceKind::kLimit;
    put.name = std::to_string(rule.id);
    put.items = {{"", write_limit_rule(rule)}};
    put.must_be_new = true;
    call->context.node.put_resource(
        std::move(put),
        call->loop(),
        [call, rule, tries](const Result<node::ResourcePtr>& done) {
            const bool taken = !done.ok() && done.error().code == ErrorCode::kAlreadyExists;
            if (done.ok()) {
                answer_rule(*call, "Rule added successfully.", done.value()->value());
            } else if (taken && tries > 1) {
                call->context.node.refresh(call->loop(), [call, rule, tries](const Result<bool>&) {
                    add_rule(call, rule, tries - 1);
                });
            } else {
                answer_error(*call, done.error());
            }
        }
    );
}

void replace_rule(const CallPtr& call, const LimitRule& rule) {
    node::PutResource put;
    put.kind = ResourceKind::kLimit;
    put.name = std::to_string(rule.id);
    put.items = {{"", write_limit_rule(rule)}};
    call->context.node
        .put_resource(std::move(put), call->loop(), [call](const Result<node::ResourcePtr>& done) {
            if (done.ok()) {
                answer_rule(*call, "Rule updated successfully.", done.value()->value());
            } else {
                answer_error(*call, done.error());
            }
        });
}

/// Answers whether there was something to forget.
void forget(const CallPtr& call, bool (RateLimiter::*forget_one)(std::uint64_t)) {
    const auto id = id_of(call);
    if (!id) {
        return;
    }
    if ((call->context.limiter.*forget_one)(*id)) {
        answer_id(*call, *id);
    } else {
        answer_message(*call, 400, "Invalid ID");
    }
}

}  // namespace

void list_limits(const CallPtr& call) {
    const auto all = call->context.node.resources(ResourceKind::kLimit);
    std::vector<std::pair<std::uint64_t, node::ResourcePtr>> rules;
    for (const auto& [name, resource] : *all) {
        rules.emplace_back(parse_unsigned(name).value_or(0), resource);
    }
    std::sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
        return a.first < b.first;
    });
    std::string json;
    wire::JsonWriter out(json);
    out.begin_array();
    for (const auto& [id, resource] : rules) {
        out.raw(resource->value());
    }
    out.end_array();
    answer(*call, 200, std::move(json));
}

void get_limit(const CallPtr& call) {
    if (!id_of(call)) {
        return;
    }
    find_resource(call, ResourceKind::kLimit, [call](const node::ResourcePtr& found) {
        if (found == nullptr) {
            answer_message(*call, 404, "Not Found");
        } else {
            answer(*call, 200, found->value());
        }
    });
}

void create_limit(const CallPtr& call, const std::string& body) {
    auto rule = read_rule(0, body);
    if (!rule.ok()) {
        answer_error(*call, rule.error());
        return;
    }
    add_rule(call, std::move(rule).value(), kTriesMax);
}

void put_limit(const CallPtr& call, const std::string& body) {
    const auto id = id_of(call);
    if (!id) {
        return;
    }
    find_resource(call, ResourceKind::kLimit, [call, id, body](const node::ResourcePtr& found) {
        const auto rule = read_rule(*id, body);
        if (found == nullptr) {
            answer_message(*call, 404, "Not Found");
        } else if (!rule.ok()) {
            answer_error(*call, rule.error());
        } else {
            replace_rule(call, rule.value());
        }
    });
}

void delete_limit(const CallPtr& call) {
    const auto id = id_of(call);
    if (!id) {
        return;
    }
    call->context.node.delete_resource(
        {ResourceKind::kLimit, call->path.front(), {}},
        call->loop(),
        [call, id](const Result<node::ResourcePtr>& gone) {
            if (gone.ok()) {
                answer_id(*call, *id);
            } else {
                answer_error(*call, gone.error());
            }
        }
    );
}

void list_bans(const CallPtr& call) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_array();
    for (const RateLimiter::Ban& ban : call->context.limiter.bans()) {
        out.begin_object();
        if (ban.key != kAnybody) {
            out.key("api_key").string(ban.key);
        }
        out.key("id").unsigned_integer(ban.id);
        if (ban.address != kAnybody) {
            out.key("ip_address").string(ban.address);
        }
        out.key("throttling_from").integer(ban.from);
        out.key("throttling_to").integer(ban.to).end_object();
    }
    out.end_array();
    answer(*call, 200, std::move(json));
}

void list_exceeds(const CallPtr& call) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_array();
    for (const RateLimiter::Exceed& exceed : call->context.limiter.exceeds()) {
        out.begin_object().key("api_key").string(exceed.key);
        out.key("id").unsigned_integer(exceed.id).key("ip").string(exceed.address);
        out.key("request_count").unsigned_integer(exceed.requests).end_object();
    }
    out.end_array();
    answer(*call, 200, std::move(json));
}

void delete_ban(const CallPtr& call) {
    forget(call, &RateLimiter::lift_ban);
}

void delete_exceed(const CallPtr& call) {
    forget(call, &RateLimiter::forget_exceed);
}

}  // namespace kumo::api_kumosearch
