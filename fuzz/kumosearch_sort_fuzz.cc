// sort_by, facet_by and vector_query from anybody: fields of the schema within the bounds, or an
// error.
#include "api/kumosearch/query/facet_parser.h"
#include "api/kumosearch/query/sort_parser.h"
#include "api/kumosearch/query/vector_query.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

kumo::search::Schema make_schema() {
    kumo::search::Schema schema;
    for (const char* name : {"s", "i", "f", "g", "v"}) {
        kumo::search::Field field;
        field.name = name;
        field.facet = true;
        field.sort = true;
        schema.fields.push_back(field);
    }
    schema.fields[1].type = kumo::search::ValueType::kInt32;
    schema.fields[2].type = kumo::search::ValueType::kFloat;
    schema.fields[3].type = kumo::search::ValueType::kGeoPoint;
    schema.fields[3].facet = false;
    schema.fields[4].type = kumo::search::ValueType::kFloat;
    schema.fields[4].array = true;
    schema.fields[4].facet = false;
    schema.fields[4].sort = false;
    schema.fields[4].vector.dimensions = 3;
    return schema;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace api = kumo::api_kumosearch;
    static const kumo::search::Schema schema = make_schema();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto keys = api::parse_sort(text, schema);
    if (keys.ok()) {
        KUMO_ASSERT(keys.value().size() <= kumo::search::kSortKeysMax);
    }
    const auto vector = api::parse_vector_query(text, schema, {});
    if (vector.ok()) {
        KUMO_ASSERT(vector.value().field == 4);
        KUMO_ASSERT(
            vector.value().id ? vector.value().query.empty() : vector.value().query.size() == 3
        );
        KUMO_ASSERT(vector.value().k <= kumo::search::kVectorHitsMax);
    }
    auto facets = api::parse_facets(text, schema);
    if (facets.ok()) {
        KUMO_ASSERT(facets.value().size() <= api::kFacetsMax);
        for (const auto& facet : facets.value()) {
            KUMO_ASSERT(facet.field < schema.fields.size());
            KUMO_ASSERT(facet.ranges.size() <= api::kFacetRangesMax);
        }
        const kumo::Status queried = api::apply_facet_query(text, 2, schema, {}, facets.value());
        KUMO_ASSERT(queried.ok() || !queried.error().message.empty());
    }
    return 0;
}
