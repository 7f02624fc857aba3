#pragma once

#include "node/resource.h"
#include "search/schema/schema.h"
#include "wire/json.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the dialect makes of the JSON of named resources, once for each. Stateless.
namespace kumo::api_kumosearch {

/// The JSON that is stored; an empty object for what no version of the dialect can have put.
inline wire::JsonDocument parse_stored(const std::string& json) {
    auto parsed = wire::JsonDocument::parse(json);
    if (!parsed.ok()) {
        parsed = wire::JsonDocument::parse("{}");
    }
    return std::move(parsed).value();
}

/// Empty if it is no text.
inline std::string_view text_of(wire::JsonValue value) {
    return value && value.is_string() ? value.as_string() : std::string_view();
}

/// None if it is no array.
inline std::vector<wire::JsonValue> elements_of(wire::JsonValue value) {
    std::vector<wire::JsonValue> out;
    if (value && value.is_array()) {
        for (const wire::JsonValue element : value.as_array()) {
            out.push_back(element);
        }
    }
    return out;
}

/// What `make` makes of the JSON value of a resource that is one value. `T` is the one type that
/// is made of resources of this kind.
template <typename T, typename Make>
std::shared_ptr<const T>
derive(const node::Resource& resource, std::string_view variant, Make make) {
    const auto made =
        resource.derived(variant, [&](const node::Resource& stored) -> node::Resource::DerivedPtr {
            const wire::JsonDocument parsed = parse_stored(stored.value());
            return make(parsed.root());
        });
    return std::static_pointer_cast<const T>(made);
}

/// What `make` makes of the JSON values of all items of a set.
template <typename T, typename Make>
std::shared_ptr<const T>
derive_all(const node::Resource& resource, std::string_view variant, Make make) {
    const auto made =
        resource.derived(variant, [&](const node::Resource& stored) -> node::Resource::DerivedPtr {
            std::vector<wire::JsonDocument> documents;
            std::vector<wire::JsonValue> values;
            for (const node::Resource::Item& item : stored.items()) {
                documents.push_back(parse_stored(item->value));
                values.push_back(documents.back().root());
            }
            return make(values);
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
