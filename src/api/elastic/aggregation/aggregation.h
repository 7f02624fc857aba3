#pragma once

#include "api/elastic/json.h"
#include "api/elastic/query/query.h"
#include "base/result.h"
#include "search/aggregation/aggregation.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// "aggs" of a search as the engine's aggregations (search/aggregation/aggregation.h), and their
/// answers as JSON. Stateless; any thread.
namespace kumo::api_elastic {

namespace agg = search::aggregation;

/// Of one aggregation's numbers and keys: how they are written.
struct ValueFormat {
    const MappedField* field = nullptr;  ///< Of the first index that has one.
    bool date = false;
    bool boolean = false;
    bool ip = false;
    bool raw_dates = false;  ///< Dates are numbers where they are no text ("epoch_millis").
    std::optional<DateFormat> dates{};
    TimeZone zone{};
    std::string pattern{};  ///< "#,##0.00"

    /// Numbers have a form for people.
    bool has_text() const { return date || boolean || !pattern.empty(); }

    std::string text(double number) const;
    Json key(const agg::Key& key) const;
    /// Nothing if the key is all there is.
    std::optional<std::string> key_text(const agg::Key& key) const;
};

/// How one aggregation answers.
struct Shape {
    std::string name;
    std::string type;        ///< "avg"
    std::string typed_name;  ///< In front of `name#` with typed_keys, where it differs from `type`.
    Json meta;               ///< Null: none.
    Json options;            ///< As it was asked for.
    bool keyed = false;
    ValueFormat format{};
    std::vector<ValueFormat> formats{};  ///< Of composite sources and multi_terms.
    std::vector<std::string> sources{};  ///< The names of composite ones.
    std::vector<Shape> children{};
    bool pipeline = false;
};

struct Aggregations {
    agg::Level level;
    std::vector<Shape> shapes;

    bool empty() const { return shapes.empty(); }
};

/// Documents of nested objects in the place of those they are in, or back. `path`: the objects;
/// empty: the documents themselves.
struct NestedDocs {
    agg::Mapped map;
    /// The indices as the aggregations within see them, by their place in the run; null: not these.
    std::vector<const QueryContext*> indices;
    /// The same for nested aggregations within.
    std::function<Result<NestedDocs>(const std::string& path)> nested{};
};

/// What aggregations are parsed for: the indices that are searched, in the order of the run.
struct AggregationContext {
    std::vector<const QueryContext*> indices;
    std::int64_t now_millis = 0;
    std::uint64_t buckets_max = 65535;
    /// Null: nested objects are looked at as if each document had one.
    std::function<Result<NestedDocs>(const std::string& path)> nested{};
};

/// Their names, in order.
std::vector<std::string_view> aggregation_types();

/// The member "aggs" or "aggregations" of a search.
Result<Aggregations>
parse_aggregations(const Json& aggregations, const AggregationContext& context);

/// What top_hits shows: {"hits": ...} of the best of these documents, as `options` ask for.
using HitsWriter = std::function<Result<Json>(const Json& options, const agg::DocSet& docs)>;

/// The member "aggregations" of an answer.
Result<Json> aggregations_json(
    const Aggregations& aggregations,
    const std::vector<agg::NamedOutput>& outputs,
    bool typed_keys,
    const HitsWriter& hits
);

/// An error of a run in the API's words (too_many_buckets_exception, ...).
Error aggregation_fault(const Error& error);

}  // namespace kumo::api_elastic
