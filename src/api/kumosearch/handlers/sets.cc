#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/stored_resource.h"
#include "api/kumosearch/resources/curations.h"
#include "api/kumosearch/resources/synonyms.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

using node::ResourceKind;
using wire::JsonValue;

/// How the routes of one kind differ from those of another.
struct Kind {
    Result<std::string> (*read)(const std::string& id, JsonValue body);
    std::string_view list;  ///< The member of the answer about those of a collection.
    std::string_view no_set;
    std::string_view no_id;
};

constexpr Kind kSynonyms = {
    read_synonym,
    "synonyms",
    "Synonym index not found",
    "Missing `id` field."};

constexpr Kind kCurations = {
    read_curation,
    "overrides",
    "Curation index not found",
    "Curation `id` not provided."};

constexpr bool is_synonyms(ResourceKind kind) {
    return kind == ResourceKind::kSynonymSet || kind == ResourceKind::kCollectionSynonyms;
}

constexpr const Kind& kind_of(ResourceKind kind) {
    return is_synonyms(kind) ? kSynonyms : kCurations;
}

/// What is said about an item, or the set, that is not there.
Error missing(const Call& call, ResourceKind kind, std::string_view no_item) {
    const std::string& name = call.path.front();
    if (node::is_of_collection(kind)) {
        const auto collection = call.context.node.collection(name);
        return collection.ok() ? not_found(std::string(no_item)) : collection.error();
    }
    const bool there = call.context.node.resource(kind, name) != nullptr;
    return not_found(std::string(there ? no_item : kind_of(kind).no_set));
}

/// In the order in which they are shown: curations in the order in which they are tried.
std::vector<node::Resource::Item> items_of(ResourceKind kind, const node::ResourcePtr& resource) {
    std::vector<node::Resource::Item> items;
    if (resource != nullptr) {
        items = resource->items();
    }
    if (!is_synonyms(kind)) {
        std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
            return a->id < b->id;
        });
    }
    return items;
}

void write_set(
    wire::JsonWriter& writer,
    ResourceKind kind,
    const std::string& name,
    const node::ResourcePtr& resource
) {
    writer.begin_object().key("items").begin_array();
    for (const node::Resource::Item& item : items_of(kind, resource)) {
        writer.raw(item->value);
    }
    writer.end_array().key("name").string(name).end_object();
}

void answer_set(const Call& call, ResourceKind kind, const node::ResourcePtr& resource) {
    std::string json;
    wire::JsonWriter writer(json);
    write_set(writer, kind, call.path.front(), resource);
    answer(call, 200, std::move(json));
}

/// `limit` and `offset`, applied. 0 is no limit.
Status cut_page(const Parameters& parameters, std::vector<node::Resource::Item>& items) {
    const auto offset = parameters.unsigned_integer("offset", 0);
    if (!offset.ok()) {
        return invalid_argument("Offset param should be unsigned integer.");
    }
    const auto limit = parameters.unsigned_integer("limit", 0);
    if (!limit.ok()) {
        return invalid_argument("Limit param should be unsigned integer.");
    }
    if (offset.value() > 0 && offset.value() >= items.size()) {
        return invalid_argument("Invalid offset param.");
    }
    items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(offset.value()));
    if (limit.value() > 0 && limit.value() < items.size()) {
        items.resize(limit.value());
    }
    return {};
}

void answer_items(const Call& call, ResourceKind kind, const node::ResourcePtr& resource) {
    auto items = items_of(kind, resource);
    const Status cut = cut_page(call.parameters, items);
    if (!cut.ok()) {
        answer_error(call, cut.error());
        return;
    }
    std::string json;
    wire::JsonWriter writer(json);
    const bool wrapped = node::is_of_collection(kind);
    if (wrapped) {
        writer.begin_object().key(kind_of(kind).list);
    }
    writer.begin_array();
    for (const node::Resource::Item& item : items) {
        writer.raw(item->value);
    }
    writer.end_array();
    if (wrapped) {
        writer.end_object();
    }
    answer(call, 200, std::move(json));
}

/// What was sent, with the id of the path.
std::string echo(JsonValue sent, const std::string& id) {
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object();
    for (const wire::JsonMember member : sent.as_object()) {
        if (member.key != "id") {
            writer.key(member.key).value(member.value);
        }
    }
    writer.key("id").string(id).end_object();
    return json;
}

Result<std::vector<node::ResourceItem>> read_items(ResourceKind kind, const std::string& body) {
    const auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return invalid_argument("Bad JSON.");
    }
    const JsonValue items = parsed.value().root().find("items");
    if (!items || !items.is_array()) {
        return invalid_argument("Missing or invalid 'items' field");
    }
    std::vector<node::ResourceItem> out;
    for (const JsonValue item : items.as_array()) {
        if (!item.is_object()) {
            return invalid_argument("Bad JSON.");
        }
        const JsonValue id = item.find("id");
        if (!id || !id.is_string() || id.as_string().empty()) {
            return invalid_argument(std::string(kind_of(kind).no_id));
        }
        node::ResourceItem read;
        read.id = id.as_string();
        KUMO_TRY_ASSIGN(read.value, kind_of(kind).read(read.id, item));
        out.push_back(std::move(read));
    }
    return out;
}

}  // namespace

