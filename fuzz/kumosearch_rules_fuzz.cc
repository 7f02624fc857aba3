// A query, and behind the first line end a synonym or a curation, from anybody: refused with a
// reason, or stored in a form that reads as itself and does what it may, within its bounds.
#include "api/kumosearch/resources/curations.h"
#include "api/kumosearch/resources/synonyms.h"
#include "base/assert.h"
#include "wire/json.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace api = kumo::api_kumosearch;
namespace node = kumo::node;

using kumo::search::SynonymSet;
using Read = kumo::Result<std::string> (*)(const std::string& id, kumo::wire::JsonValue body);

kumo::search::Schema make_schema() {
    kumo::search::Schema schema;
    schema.token_separators = {"-"};
    schema.symbols_to_index = {"+"};
    for (const char* name : {"a", "b"}) {
        kumo::search::Field field;
        field.name = name;
        schema.fields.push_back(field);
    }
    return schema;
}

/// The set with what was read, or null if it was refused.
std::unique_ptr<node::Resource> read(Read read, kumo::wire::JsonValue body) {
    const auto stored = read("id", body);
    if (!stored.ok()) {
        KUMO_ASSERT(!stored.error().message.empty());
        return nullptr;
    }
    const auto again = kumo::wire::JsonDocument::parse(stored.value());
    KUMO_ASSERT(again.ok());
    const auto same = read("id", again.value().root());
    KUMO_ASSERT(same.ok() && same.value() == stored.value());
    std::vector<node::Resource::Item> items;
    items.push_back(
        std::make_shared<const node::ResourceItem>(node::ResourceItem{"id", stored.value()})
    );
    return std::make_unique<node::Resource>(std::move(items));
}

void expand(const SynonymSet& set, std::string_view q) {
    SynonymSet::Words words;
    for (const char c : q.substr(0, kumo::search::kQueryTokensMax)) {
        words.emplace_back(1, c);
    }
    std::vector<SynonymSet::Words> out;
    set.expand(words, {"", true, 2}, out);
    KUMO_ASSERT(out.size() <= SynonymSet::kVariantsMax);
    for (const SynonymSet::Words& way : out) {
        KUMO_ASSERT(way != words && way.size() <= kumo::search::kQueryTokensMax);
    }
}

void curate(const node::Resource& set, std::string_view q, const kumo::search::Schema& schema) {
    const api::CurationSets sets = {api::rules_of(set, schema)};
    api::Parameters parameters;
    parameters.set("q", std::string(q));
    parameters.set("curation_tags", "t");
    std::size_t asked = 0;
    api::CurationContext context{schema, 1, {}, {}};
    context.has_value = [&](std::size_t field, const std::string& words) {
        KUMO_ASSERT(field < schema.fields.size() && !words.empty() && ++asked < 10'000);
        return std::hash<std::string>()(words) % 2 == 0;
    };
    context.fits = [](const std::string& filter) {
        return filter.size() % 2 == 0;
    };
    (void)api::needs_index(sets, parameters, context);
    const api::Curated curated = api::curate(sets, parameters, context);
    kumo::search::SearchRequest request;
    api::add_curated(curated, request);
    KUMO_ASSERT(request.hidden_ids.size() <= api::kCuratedIdsMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const kumo::search::Schema schema = make_schema();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t line = text.find('\n');
    if (line == std::string_view::npos) {
        return 0;
    }
    const std::string_view q = text.substr(0, line);
    const auto body = kumo::wire::JsonDocument::parse(text.substr(line + 1));
    if (!body.ok() || !body.value().root().is_object()) {
        return 0;
    }
    if (const auto set = read(api::read_synonym, body.value().root())) {
        expand(*api::synonyms_of(*set, schema), q);
    }
    if (const auto set = read(api::read_curation, body.value().root())) {
        curate(*set, q, schema);
    }
    return 0;
}
