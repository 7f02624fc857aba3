#pragma once

#include "api/kumosearch/parameters.h"
#include "base/result.h"
#include "node/node.h"
#include "search/query/request.h"
#include "search/schema/schema.h"
#include "wire/json.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Curations: rules that change what certain searches find. Stateless.
namespace kumo::api_kumosearch {

/// Documents that one rule puts in or takes out.
inline constexpr std::size_t kCuratedIdsMax = 1000;

/// Reads one curation; gives the JSON that is stored, which is what clients are shown.
/// kInvalidArgument in the words they know.
Result<std::string> read_curation(const std::string& id, wire::JsonValue body);

/// A rule, and what it does. Immutable.
struct Curation {
    enum class Match : std::uint8_t {
        kNone,
        kExact,
        kContains,
    };

    /// A word that the query has to have, or a field of which it has to have a value.
    struct RuleWord {
        std::string text;
        bool is_field = false;

        bool operator==(const RuleWord&) const = default;
    };

    std::string id;
    std::vector<RuleWord> query;  ///< "*" is a word of its own.
    Match match = Match::kNone;
    std::string rule_filter;
    std::set<std::string> tags;
    std::vector<std::pair<std::string, std::uint32_t>> includes;  ///< Ids, and their positions.
    std::vector<std::string> excludes;
    std::string filter_by;
    std::string sort_by;
    std::string replace_query;
    std::string metadata;                        ///< A JSON object, or empty.
    std::optional<std::int64_t> effective_from;  ///< Seconds since the epoch.
    std::optional<std::int64_t> effective_to;
    bool remove_matched_tokens = false;
    bool filter_curated_hits = false;
    bool stop_processing = true;

    /// The rule names fields: whether it fits is seen in the index.
    bool is_dynamic() const;
};

/// The rules of one set by their ids: the order in which they are tried.
struct CurationRules : node::Resource::Derived {
    std::vector<Curation> rules;
};

/// The rules of a stored set, as the schema's queries are analysed; made once.
std::shared_ptr<const CurationRules>
rules_of(const node::Resource& set, const search::Schema& schema);

using CurationSets = std::vector<std::shared_ptr<const CurationRules>>;

/// The sets that searches of the collection use: its own, and those that it names. Empty if the
/// parameters say that there are to be none.
CurationSets find_curations(
    const node::Node& node,
    const Parameters& parameters,
    const node::CollectionSpec& collection
);

/// What the rules that fit have done to a search, beside changing its parameters.
struct Curated {
    std::vector<std::pair<std::string, std::uint32_t>> includes;
    std::vector<std::string> excludes;
    bool filter_curated_hits = false;
    std::string metadata;
};

/// A search that rules are tried on.
struct CurationContext {
    const search::Schema& schema;
    std::int64_t now = 0;  ///< Seconds since the epoch.
    /// Whether a document has these words, and no others, as a value of this field.
    std::function<bool(std::size_t field, const std::string& words)> has_value;
    /// Whether a filter suits the collection.
    std::function<bool(const std::string& filter)> fits;
};

/// Whether has_value() may be asked.
bool needs_index(const CurationSets& sets, const Parameters& parameters, const CurationContext&);

/// Tries the rules in their order, and changes q, filter_by and sort_by as those that fit say.
Curated curate(const CurationSets& sets, Parameters& parameters, const CurationContext& context);

/// Adds to a request what the rules said. What the request itself says comes first; what is
/// hidden stays hidden.
void add_curated(const Curated& curated, search::SearchRequest& request);

}  // namespace kumo::api_kumosearch
