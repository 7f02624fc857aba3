#include "node/resource.h"

#include "wire/crc32c.h"
#include "wire/murmur3.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

using wire::append_sized;
using wire::append_varint;

/// What the items of a command do to those that are there.
constexpr std::uint64_t kAdd = 0;
constexpr std::uint64_t kReplaceAll = 1;
constexpr std::uint64_t kReplaceNone = 2;  ///< There must be none.
constexpr std::uint64_t kReplaceThat = 3;  ///< There must be one with the digest that follows.

Error above(const std::string& what) {
    return Error{ErrorCode::kLimitExceeded, what};
}

Status check(const PutResource& command) {
    if (command.name.empty() || command.name.size() > kResourceNameBytesMax) {
        return invalid_argument("A name has 1 to 1024 bytes.");
    }
    if (is_one_value(command.kind) && (!command.replace || command.items.size() != 1)) {
        return invalid_argument("A resource of this kind is one value.");
    }
    for (const ResourceItem& item : command.items) {
        if (item.id.size() > kResourceNameBytesMax) {
            return invalid_argument("An `id` has at most 1024 bytes.");
        }
        if (item.value.size() > kResourceItemBytesMax) {
            return above("A value is above 1 MiB.");
        }
    }
    return {};
}

/// `before` with the new items, each in the place of the one with its id.
std::vector<Resource::Item>
merge(std::vector<Resource::Item> before, const std::vector<ResourceItem>& items) {
    const auto place_of = [&before](const std::string& id) {
        const auto at = std::find_if(before.begin(), before.end(), [&](const Resource::Item& item) {
            return item->id == id;
        });
        return static_cast<std::size_t>(at - before.begin());
    };
    // Sets are often filled one by one, or replaced: the first needs no table of all ids.
    const bool one = items.size() == 1;
    std::map<std::string, std::size_t, std::less<>> places;
    for (std::size_t i = 0; !one && i < before.size(); ++i) {
        places.emplace(before[i]->id, i);
    }
    for (const ResourceItem& item : items) {
        auto shared = std::make_shared<const ResourceItem>(item);
        const std::size_t at =
            one ? place_of(item.id) : places.emplace(item.id, before.size()).first->second;
        if (at == before.size()) {
            before.push_back(std::move(shared));
        } else {
            before[at] = std::move(shared);
        }
    }
    return before;
}

Status check_size(const Resource& resource) {
    if (resource.items().size() > kResourceItemsMax) {
        return above("There are " + std::to_string(kResourceItemsMax) + " items already.");
    }
    if (resource.bytes() > kResourceBytesMax) {
        return above("All items together are above 4 MiB.");
    }
    return {};
}

Error not_there() {
    return not_found("Not Found");
}

void append_items(std::string& out, const std::vector<ResourceItem>& items) {
    append_varint(out, items.size());
    for (const ResourceItem& item : items) {
        append_sized(out, item.id);
        append_sized(out, item.value);
    }
}

std::vector<ResourceItem> read_items(wire::ByteReader& in) {
    std::vector<ResourceItem> items;
    const std::size_t count = in.count();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        ResourceItem item;
        item.id = in.text();
        item.value = in.text();
        items.push_back(std::move(item));
    }
    return items;
}

ResourceKind read_kind(wire::ByteReader& in) {
    return static_cast<ResourceKind>(in.below_or_at(kResourceKinds - 1));
}

}  // namespace

Resource::Resource(std::vector<Item> items)
    : items_(std::move(items)), derived_(std::make_shared<const Variants>()) {
    for (const Item& item : items_) {
        bytes_ += item->bytes();
        digest_ =
            wire::murmur3_32(item->id, static_cast<std::uint32_t>(digest_)) ^ (digest_ >> 32U);
        digest_ = (digest_ << 32U) | wire::crc32c(item->value);
    }
    digest_ = std::max<std::uint64_t>(digest_, 1);
}

const ResourceItem* Resource::find(std::string_view id) const {
    const auto found = std::find_if(items_.begin(), items_.end(), [&](const Item& item) {
        return item->id == id;
    });
    return found == items_.end() ? nullptr : found->get();
}

