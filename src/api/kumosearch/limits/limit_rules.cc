#include "api/kumosearch/limits/limit_rules.h"

#include "api/kumosearch/auth/secrets.h"
#include "api/kumosearch/resources/derive.h"
#include "io/address.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using wire::JsonValue;

constexpr std::string_view kDigestPrefix = "sha256:";

constexpr std::pair<std::string_view, LimitRule::Action> kActions[] = {
    {"allow", LimitRule::Action::kAllow},
    {"block", LimitRule::Action::kBlock},
    {"throttle", LimitRule::Action::kThrottle},
};

bool is_digest(std::string_view text) {
    return text.starts_with(kDigestPrefix) && text.size() == kDigestPrefix.size() + 2 * kDigestBytes
           && text.find_first_not_of("0123456789abcdef", kDigestPrefix.size())
                  == std::string_view::npos;
}

Error must_be(std::string_view parameter, std::string_view what) {
    return invalid_argument(
        "Parameter `" + std::string(parameter) + "` must be " + std::string(what) + "."
    );
}

Result<std::vector<std::string>> read_names(JsonValue body, std::string_view parameter) {
    std::vector<std::string> out;
    const JsonValue names = body.find(parameter);
    if (!names) {
        return out;
    }
    if (!names.is_array()) {
        return must_be(parameter, "an array of strings");
    }
    if (names.as_array().size() > kLimitEntitiesMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "Parameter `" + std::string(parameter) + "` has more than 1000 values."};
    }
    for (const JsonValue name : names.as_array()) {
        if (!name.is_string()) {
            return must_be(parameter, "an array of strings");
        }
        out.emplace_back(name.as_string());
    }
    return out;
}

Status read_addresses(JsonValue body, LimitRule& rule) {
    KUMO_TRY_ASSIGN(rule.addresses, read_names(body, "ip_addresses"));
    for (std::string& address : rule.addresses) {
        if (address == kAnybody) {
            continue;
        }
        const auto parsed = io::Address::parse(address, 0);
        if (!parsed.ok()) {
            return invalid_argument("`" + address + "` in `ip_addresses` is no IP address.");
        }
        address = parsed.value().host_string();
    }
    return {};
}

Status read_keys(JsonValue body, LimitRule& rule) {
    KUMO_TRY_ASSIGN(rule.keys, read_names(body, "api_keys"));
    for (std::string& key : rule.keys) {
        if (key != kAnybody && !is_digest(key)) {
            key = limited_key(key);
        }
    }
    return {};
}

/// The member under the first of its names that is there; behind a dot a member of a member.
JsonValue find_any(JsonValue body, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        const std::size_t dot = name.find('.');
        JsonValue value = body.find(name.substr(0, dot));
        if (value && dot != std::string_view::npos) {
            value = value.find(name.substr(dot + 1));
        }
        if (value) {
            return value;
        }
    }
    return {};
}

/// -1 if it is not there.
Result<std::int64_t> read_count(JsonValue value, const Error& wrong) {
    if (!value) {
        return -1;
    }
    if (value.type() != wire::JsonType::kInt64 || value.as_int64() > INT32_MAX
        || value.as_int64() < -1) {
        return wrong;
    }
    return value.as_int64();
}

Status read_maxima(JsonValue body, LimitRule& rule) {
    const JsonValue minute =
        find_any(body, {"max_requests_1m", "max_requests.minute_threshold", "max_requests.minute"});
    const JsonValue hour =
        find_any(body, {"max_requests_1h", "max_requests.hour_threshold", "max_requests.hour"});
    if (!minute && !hour) {
        return invalid_argument(
            "At least one of `max_requests_1m` or `max_requests_1h` is required."
        );
    }
    KUMO_TRY_ASSIGN(rule.minute_max, read_count(minute, must_be("max_requests_1m", "an integer")));
    KUMO_TRY_ASSIGN(rule.hour_max, read_count(hour, must_be("max_requests_1h", "an integer")));
    return {};
}

Status read_ban(JsonValue body, LimitRule& rule) {
    const JsonValue threshold = find_any(body, {"auto_ban_1m_threshold", "auto_ban_threshold_num"});
    const JsonValue hours =
        find_any(body, {"auto_ban_1m_duration_hours", "auto_ban_num_hours", "auto_ban_hours"});
    if (!threshold && !hours) {
        return {};
    }
    if (!threshold || !hours) {
        return invalid_argument(
            "Both `auto_ban_1m_threshold` and `auto_ban_1m_duration_hours` are required if either "
            "is specified."
        );
    }
    const Error wrong = invalid_argument(
        "Parameters `auto_ban_1m_threshold` and `auto_ban_1m_duration_hours` must be integers."
    );
    KUMO_TRY_ASSIGN(rule.ban_threshold, read_count(threshold, wrong));
    KUMO_TRY_ASSIGN(rule.ban_hours, read_count(hours, wrong));
    if (rule.ban_threshold < 0 || rule.ban_hours < 0) {
        return invalid_argument(
            "Both `auto_ban_1m_threshold` and `auto_ban_1m_duration_hours` must be greater than 0."
        );
    }
    return {};
}

Status read_action(JsonValue body, LimitRule& rule) {
    const JsonValue action = body.find("action");
    if (!action.is_string()) {
        return must_be("action", "a string");
    }
    for (const auto& [name, value] : kActions) {
        if (name == action.as_string()) {
            rule.action = value;
            return {};
        }
    }
    return invalid_argument("Invalid action.");
}

