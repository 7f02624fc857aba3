#pragma once

#include "api/kumosearch/parameters.h"
#include "base/result.h"
#include "node/node.h"
#include "search/query/request.h"
#include "search/schema/schema.h"
#include "wire/json.h"

#include <memory>
#include <string>
#include <string_view>

/// Named resources that are one value: aliases, presets, lists of stopwords. Reading what clients
/// put gives the JSON that is stored, which is what they are shown; errors are in the words they
/// know. Stateless.
namespace kumo::api_kumosearch {

Result<std::string> read_alias(const std::string& name, wire::JsonValue body);
Result<std::string> read_preset(const std::string& name, wire::JsonValue body);
Result<std::string> read_stopwords(const std::string& name, wire::JsonValue body);

/// The collection that a name stands for: an alias's, unless there is a collection of that name.
/// An alias of an alias is none.
std::string resolve_collection(const node::Node& node, std::string name);

/// A preset, ready to use.
struct Preset : node::Resource::Derived {
    Parameters parameters;
    std::string searches;  ///< The body of a multi_search, if it is one; else empty.
};

/// The preset that the parameters name, or null: one that is not there changes nothing.
std::shared_ptr<const Preset> find_preset(const node::Node& node, const Parameters& parameters);

/// Adds what the named preset says and the parameters do not.
void apply_preset(const node::Node& node, Parameters& parameters);

/// Whether the preset, the stopwords or a synonym set that the parameters name is not there.
bool names_unknown_resource(const node::Node& node, const Parameters& parameters);

/// The words of the stopword set that the parameters name, as the schema's queries are analysed;
/// null if they name none. kNotFound.
Result<std::shared_ptr<const search::WordSet>>
find_stopwords(const node::Node& node, const Parameters& parameters, const search::Schema& schema);

}  // namespace kumo::api_kumosearch