Resource::DerivedPtr Resource::derived(
    std::string_view variant,
    const std::function<DerivedPtr(const Resource&)>& make
) const {
    const auto known = derived_.load();
    if (const auto found = known->find(variant); found != known->end()) {
        return found->second;
    }
    DerivedPtr made = make(*this);
    if (known->size() < kVariantsMax) {
        // Two threads at once: one's variant may be forgotten again, and is made again.
        auto more = std::make_shared<Variants>(*known);
        more->emplace(variant, made);
        derived_.store(std::move(more));
    }
    return made;
}

std::array<std::shared_ptr<const NamedResources>, kResourceKinds> Resources::none() {
    static const auto kNone = std::make_shared<const NamedResources>();
    std::array<std::shared_ptr<const NamedResources>, kResourceKinds> out;
    out.fill(kNone);
    return out;
}

ResourcePtr Resources::find(ResourceKind kind, std::string_view name) const {
    const NamedResources& all = of(kind);
    const auto found = all.find(name);
    return found == all.end() ? nullptr : found->second;
}

bool Resources::empty() const {
    return std::all_of(kinds_.begin(), kinds_.end(), [](const auto& kind) {
        return kind->empty();
    });
}

Status Resources::put(ResourceKind kind, const std::string& name, ResourcePtr resource) {
    const ResourcePtr before = find(kind, name);
    if (before == nullptr && of(kind).size() >= kResourcesMax) {
        return above("There are " + std::to_string(kResourcesMax) + " of this kind already.");
    }
    const std::size_t added = name.size() + resource->bytes();
    const std::size_t removed = before == nullptr ? 0 : name.size() + before->bytes();
    if (bytes_ - removed + added > kResourcesBytesMax) {
        return above(
            "Aliases, presets, stopwords, synonyms, curations and other rules together are above "
            "32 MiB."
        );
    }
    bytes_ = bytes_ - removed + added;
    auto next = std::make_shared<NamedResources>(of(kind));
    next->insert_or_assign(name, std::move(resource));
    kinds_[static_cast<std::size_t>(kind)] = std::move(next);
    return {};
}

void Resources::erase(ResourceKind kind, std::string_view name) {
    const auto found = of(kind).find(name);
    if (found == of(kind).end()) {
        return;
    }
    bytes_ -= name.size() + found->second->bytes();
    auto next = std::make_shared<NamedResources>(of(kind));
    next->erase(next->find(name));
    kinds_[static_cast<std::size_t>(kind)] = std::move(next);
}

Status Resources::adopt(ResourceKind kind, NamedResources all) {
    std::size_t bytes = bytes_;
    for (const auto& [name, resource] : of(kind)) {
        bytes -= name.size() + resource->bytes();
    }
    for (const auto& [name, resource] : all) {
        bytes += name.size() + resource->bytes();
    }
    if (all.size() > kResourcesMax || bytes > kResourcesBytesMax) {
        return above("There are too many named resources.");
    }
    bytes_ = bytes;
    kinds_[static_cast<std::size_t>(kind)] = std::make_shared<const NamedResources>(std::move(all));
    return {};
}

bool is_one_value(ResourceKind kind) {
    return kind == ResourceKind::kAlias || kind == ResourceKind::kPreset
           || kind == ResourceKind::kStopwords || kind == ResourceKind::kLimit
           || kind == ResourceKind::kAnalyticsRule || kind == ResourceKind::kIndexMetadata
           || kind == ResourceKind::kClusterMetadata;
}

bool is_of_collection(ResourceKind kind) {
    return kind == ResourceKind::kCollectionSynonyms || kind == ResourceKind::kCollectionCurations
           || kind == ResourceKind::kIndexMetadata;
}

Result<ResourcePtr> apply(Resources& resources, const PutResource& command) {
    KUMO_TRY(check(command));
    std::vector<Resource::Item> items;
    const ResourcePtr before = resources.find(command.kind, command.name);
    if (command.must_be_new && before != nullptr) {
        return Error{ErrorCode::kAlreadyExists, "There is one of that name already."};
    }
    if (command.expected && *command.expected != (before == nullptr ? 0 : before->digest())) {
        return Error{ErrorCode::kConflict, "The resource has changed meanwhile."};
    }
    if (!command.replace) {
        if (before == nullptr && !is_of_collection(command.kind)) {
            return not_there();
        }
        items = before == nullptr ? items : before->items();
    }
    auto resource = std::make_shared<const Resource>(merge(std::move(items), command.items));
    KUMO_TRY(check_size(*resource));
    KUMO_TRY(resources.put(command.kind, command.name, resource));
    return ResourcePtr(std::move(resource));
}

