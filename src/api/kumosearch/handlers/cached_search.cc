#include "api/kumosearch/handlers/cached_search.h"

#include "api/kumosearch/resources/values.h"
#include "wire/http1_fields.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

constexpr std::uint32_t kTtlSeconds = 60;
constexpr std::uint32_t kTtlSecondsMax = 24 * 3600;

void append(std::string& key, const std::string& part) {
    key.append(std::to_string(part.size())).append(":").append(part);
}

/// Whose key it came with makes no difference: what the key adds is among the parameters.
bool is_credential(const std::string& name) {
    return wire::equals_ignore_case(name, "x-typesense-api-key")
           || wire::equals_ignore_case(name, "x-kumosearch-api-key");
}

/// Everything that the answer depends on beside the version.
std::string key_of(const SearchOrder& order) {
    std::string key;
    append(key, order.collection);
    for (const Parameters* parameters : {&order.parameters, &order.grant.embedded}) {
        append(key, std::to_string(parameters->all().size()));
        for (const auto& [name, value] : parameters->all()) {
            append(key, name);
            append(key, is_credential(name) ? std::string() : value);
        }
    }
    return key;
}

}  // namespace

std::optional<CachedSearch> CachedSearch::of(const Call& call, const SearchOrder& order) {
    const Parameters& embedded = order.grant.embedded;
    const std::string& wanted =
        (embedded.has("use_cache") ? embedded : order.parameters).text("use_cache");
    if (wanted != "true" && wanted != "1") {
        return std::nullopt;
    }
    const node::Node& node = call.context.node;
    auto version = node.read_version(resolve_collection(node, order.collection));
    // For how long is only a scoped key's to say.
    const auto ttl = embedded.unsigned_32("cache_ttl", kTtlSeconds);
    if (!version.ok() || !ttl.ok()) {
        return std::nullopt;
    }
    CachedSearch out;
    out.context_ = &call.context;
    out.key_ = key_of(order);
    out.version_ = std::move(version).value();
    out.ttl_ = std::chrono::seconds(std::min(ttl.value(), kTtlSecondsMax));
    return out;
}

std::shared_ptr<const std::string> CachedSearch::find() const {
    return context_->cache.find(key_, version_, context_->clock.monotonic_now());
}

void CachedSearch::put(const std::string& json) const {
    context_->cache.put(
        key_,
        version_,
        std::make_shared<const std::string>(json),
        context_->clock.monotonic_now() + ttl_,
        static_cast<std::size_t>(context_->live.cache_entries_max.load())
    );
}

}  // namespace kumo::api_kumosearch
