#pragma once

#include "api/kumosearch/parameters.h"
#include "base/result.h"
#include "node/node.h"
#include "search/query/synonyms.h"
#include "wire/json.h"

#include <memory>
#include <string>
#include <vector>

/// Synonyms as clients put them, and as searches use them. Stateless.
namespace kumo::api_kumosearch {

/// Reads one synonym; gives the JSON that is stored, which is what clients are shown.
/// kInvalidArgument in the words they know.
Result<std::string> read_synonym(const std::string& id, wire::JsonValue body);

/// A stored set, as the schema's queries are analysed; made once.
std::shared_ptr<const search::SynonymSet>
synonyms_of(const node::Resource& set, const search::Schema& schema);

/// The sets that a search of the collection uses: the collection's own, those that it names and
/// those that the parameters name; none if the parameters say so. kNotFound for one that the
/// parameters name.
Result<std::vector<std::shared_ptr<const search::SynonymSet>>> find_synonyms(
    const node::Node& node,
    const Parameters& parameters,
    const node::CollectionSpec& collection
);

}  // namespace kumo::api_kumosearch
