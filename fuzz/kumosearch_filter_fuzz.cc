// filter_by from anybody: a tree within its bounds, or an error with a reason.
#include "api/kumosearch/query/filter_parser.h"
#include "base/assert.h"
#include "search/query/filter_eval.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using kumo::search::Filter;

kumo::search::Schema make_schema() {
    using kumo::search::ValueType;
    kumo::search::Schema schema;
    for (const auto& [name, type] :
         {std::pair{"s", ValueType::kString},
          std::pair{"i", ValueType::kInt32},
          std::pair{"l", ValueType::kInt64},
          std::pair{"f", ValueType::kFloat},
          std::pair{"b", ValueType::kBool},
          std::pair{"g", ValueType::kGeoPoint},
          std::pair{"a", ValueType::kGeoPolygon}}) {
        kumo::search::Field field;
        field.name = name;
        field.type = type;
        schema.fields.push_back(field);
    }
    return schema;
}

std::uint32_t check(const Filter& filter) {
    const bool group = filter.kind == Filter::Kind::kAnd || filter.kind == Filter::Kind::kOr;
    KUMO_ASSERT(filter.kind != Filter::Kind::kNot || filter.children.size() == 1);
    KUMO_ASSERT(!group || filter.children.size() >= 2);
    KUMO_ASSERT(filter.field < 7);
    KUMO_ASSERT((filter.kind == Filter::Kind::kInRegion) == (filter.region != nullptr));
    std::uint32_t deepest = 0;
    for (const Filter& child : filter.children) {
        deepest = std::max(deepest, check(child));
    }
    return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const kumo::search::Schema schema = make_schema();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto filter = kumo::api_kumosearch::parse_filter(text, schema);
    if (filter.ok()) {
        KUMO_ASSERT(check(filter.value()) <= kumo::search::kFilterDepthMax);
    } else {
        KUMO_ASSERT(!filter.error().message.empty());
    }
    return 0;
}