template <ResourceKind kKind>
void list_sets(const CallPtr& call) {
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_array();
    const auto all = call->context.node.resources(kKind);
    for (const auto& [name, resource] : *all) {
        write_set(writer, kKind, name, resource);
    }
    writer.end_array();
    answer(*call, 200, std::move(json));
}

template <ResourceKind kKind>
void get_set(const CallPtr& call) {
    find_resource(call, kKind, [call](const node::ResourcePtr& found) {
        if (found == nullptr) {
            answer_error(*call, missing(*call, kKind, ""));
            return;
        }
        answer_set(*call, kKind, found);
    });
}

template <ResourceKind kKind>
void put_set(const CallPtr& call, const std::string& body) {
    auto items = read_items(kKind, body);
    if (!items.ok()) {
        answer_error(*call, items.error());
        return;
    }
    call->context.node.put_resource(
        {kKind, call->path.front(), true, std::move(items).value()},
        call->loop(),
        [call](const Result<node::ResourcePtr>& put) {
            if (!put.ok()) {
                answer_error(*call, put.error());
                return;
            }
            answer_set(*call, kKind, put.value());
        }
    );
}

template <ResourceKind kKind>
void delete_set(const CallPtr& call) {
    call->context.node.delete_resource(
        {kKind, call->path.front(), {}},
        call->loop(),
        [call](const Result<node::ResourcePtr>& gone) {
            if (gone.ok()) {
                answer_name(*call, "name", call->path.front());
                return;
            }
            const bool there = gone.error().code != ErrorCode::kNotFound;
            answer_error(*call, there ? gone.error() : missing(*call, kKind, ""));
        }
    );
}

template <ResourceKind kKind>
void list_items(const CallPtr& call) {
    find_resource(call, kKind, [call](const node::ResourcePtr& found) {
        if (found == nullptr && !node::is_of_collection(kKind)) {
            answer_error(*call, missing(*call, kKind, ""));
            return;
        }
        const auto& collection = call->path.front();
        const auto known = call->context.node.collection(collection);
        if (node::is_of_collection(kKind) && !known.ok()) {
            answer_error(*call, known.error());
            return;
        }
        answer_items(*call, kKind, found);
    });
}

template <ResourceKind kKind>
void get_item(const CallPtr& call) {
    find_resource(call, kKind, [call](const node::ResourcePtr& found) {
        const node::ResourceItem* item = found == nullptr ? nullptr : found->find(call->path[1]);
        if (item == nullptr) {
            answer_error(*call, missing(*call, kKind, "Not Found"));
            return;
        }
        answer(*call, 200, item->value);
    });
}

template <ResourceKind kKind>
void put_item(const CallPtr& call, const std::string& body) {
    const auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        answer_error(*call, invalid_argument("Bad JSON."));
        return;
    }
    const JsonValue sent = parsed.value().root();
    auto value = kind_of(kKind).read(call->path[1], sent);
    if (!value.ok()) {
        answer_error(*call, value.error());
        return;
    }
    call->context.node.put_resource(
        {kKind, call->path.front(), false, {{call->path[1], std::move(value).value()}}},
        call->loop(),
        [call, shown = echo(sent, call->path[1])](const Result<node::ResourcePtr>& put) {
            if (put.ok()) {
                answer(*call, 200, shown);
                return;
            }
            const bool there = put.error().code != ErrorCode::kNotFound;
            answer_error(*call, there ? put.error() : missing(*call, kKind, "Not Found"));
        }
    );
}

template <ResourceKind kKind>
void delete_item(const CallPtr& call) {
    call->context.node.delete_resource(
        {kKind, call->path.front(), call->path[1]},
        call->loop(),
        [call](const Result<node::ResourcePtr>& gone) {
            if (gone.ok()) {
                answer_name(*call, "id", call->path[1]);
                return;
            }
            const bool there = gone.error().code != ErrorCode::kNotFound;
            answer_error(
                *call,
                there ? gone.error() : missing(*call, kKind, "Could not find that `id`.")
            );
        }
    );
}

// The kinds there are: sets by name, and those of a collection, which have no routes as a whole.
#define KUMO_SET_OF_ITEMS(kind)                                                     \
    template void list_items<ResourceKind::kind>(const CallPtr&);                   \
    template void get_item<ResourceKind::kind>(const CallPtr&);                     \
    template void put_item<ResourceKind::kind>(const CallPtr&, const std::string&); \
    template void delete_item<ResourceKind::kind>(const CallPtr&);
#define KUMO_NAMED_SET(kind)                                                       \
    template void list_sets<ResourceKind::kind>(const CallPtr&);                   \
    template void get_set<ResourceKind::kind>(const CallPtr&);                     \
    template void put_set<ResourceKind::kind>(const CallPtr&, const std::string&); \
    template void delete_set<ResourceKind::kind>(const CallPtr&);                  \
    KUMO_SET_OF_ITEMS(kind)

KUMO_NAMED_SET(kSynonymSet)
KUMO_SET_OF_ITEMS(kCollectionSynonyms)
KUMO_NAMED_SET(kCurationSet)
KUMO_SET_OF_ITEMS(kCollectionCurations)

}  // namespace kumo::api_kumosearch
