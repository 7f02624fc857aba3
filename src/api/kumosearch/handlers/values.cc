#include "api/kumosearch/resources/values.h"

#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/stored_resource.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <string>
#include <string_view>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using node::ResourceKind;

/// How the routes of one kind differ from those of another.
struct Kind {
    std::string_view list;     ///< The member of the list's answer.
    std::string_view wrapper;  ///< What an answer about one is inside of; empty: nothing.
    Result<std::string> (*read)(const std::string& name, wire::JsonValue body);
};

constexpr Kind kAliases = {"aliases", "", read_alias};
constexpr Kind kPresets = {"presets", "", read_preset};
constexpr Kind kStopwordSets = {"stopwords", "stopwords", read_stopwords};

constexpr const Kind& kind_of(ResourceKind kind) {
    return kind == ResourceKind::kAlias    ? kAliases
           : kind == ResourceKind::kPreset ? kPresets
                                           : kStopwordSets;
}

std::string missing(ResourceKind kind, const std::string& name) {
    return kind == ResourceKind::kAlias    ? "Collection not found"
           : kind == ResourceKind::kPreset ? "Not found."
                                           : "Stopword `" + name + "` not found.";
}

}  // namespace

template <ResourceKind kKind>
void list_values(const CallPtr& call) {
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object().key(kind_of(kKind).list).begin_array();
    const auto all = call->context.node.resources(kKind);
    for (const auto& [name, resource] : *all) {
        writer.raw(resource->value());
    }
    writer.end_array().end_object();
    answer(*call, 200, std::move(json));
}

template <ResourceKind kKind>
void get_value(const CallPtr& call) {
    find_resource(call, kKind, [call](const node::ResourcePtr& found) {
        if (found == nullptr) {
            answer_message(*call, 404, missing(kKind, call->path.front()));
            return;
        }
        const std::string_view wrapper = kind_of(kKind).wrapper;
        std::string json;
        wire::JsonWriter writer(json);
        if (wrapper.empty()) {
            json = found->value();
        } else {
            writer.begin_object().key(wrapper).raw(found->value()).end_object();
        }
        answer(*call, 200, std::move(json));
    });
}

template <ResourceKind kKind>
void put_value(const CallPtr& call, const std::string& body) {
    const auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        answer_error(*call, invalid_argument("Bad JSON."));
        return;
    }
    auto value = kind_of(kKind).read(call->path.front(), parsed.value().root());
    if (!value.ok()) {
        answer_error(*call, value.error());
        return;
    }
    call->context.node.put_resource(
        {kKind, call->path.front(), true, {{"", std::move(value).value()}}},
        call->loop(),
        [call](const Result<node::ResourcePtr>& put) {
            if (!put.ok()) {
                answer_error(*call, put.error());
                return;
            }
            answer(*call, 200, put.value()->value());
        }
    );
}

template <ResourceKind kKind>
void delete_value(const CallPtr& call) {
    call->context.node.delete_resource(
        {kKind, call->path.front(), {}},
        call->loop(),
        [call](const Result<node::ResourcePtr>& gone) {
            if (!gone.ok() && gone.error().code == ErrorCode::kNotFound) {
                answer_message(*call, 404, missing(kKind, call->path.front()));
            } else if (!gone.ok()) {
                answer_error(*call, gone.error());
            } else if (kKind == ResourceKind::kStopwords) {
                answer_name(*call, "id", call->path.front());
            } else {
                answer(*call, 200, gone.value()->value());
            }
        }
    );
}

// The kinds there are.
template void list_values<ResourceKind::kAlias>(const CallPtr&);
template void list_values<ResourceKind::kPreset>(const CallPtr&);
template void list_values<ResourceKind::kStopwords>(const CallPtr&);
template void get_value<ResourceKind::kAlias>(const CallPtr&);
template void get_value<ResourceKind::kPreset>(const CallPtr&);
template void get_value<ResourceKind::kStopwords>(const CallPtr&);
template void put_value<ResourceKind::kAlias>(const CallPtr&, const std::string&);
template void put_value<ResourceKind::kPreset>(const CallPtr&, const std::string&);
template void put_value<ResourceKind::kStopwords>(const CallPtr&, const std::string&);
template void delete_value<ResourceKind::kAlias>(const CallPtr&);
template void delete_value<ResourceKind::kPreset>(const CallPtr&);
template void delete_value<ResourceKind::kStopwords>(const CallPtr&);

}  // namespace kumo::api_kumosearch
