#pragma once

#include "base/assert.h"
#include "node/resource.h"
#include "search/schema/schema.h"
#include "wire/json.h"

#include <memory>
#include <string>
#include <string_view>

/// What the dialect makes of the JSON of named resources, once for each. Stateless.
namespace kumo::api_kumosearch {

/// What `make` makes of the JSON value of a resource that is one value. `T` is the one type that
/// is made of resources of this kind.
template <typename T, typename Make>
std::shared_ptr<const T>
derive(const node::Resource& resource, std::string_view variant, Make make) {
    const auto made =
        resource.derived(variant, [&](const node::Resource& stored) -> node::Resource::DerivedPtr {
            // Nothing is stored that was not read as JSON before.
            const auto parsed = wire::JsonDocument::parse(stored.value());
            KUMO_ASSERT(parsed.ok());
            return make(parsed.value().root());
        });
    return std::static_pointer_cast<const T>(made);
}

/// Names the way in which a collection's texts are analysed.
inline std::string analysis_variant(const search::Schema& schema) {
    std::string out;
    for (const std::string& separator : schema.token_separators) {
        out.append(separator);
    }
    if (!schema.symbols_to_index.empty()) {
        out.push_back('\n');
    }
    for (const std::string& symbol : schema.symbols_to_index) {
        out.append(symbol);
    }
    return out;
}

}  // namespace kumo::api_kumosearch
