#include "api/kumosearch/resources/stem_dictionaries.h"

#include "api/kumosearch/resources/derive.h"

#include <memory>
#include <string>

namespace kumo::api_kumosearch {

namespace {

using Roots = search::StemDictionary::Roots;

/// Shared by the fields of all collections that are declared with it.
struct SharedRoots final : node::Resource::Derived {
    std::shared_ptr<const Roots> roots;
};

std::shared_ptr<const SharedRoots> make_roots(const std::vector<wire::JsonValue>& items) {
    auto roots = std::make_shared<Roots>();
    for (const wire::JsonValue item : items) {
        for (const wire::JsonValue one : elements_of(item)) {
            roots->emplace(text_of(one.find("word")), text_of(one.find("root")));
        }
    }
    auto out = std::make_shared<SharedRoots>();
    out->roots = std::move(roots);
    return out;
}

}  // namespace

Status fill_dictionaries(const node::Node& node, std::vector<search::Field>& fields) {
    for (search::Field& field : fields) {
        search::StemDictionary& dictionary = field.stem_dictionary;
        if (dictionary.name.empty()) {
            continue;
        }
        const auto stored = node.resource(node::ResourceKind::kStemmingDictionary, dictionary.name);
        if (stored == nullptr) {
            return invalid_argument(
                "Stemming dictionary `" + dictionary.name + "` of the field `" + field.name
                + "` not found."
            );
        }
        dictionary.roots = derive_all<SharedRoots>(*stored, "", make_roots)->roots;
    }
    return {};
}

}  // namespace kumo::api_kumosearch
