#include "api/elastic/index_store.h"

#include "api/elastic/fault.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

using node::ResourceKind;

/// So often a change is tried again because somebody else was faster.
constexpr int kAttemptsMax = 50;

Json stored_form(const Index& index) {
    return Json::object(
        {{"uuid", index.uuid},
         {"created_at", index.created_at},
         {"settings", index.settings},
         {"aliases", index.aliases},
         {"closed", index.closed},
         {"versions",
          Json::array({index.mapping_version, index.settings_version, index.aliases_version})},
         {"mappings", index.mapping->json()}}
    );
}

/// An Index that a resource has been made of.
struct Derived final : node::Resource::Derived {
    IndexPtr index;
};

IndexPtr index_of(const std::string& name, const node::Resource& resource) {
    auto out = std::make_shared<Index>();
    out->name = name;
    out->digest = resource.digest();
    const auto parsed = Json::parse(resource.value());
    const Json json = parsed.ok() ? parsed.value() : Json::object();
    const auto member = [&json](std::string_view of) {
        const Json* const value = json.find(of);
        return value == nullptr ? Json() : *value;
    };
    out->uuid = member("uuid").text();
    out->created_at = member("created_at").to_int64().value_or(0);
    out->settings = member("settings");
    out->aliases = member("aliases");
    out->closed = member("closed").to_bool().value_or(false);
    const Json versions = member("versions");
    if (versions.is_array() && versions.size() == 3) {
        const auto version = [&versions](std::size_t i) {
            return static_cast<std::uint64_t>(versions.items()[i].to_int64().value_or(1));
        };
        out->mapping_version = version(0);
        out->settings_version = version(1);
        out->aliases_version = version(2);
    }
    auto mapping = Mapping::make(member("mappings"), out->settings);
    if (!mapping.ok()) {
        mapping = Mapping::make(Json::object(), Json::object());
    }
    out->mapping = std::move(mapping).value();
    return out;
}

std::string_view type_of(const search::Field& field) {
    switch (field.type) {
        case search::ValueType::kInt32: return "integer";
        case search::ValueType::kInt64: return "long";
        case search::ValueType::kFloat: return "double";
        case search::ValueType::kBool: return "boolean";
        case search::ValueType::kGeoPoint: return "geo_point";
        case search::ValueType::kObject: return "object";
        default: return field.exact ? "keyword" : "text";
    }
}

/// A collection that was made through another dialect.
IndexPtr index_of(const node::CollectionInfo& info) {
    auto out = std::make_shared<Index>();
    out->name = info.spec.name;
    out->uuid = "c" + std::to_string(info.spec.created_at) + "-" + info.spec.name;
    out->created_at = info.spec.created_at * 1000;
    out->settings = Json::object(
        {{"index.number_of_shards", std::to_string(info.spec.num_shards)},
         {"index.number_of_replicas", "1"}}
    );
    out->aliases = Json::object();
    Json properties = Json::object();
    for (const search::Field& field : info.spec.schema.fields) {
        if (field.is_pattern() || field.is_vector() || field.name == "id") {
            continue;
        }
        properties[field.name] = Json::object({{"type", type_of(field)}});
    }
    auto mapping = Mapping::make(Json::object({{"properties", properties}}), out->settings);
    if (!mapping.ok()) {
        mapping = Mapping::make(Json::object(), Json::object());
    }
    out->mapping = std::move(mapping).value();
    return out;
}

}  // namespace

std::string Index::setting(std::string_view of) const {
    const Json* const value = settings.find(of);
    return value == nullptr || value->is_null() ? std::string() : value->text();
}

std::int64_t Index::shards() const {
    return Json(setting("index.number_of_shards")).to_int64().value_or(1);
}

std::int64_t Index::replicas() const {
    return Json(setting("index.number_of_replicas")).to_int64().value_or(1);
}

bool Index::hidden() const {
    return setting("index.hidden") == "true";
}

IndexPtr IndexStore::find(std::string_view name) const {
    const auto resource = node_.resource(ResourceKind::kIndexMetadata, name);
    if (resource == nullptr) {
        const auto info = node_.collection(name);
        return info.ok() ? index_of(info.value()) : nullptr;
    }
    const auto derived = resource->derived("", [name](const node::Resource& of) {
        auto out = std::make_shared<Derived>();
        out->index = index_of(std::string(name), of);
        return out;
    });
    return static_cast<const Derived&>(*derived).index;
}

std::vector<IndexPtr> IndexStore::all() const {
    std::vector<IndexPtr> out;
    for (const node::CollectionInfo& info : node_.collections()) {
        if (IndexPtr index = find(info.spec.name)) {
            out.push_back(std::move(index));
        }
    }
    std::sort(out.begin(), out.end(), [](const IndexPtr& a, const IndexPtr& b) {
        return a->name < b->name;
    });
    return out;
}

Status IndexStore::put(const Index& index, std::uint64_t expected) const {
    node::PutResource put;
    put.kind = ResourceKind::kIndexMetadata;
    put.name = index.name;
    put.items.push_back({"", stored_form(index).dump()});
    put.expected = expected;
    auto done = wait_for<node::ResourcePtr>([&](node::Reply<node::ResourcePtr> reply) {
        node_.put_resource(std::move(put), loop_, std::move(reply));
    });
    return done.ok() ? Status() : Status(done.error());
}