Result<ResourcePtr> apply(Resources& resources, const DeleteResource& command) {
    ResourcePtr before = resources.find(command.kind, command.name);
    if (before == nullptr) {
        return not_there();
    }
    if (!command.item) {
        resources.erase(command.kind, command.name);
        return before;
    }
    std::vector<Resource::Item> items = before->items();
    const auto found = std::find_if(items.begin(), items.end(), [&](const Resource::Item& item) {
        return item->id == *command.item;
    });
    if (found == items.end()) {
        return not_there();
    }
    items.erase(found);
    if (items.empty() && is_of_collection(command.kind)) {
        resources.erase(command.kind, command.name);
        return before;
    }
    KUMO_TRY(resources.put(
        command.kind,
        command.name,
        std::make_shared<const Resource>(std::move(items))
    ));
    return before;
}

void append_command(std::string& out, const PutResource& command) {
    append_varint(out, static_cast<std::uint64_t>(command.kind));
    append_sized(out, command.name);
    if (command.expected) {
        append_varint(out, kReplaceThat);
        append_varint(out, *command.expected);
    } else {
        append_varint(
            out,
            command.must_be_new ? kReplaceNone
            : command.replace   ? kReplaceAll
                                : kAdd
        );
    }
    append_items(out, command.items);
}

void append_command(std::string& out, const DeleteResource& command) {
    append_varint(out, static_cast<std::uint64_t>(command.kind));
    append_sized(out, command.name);
    append_varint(out, command.item ? 1 : 0);
    if (command.item) {
        append_sized(out, *command.item);
    }
}

PutResource read_put_resource(wire::ByteReader& in) {
    PutResource command;
    command.kind = read_kind(in);
    command.name = in.text();
    const std::uint64_t how = in.below_or_at(kReplaceThat);
    command.replace = how != kAdd;
    if (how == kReplaceThat) {
        command.expected = in.number();
    }
    command.must_be_new = how == kReplaceNone;
    command.items = read_items(in);
    return command;
}

DeleteResource read_delete_resource(wire::ByteReader& in) {
    DeleteResource command;
    command.kind = read_kind(in);
    command.name = in.text();
    if (in.below_or_at(1) != 0) {
        command.item = in.text();
    }
    return command;
}

void append_resources(std::string& out, const Resources& resources) {
    std::size_t kinds = kResourceKinds;
    while (kinds > kResourceKindsAtFirst
           && resources.of(static_cast<ResourceKind>(kinds - 1)).empty()) {
        --kinds;
    }
    for (std::size_t kind = 0; kind < kinds; ++kind) {
        const NamedResources& all = resources.of(static_cast<ResourceKind>(kind));
        append_varint(out, all.size());
        for (const auto& [name, resource] : all) {
            append_sized(out, name);
            append_varint(out, resource->items().size());
            for (const Resource::Item& item : resource->items()) {
                append_sized(out, item->id);
                append_sized(out, item->value);
            }
        }
    }
}

Result<Resources> read_resources(ByteView bytes) {
    wire::ByteReader in(bytes);
    Resources resources;
    for (std::size_t i = 0; i < kResourceKinds; ++i) {
        if (i >= kResourceKindsAtFirst && in.at_end()) {
            break;
        }
        const auto kind = static_cast<ResourceKind>(i);
        NamedResources all;
        const std::size_t count = in.count();
        for (std::size_t n = 0; n < count && in.ok(); ++n) {
            PutResource put;
            put.kind = kind;
            put.name = in.text();
            put.items = read_items(in);
            auto resource = std::make_shared<const Resource>(merge({}, put.items));
            if (in.ok() && (!check(put).ok() || !check_size(*resource).ok())) {
                return corruption("the state has a named resource that it cannot have");
            }
            all.insert_or_assign(std::move(put.name), std::move(resource));
        }
        if (in.ok() && !resources.adopt(kind, std::move(all)).ok()) {
            return corruption("the state has more named resources than it can have");
        }
    }
    if (!in.at_end()) {
        return corruption("the state's named resources are not well formed");
    }
    return resources;
}

}  // namespace kumo::node
