#include "api/kumosearch/auth/authenticator.h"

#include "api/kumosearch/auth/secrets.h"

#include <re2/re2.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

constexpr std::size_t kSignatureLetters = 44;  // 32 bytes in base64.
constexpr std::size_t kPrefixLetters = 4;

RE2::Options pattern_options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(std::int64_t{1} << 20);
    return options;
}

bool matches(const std::string& pattern, std::string_view name) {
    if (pattern == "*" || pattern == name) {
        return true;
    }
    const RE2 compiled(pattern, pattern_options());
    return compiled.ok() && RE2::FullMatch(re2::StringPiece(name.data(), name.size()), compiled);
}

bool has_action(const std::vector<std::string>& actions, std::string_view wanted) {
    return std::any_of(actions.begin(), actions.end(), [&](const std::string& action) {
        if (action == "*" || action == wanted) {
            return true;
        }
        const std::string_view all = action;
        return all.ends_with(":*") && wanted.starts_with(all.substr(0, all.size() - 1));
    });
}

std::int64_t seconds_of(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

bool is_parent(const node::KeyRecord& key, std::string_view prefix) {
    return key.value_prefix == prefix && key.actions.size() == 1
           && key.actions.front() == kSearchAction && key.hmac_state.size() == kMidstatesBytes;
}

/// The embedded parameters and when they stop being valid; nothing if they are malformed.
struct Embedded {
    Parameters parameters;
    std::optional<std::uint64_t> expires_at;
};

std::optional<Embedded> read_embedded(const std::string& json) {
    const auto document = wire::JsonDocument::parse(json, {.depth_max = 8, .keys_max = 256});
    if (!document.ok() || !document.value().root().is_object()) {
        return std::nullopt;
    }
    auto parameters = Parameters::from_json(document.value().root());
    if (!parameters.ok()) {
        return std::nullopt;
    }
    Embedded out{std::move(parameters).value(), std::nullopt};
    if (out.parameters.has("expires_at")) {
        out.expires_at = parse_unsigned(out.parameters.text("expires_at"));
        if (!out.expires_at) {
            return std::nullopt;
        }
    }
    return out;
}

}  // namespace

Error forbidden() {
    return Error{
        ErrorCode::kUnauthenticated,
        "Forbidden - a valid `x-typesense-api-key` header must be sent."};
}

Status check_collection_pattern(const std::string& pattern) {
    if (pattern == "*") {
        return {};
    }
    if (pattern.size() > kCollectionPatternBytesMax) {
        return invalid_argument("A pattern in `collections` is longer than 256 bytes.");
    }
    if (!RE2(pattern, pattern_options()).ok()) {
        return invalid_argument("A pattern in `collections` is not a valid regular expression.");
    }
    return {};
}

bool Grant::all_collections() const {
    return std::find(collections.begin(), collections.end(), "*") != collections.end();
}

bool Grant::allows(std::string_view collection) const {
    return std::any_of(collections.begin(), collections.end(), [&](const std::string& pattern) {
        return matches(pattern, collection);
    });
}

Result<ScopedKey> parse_scoped_key(ByteView credential) {
    const auto decoded = base64_decode(credential);
    if (!decoded || decoded->size() < kSignatureLetters + kPrefixLetters) {
        return forbidden();
    }
    const ByteView all = *decoded;
    auto signature = base64_decode(all.substr(0, kSignatureLetters));
    if (!signature || signature->size() != kDigestBytes) {
        return forbidden();
    }
    return ScopedKey{
        std::move(*signature),
        std::string(all.substr(kSignatureLetters, kPrefixLetters)),
        std::string(all.substr(kSignatureLetters + kPrefixLetters))};
}

Authenticator::Authenticator(ByteView bootstrap_key, const node::Node& node)
    : bootstrap_digest_(bootstrap_key.empty() ? std::string() : sha256(bootstrap_key)),
      node_(node) {}

bool Authenticator::is_bootstrap_key(ByteView value) const {
    return !open() && equal_digests(bootstrap_digest_, sha256(value));
}

Result<Grant> Authenticator::authorize(ByteView credential, std::string_view action, WallTime now)
    const {
    if (open()) {
        return Grant{{"*"}, {}};
    }
    if (credential.empty() || credential.size() > kCredentialBytesMax) {
        return forbidden();
    }
    const std::string digest = sha256(credential);
    if (equal_digests(bootstrap_digest_, digest)) {
        return Grant{{"*"}, {}};
    }
    const auto keys = node_.keys();
    const node::KeyRecord* mine = nullptr;
    for (const node::KeyRecord& key : *keys) {
        mine = equal_digests(key.digest, digest) ? &key : mine;
    }
    if (mine == nullptr) {
        return authorize_scoped(credential, action, seconds_of(now));
    }
    if (mine->expires_at <= seconds_of(now) || !has_action(mine->actions, action)) {
        return forbidden();
    }
    return Grant{mine->collections, {}};
}

Result<Grant> Authenticator::authorize_scoped(
    ByteView credential,
    std::string_view action,
    std::int64_t now
) const {
    if (action != kSearchAction) {
        return forbidden();
    }
    KUMO_TRY_ASSIGN(const ScopedKey scoped, parse_scoped_key(credential));
    const auto keys = node_.keys();
    for (const node::KeyRecord& key : *keys) {
        if (!is_parent(key, scoped.parent_prefix)
            || !equal_digests(hmac_sha256(key.hmac_state, scoped.parameters), scoped.signature)) {
            continue;
        }
        auto embedded = read_embedded(scoped.parameters);
        if (!embedded || key.expires_at <= now
            || (embedded->expires_at && *embedded->expires_at <= static_cast<std::uint64_t>(now))) {
            return forbidden();
        }
        return Grant{key.collections, std::move(embedded->parameters)};
    }
    return forbidden();
}

}  // namespace kumo::api_kumosearch
