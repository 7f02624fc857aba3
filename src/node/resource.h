#pragma once

#include "base/published.h"
#include "base/result.h"
#include "wire/byte_reader.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Named resources: small JSON values with a name, which every node has and searches use (aliases,
/// presets, synonyms, ...). Part of the cluster state. What a value means is the dialect's.
namespace kumo::node {

/// Numbers are part of the format (docs/formats/state.md).
enum class ResourceKind : std::uint8_t {
    kAlias = 0,
    kPreset = 1,
    kStopwords = 2,
    kSynonymSet = 3,
    kCurationSet = 4,
    kCollectionSynonyms = 5,   ///< Named as its collection, and gone with it.
    kCollectionCurations = 6,  ///< The same.
    kLimit = 7,                ///< A rule of who may ask how often.
    kStemmingDictionary = 8,
    kAnalyticsRule = 9,
    kIndexMetadata = 10,  ///< Of the Elasticsearch dialect: named as its collection, gone with it.
    kClusterMetadata = 11,  ///< The same dialect's templates, pipelines, settings, repositories.
};

inline constexpr std::size_t kResourceKinds = 12;
/// States had these before there were others; what is behind them may be missing.
inline constexpr std::size_t kResourceKindsAtFirst = 7;

inline constexpr std::size_t kResourcesMax = 10'000;  ///< Of each kind.
inline constexpr std::size_t kResourceNameBytesMax = 1024;
inline constexpr std::size_t kResourceItemsMax = 10'000;
inline constexpr std::size_t kResourceItemBytesMax = std::size_t{1} << 20;
/// All items of one resource: it fits into one command.
inline constexpr std::size_t kResourceBytesMax = std::size_t{4} << 20;
/// All resources together: they are in memory, and in the state's snapshot.
inline constexpr std::size_t kResourcesBytesMax = std::size_t{32} << 20;

/// One value. Those of sets have an id; a resource that is one value has one item with none.
struct ResourceItem {
    std::string id;
    std::string value;  ///< JSON, in the form in which the dialect shows it.

    std::size_t bytes() const { return id.size() + value.size(); }
};

/// A resource as it is stored. Immutable, but for a memory of what readers have made of it.
/// Thread rule: any thread.
class Resource {
public:
    using Item = std::shared_ptr<const ResourceItem>;

    /// What somebody has made of a resource's values: parsed, analysed.
    struct Derived {
        Derived() = default;
        Derived(const Derived&) = delete;
        Derived& operator=(const Derived&) = delete;
        virtual ~Derived() = default;
    };

    using DerivedPtr = std::shared_ptr<const Derived>;

    /// Variants that are remembered; more are made anew each time.
    static constexpr std::size_t kVariantsMax = 16;

    explicit Resource(std::vector<Item> items);

    /// In the order in which their ids came first.
    const std::vector<Item>& items() const { return items_; }

    /// Null if there is none.
    const ResourceItem* find(std::string_view id) const;

    /// Requires a kind that is one value.
    const std::string& value() const { return items_.front()->value; }

    std::size_t bytes() const { return bytes_; }

    /// Of ids and values; never 0.
    std::uint64_t digest() const { return digest_; }

    /// What `make` has made of this resource, made once and then shared: the resource is parsed
    /// when it is first used, not for each use. `variant` tells what else the making depended on.
    /// Threads that come first together may each make it.
    DerivedPtr
    derived(std::string_view variant, const std::function<DerivedPtr(const Resource&)>& make) const;

private:
    using Variants = std::map<std::string, DerivedPtr, std::less<>>;

    std::vector<Item> items_;
    std::size_t bytes_ = 0;
    std::uint64_t digest_ = 0;
    mutable Published<Variants> derived_;
};

using ResourcePtr = std::shared_ptr<const Resource>;

/// All resources of one kind, by name. Immutable.
using NamedResources = std::map<std::string, ResourcePtr, std::less<>>;

/// All resources of a state. A value; copies share what is immutable.
class Resources {
public:
    const NamedResources& of(ResourceKind kind) const {
        return *kinds_[static_cast<std::size_t>(kind)];
    }

    std::shared_ptr<const NamedResources> shared(ResourceKind kind) const {
        return kinds_[static_cast<std::size_t>(kind)];
    }

    /// Null if there is none.
    ResourcePtr find(ResourceKind kind, std::string_view name) const;

    bool empty() const;

    /// Replaces the one of that name. kLimitExceeded.
    Status put(ResourceKind kind, const std::string& name, ResourcePtr resource);

    /// Nothing happens if there is none.
    void erase(ResourceKind kind, std::string_view name);

    /// All of a kind at once. kLimitExceeded.
    Status adopt(ResourceKind kind, NamedResources all);

private:
    std::array<std::shared_ptr<const NamedResources>, kResourceKinds> kinds_ = none();
    std::size_t bytes_ = 0;

    static std::array<std::shared_ptr<const NamedResources>, kResourceKinds> none();
};

/// A command: sets items of a resource.
struct PutResource {
    ResourceKind kind = ResourceKind::kAlias;
    std::string name;
    /// The items become all there are. Else they are added to a set that is there, in the place of
    /// those with the same ids (for the kinds of a collection, the set need not be there).
    bool replace = true;
    std::vector<ResourceItem> items;
    bool must_be_new = false;  ///< kAlreadyExists if one of that name is there.
    /// kConflict unless the resource that is there has this digest; with 0, unless there is none.
    /// For kinds that are one value.
    std::optional<std::uint64_t> expected{};
};

/// A command: removes a resource, or one item of a set.
struct DeleteResource {
    ResourceKind kind = ResourceKind::kAlias;
    std::string name;
    std::optional<std::string> item;
};

/// Whether a resource of this kind belongs to the collection of the same name.
bool is_of_collection(ResourceKind kind);

/// Whether a resource of this kind is one value: it has exactly one item.
bool is_one_value(ResourceKind kind);

/// What the commands do; the resource as it is afterwards, or (deleted) as it was.
/// kInvalidArgument (names, sizes), kLimitExceeded, kNotFound.
Result<ResourcePtr> apply(Resources& resources, const PutResource& command);
Result<ResourcePtr> apply(Resources& resources, const DeleteResource& command);

// Bytes: docs/formats/state.md. After damage, the reader is not ok().

void append_command(std::string& out, const PutResource& command);
void append_command(std::string& out, const DeleteResource& command);
PutResource read_put_resource(wire::ByteReader& in);
DeleteResource read_delete_resource(wire::ByteReader& in);
void append_resources(std::string& out, const Resources& resources);
/// kCorruption for what no command could have made.
Result<Resources> read_resources(ByteView bytes);

}  // namespace kumo::node