Result<IndexPtr> IndexStore::create(const Index& index) const {
    node::CollectionSpec spec;
    spec.name = index.name;
    spec.created_at = index.created_at / 1000;
    auto made = wait_for<node::CollectionInfo>([&](node::Reply<node::CollectionInfo> reply) {
        node_.create_collection(std::move(spec), loop_, std::move(reply));
    });
    if (!made.ok() && made.error().code == ErrorCode::kAlreadyExists) {
        return fault(
            "resource_already_exists_exception",
            "index [" + index.name + "/" + index.uuid + "] already exists"
        );
    }
    if (!made.ok()) {
        return made.error();
    }
    KUMO_TRY(put(index, 0));
    IndexPtr found = find(index.name);
    return found == nullptr ? Result<IndexPtr>(no_such_index(index.name)) : found;
}

Status IndexStore::remove(const std::string& name) const {
    auto done = wait_for<node::CollectionInfo>([&](node::Reply<node::CollectionInfo> reply) {
        node_.drop_collection(name, loop_, std::move(reply));
    });
    if (!done.ok() && done.error().code == ErrorCode::kNotFound) {
        return no_such_index(name);
    }
    return done.ok() ? Status() : Status(done.error());
}

Result<IndexPtr>
IndexStore::update(const std::string& name, const std::function<Status(Index&)>& change) const {
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        const IndexPtr before = find(name);
        if (before == nullptr) {
            return no_such_index(name);
        }
        Index next = *before;
        KUMO_TRY(change(next));
        const Status done = put(next, before->digest);
        if (done.ok()) {
            return find(name);
        }
        if (done.error().code != ErrorCode::kConflict) {
            return done.error();
        }
    }
    return fault(
        "process_cluster_event_timeout_exception",
        "the index [" + name + "] changes too often"
    );
}

Json ClusterStore::find(const std::string& name) const {
    const auto resource = node_.resource(ResourceKind::kClusterMetadata, name);
    if (resource == nullptr) {
        return {};
    }
    auto parsed = Json::parse(resource->value());
    return parsed.ok() ? std::move(parsed).value() : Json();
}

std::vector<std::pair<std::string, Json>> ClusterStore::list(std::string_view prefix) const {
    std::vector<std::pair<std::string, Json>> out;
    const auto all = node_.resources(ResourceKind::kClusterMetadata);
    for (auto at = all->lower_bound(prefix); at != all->end() && at->first.starts_with(prefix);
         ++at) {
        auto parsed = Json::parse(at->second->value());
        if (parsed.ok()) {
            out.emplace_back(at->first.substr(prefix.size()), std::move(parsed).value());
        }
    }
    return out;
}

Status ClusterStore::put(const std::string& name, const Json& value) const {
    node::PutResource put;
    put.kind = ResourceKind::kClusterMetadata;
    put.name = name;
    put.items.push_back({"", value.dump()});
    auto done = wait_for<node::ResourcePtr>([&](node::Reply<node::ResourcePtr> reply) {
        node_.put_resource(std::move(put), loop_, std::move(reply));
    });
    return done.ok() ? Status() : Status(done.error());
}

Result<bool> ClusterStore::remove(const std::string& name) const {
    auto done = wait_for<node::ResourcePtr>([&](node::Reply<node::ResourcePtr> reply) {
        node_.delete_resource(
            {ResourceKind::kClusterMetadata, name, std::nullopt},
            loop_,
            std::move(reply)
        );
    });
    if (!done.ok() && done.error().code == ErrorCode::kNotFound) {
        return false;
    }
    return done.ok() ? Result<bool>(true) : Result<bool>(done.error());
}

Result<Json>
ClusterStore::update(const std::string& name, const std::function<Status(Json&)>& change) const {
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        const auto before = node_.resource(ResourceKind::kClusterMetadata, name);
        Json value;
        if (before != nullptr) {
            KUMO_TRY_ASSIGN(value, Json::parse(before->value()));
        }
        KUMO_TRY(change(value));
        node::PutResource put;
        put.kind = ResourceKind::kClusterMetadata;
        put.name = name;
        put.items.push_back({"", value.dump()});
        put.expected = before == nullptr ? 0 : before->digest();
        auto done = wait_for<node::ResourcePtr>([&](node::Reply<node::ResourcePtr> reply) {
            node_.put_resource(std::move(put), loop_, std::move(reply));
        });
        if (done.ok()) {
            return value;
        }
        if (done.error().code != ErrorCode::kConflict) {
            return done.error();
        }
    }
    return fault("process_cluster_event_timeout_exception", "[" + name + "] changes too often");
}

std::string ClusterStore::setting(std::string_view name) const {
    const Json settings = find("settings");
    for (const std::string_view scope : {"transient", "persistent"}) {
        const Json* const of = settings.find(scope);
        const Json* const value = of == nullptr ? nullptr : of->find(name);
        if (value != nullptr && !value->is_null()) {
            return value->text();
        }
    }
    return {};
}

}  // namespace kumo::api_elastic
