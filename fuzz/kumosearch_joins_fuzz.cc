// What joins, from anybody: a line each of filter_by, include_fields, exclude_fields, sort_by and
// facet_by. A plan within its bounds, or an error with a reason; and documents are shown by it.
#include "api/kumosearch/query/facet_parser.h"
#include "api/kumosearch/query/joined_fields.h"
#include "api/kumosearch/query/sort_parser.h"
#include "base/assert.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace {

namespace api = kumo::api_kumosearch;
namespace search = kumo::search;

/// Each references the next one: "a", "b", "c", and "c" the first.
std::shared_ptr<const search::Schema> make_schema(const std::string& reference) {
    search::Schema schema;
    schema.enable_nested_fields = true;
    schema.fields.push_back({.name = "s", .facet = true, .sort = true});
    schema.fields.push_back(
        {.name = "i", .type = search::ValueType::kInt32, .facet = true, .sort = true}
    );
    schema.fields.push_back({.name = "o.r", .reference = reference});
    return std::make_shared<const search::Schema>(schema);
}

kumo::Result<api::JoinTarget> find(const std::string& name) {
    static const std::array<api::JoinTarget, 3> targets = {
        {{"a", make_schema("b.id")}, {"b", make_schema("c.s")}, {"c", make_schema("a.s")}}};
    for (const api::JoinTarget& target : targets) {
        if (target.name == name) {
            return target;
        }
    }
    return kumo::not_found("none");
}

std::uint32_t depth_of(const std::vector<search::JoinInclude>& includes) {
    std::uint32_t deepest = 0;
    for (const search::JoinInclude& include : includes) {
        KUMO_ASSERT(!include.path.empty());
        deepest = std::max(deepest, 1 + depth_of(include.nested));
    }
    return deepest;
}

std::vector<search::JoinedDocuments> documents_for(const std::vector<search::JoinInclude>& all) {
    std::vector<search::JoinedDocuments> out;
    for (const search::JoinInclude& include : all) {
        search::JoinedDocuments& joined = out.emplace_back();
        joined.found = 2;
        for (const char* document : {R"({"id":"1","s":"x"})", R"({"id":"2","s":"y","i":1})"}) {
            joined.documents.push_back({document, documents_for(include.nested)});
        }
    }
    return out;
}

std::string take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const api::JoinTarget main = find("a").value();
    api::JoinPlanner planner(
        main,
        [](std::string name) { return name; },
        find
    );
    api::FilterLimits limits;
    limits.joins = &planner;
    const auto filter = api::parse_filter(take_line(text), *main.schema, limits);
    KUMO_ASSERT(filter.ok() || !filter.error().message.empty());
    api::Parameters parameters;
    parameters.set("include_fields", take_line(text));
    parameters.set("exclude_fields", take_line(text));
    const auto keys = api::parse_sort(take_line(text), *main.schema, limits);
    KUMO_ASSERT(!keys.ok() || keys.value().size() <= search::kSortKeysMax);
    const auto facets = api::parse_facets(take_line(text), *main.schema, limits);
    KUMO_ASSERT(facets.ok() || !facets.error().message.empty());
    const auto shown = api::plan_shown_fields(
        parameters,
        filter.ok() ? filter.value() : search::Filter(),
        &planner
    );
    if (!shown.ok()) {
        KUMO_ASSERT(!shown.error().message.empty());
        return 0;
    }
    KUMO_ASSERT(depth_of(shown.value().includes) <= search::kJoinDepthMax);
    std::string out;
    const kumo::Status written = api::append_shown(
        shown.value().fields,
        shown.value().shapes,
        R"({"id":"0","s":"x","i":5,"o":{"r":"1","n":2}})",
        documents_for(shown.value().includes),
        out
    );
    KUMO_ASSERT(!written.ok() || kumo::wire::JsonDocument::parse(out).ok());
    return 0;
}