Status read_entities(JsonValue body, LimitRule& rule) {
    if (!body.find("ip_addresses") && !body.find("api_keys")) {
        return invalid_argument("Parameter `ip_addresses` or `api_keys` is required.");
    }
    KUMO_TRY(read_addresses(body, rule));
    KUMO_TRY(read_keys(body, rule));
    if (rule.addresses.empty() && rule.keys.empty()) {
        return invalid_argument(
            "Parameter `ip_addresses` or `api_keys` must have at least one value."
        );
    }
    if (rule.addresses.size() > 1 && rule.keys.size() > 1) {
        return invalid_argument("Many to many rule is not supported.");
    }
    return {};
}

Status read_priority(JsonValue body, LimitRule& rule) {
    const JsonValue priority = body.find("priority");
    const Error wrong = must_be("priority", "an unsigned integer");
    KUMO_TRY_ASSIGN(const std::int64_t given, read_count(priority, wrong));
    if (priority && given < 0) {
        return wrong;
    }
    rule.priority = std::max<std::int64_t>(given, 0);
    return {};
}

bool names(const std::vector<std::string>& all, std::string_view one) {
    return all.empty() || std::any_of(all.begin(), all.end(), [&](const std::string& name) {
               return name == one || name == kAnybody;
           });
}

}  // namespace

std::string limited_key(ByteView key) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out(kDigestPrefix);
    for (const char c : sha256(key)) {
        const auto byte = static_cast<unsigned char>(c);
        out += kDigits[byte >> 4U];
        out += kDigits[byte & 15U];
    }
    return out;
}

bool LimitRule::fits(std::string_view key, std::string_view address) const {
    return names(keys, key) && names(addresses, address);
}

Result<LimitRule> read_limit_rule(std::uint64_t id, JsonValue body) {
    LimitRule rule;
    rule.id = id;
    if (!body.find("action")) {
        return invalid_argument("Parameter `action` is required.");
    }
    const JsonValue per_entity = body.find("apply_limit_per_entity");
    if (per_entity && !per_entity.is_bool()) {
        return must_be("apply_limit_per_entity", "a boolean");
    }
    rule.per_address = per_entity && per_entity.as_bool();
    KUMO_TRY(read_entities(body, rule));
    KUMO_TRY(read_action(body, rule));
    if (rule.action == LimitRule::Action::kThrottle) {
        KUMO_TRY(read_maxima(body, rule));
        KUMO_TRY(read_ban(body, rule));
    }
    KUMO_TRY(read_priority(body, rule));
    return rule;
}

std::string write_limit_rule(const LimitRule& rule) {
    std::string json;
    wire::JsonWriter out(json);
    const auto write_names = [&](std::string_view name, const std::vector<std::string>& all) {
        if (all.empty()) {
            return;
        }
        out.key(name).begin_array();
        for (const std::string& one : all) {
            out.string(one);
        }
        out.end_array();
    };
    const auto write_count = [&](std::string_view name, std::int64_t count) {
        if (count >= 0) {
            out.key(name).integer(count);
        }
    };
    out.begin_object();
    out.key("action").string(kActions[static_cast<std::size_t>(rule.action)].first);
    write_names("api_keys", rule.keys);
    if (rule.per_address) {
        out.key("apply_limit_per_entity").boolean(true);
    }
    write_count("auto_ban_1m_duration_hours", rule.ban_hours);
    write_count("auto_ban_1m_threshold", rule.ban_threshold);
    out.key("id").unsigned_integer(rule.id);
    write_names("ip_addresses", rule.addresses);
    if (rule.minute_max >= 0 || rule.hour_max >= 0) {
        out.key("max_requests").begin_object();
        write_count("hour_threshold", rule.hour_max);
        write_count("minute_threshold", rule.minute_max);
        out.end_object();
    }
    out.key("priority").integer(rule.priority).end_object();
    return json;
}

std::optional<LimitRule> stored_limit_rule(const node::Resource& resource) {
    const wire::JsonDocument parsed = parse_stored(resource.value());
    const JsonValue id = parsed.root().find("id");
    if (!id || id.type() != wire::JsonType::kInt64 || id.as_int64() < 0) {
        return std::nullopt;
    }
    auto rule = read_limit_rule(static_cast<std::uint64_t>(id.as_int64()), parsed.root());
    return rule.ok() ? std::optional(std::move(rule).value()) : std::nullopt;
}

LimitRules::LimitRules(const node::NamedResources& stored) {
    for (const auto& [name, resource] : stored) {
        if (auto rule = stored_limit_rule(*resource)) {
            rules_.push_back(std::move(*rule));
        }
    }
    std::sort(rules_.begin(), rules_.end(), [](const LimitRule& a, const LimitRule& b) {
        return a.priority != b.priority ? a.priority < b.priority : a.id < b.id;
    });
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const LimitRule& rule = rules_[i];
        name_keys_ = name_keys_ || !rule.keys.empty();
        for (const std::string& name : rule.keys.empty() ? rule.addresses : rule.keys) {
            by_name_.emplace(name, i);
        }
    }
}

const LimitRule* LimitRules::find(std::string_view key, std::string_view address) const {
    std::size_t best = rules_.size();
    for (const std::string_view name : {key, address, kAnybody}) {
        const auto [begin, end] = by_name_.equal_range(name);
        for (auto at = begin; at != end; ++at) {
            if (at->second < best && rules_[at->second].fits(key, address)) {
                best = at->second;
            }
        }
    }
    return best == rules_.size() ? nullptr : &rules_[best];
}

}  // namespace kumo::api_kumosearch
