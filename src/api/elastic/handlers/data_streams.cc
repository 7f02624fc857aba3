#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/index_stats.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <utility>

/// A data stream is a value of the cluster that names its indices, the last of which is written.
namespace kumo::api_elastic {

namespace {

constexpr const char* kTimestamp = "@timestamp";

std::string backing_name(const std::string& stream, std::int64_t generation) {
    std::string digits = std::to_string(generation);
    digits.insert(0, 6 - std::min<std::size_t>(6, digits.size()), '0');
    return ".ds-" + stream + "-" + digits;
}

std::vector<std::pair<std::string, Json>> wanted_streams(const Request& request) {
    std::vector<std::pair<std::string, Json>> out;
    const std::vector<std::string> patterns = split_list(request.part("name"));
    for (auto& [name, value] : request.context.cluster.list("data_stream/")) {
        const bool wanted =
            patterns.empty()
            || std::any_of(patterns.begin(), patterns.end(), [&name = name](const auto& one) {
                   return one == "_all" || matches_wildcard(one, name);
               });
        if (wanted) {
            out.emplace_back(name, std::move(value));
        }
    }
    return out;
}

Status check_found(const Request& request, bool found) {
    const std::string name = request.part("name");
    if (found || name.empty() || name.find('*') != std::string::npos) {
        return {};
    }
    return no_such_index(name);
}

/// The template that makes a name a data stream's.
Result<Json> stream_template(const Context& context, const std::string& name, std::string& chosen) {
    KUMO_TRY_ASSIGN(const Json parts, template_for(context, name, &chosen));
    (void)parts;
    Json of = chosen.empty() ? Json() : context.cluster.find("index_template/" + chosen);
    if (std::as_const(of).find("data_stream") == nullptr) {
        return illegal_argument("no matching index template found for data stream [" + name + "]");
    }
    return of;
}

}  // namespace

Result<Answer> put_data_stream(const Request& request) {
    const std::string name = request.part("name");
    KUMO_TRY(check_index_name(name));
    const Context& context = request.context;
    std::string chosen;
    KUMO_TRY_ASSIGN(const Json of, stream_template(context, name, chosen));
    if (!context.cluster.find("data_stream/" + name).is_null()) {
        return fault(
            "resource_already_exists_exception",
            "data_stream [" + name + "] already exists"
        );
    }
    KUMO_TRY_ASSIGN(const Json parts, template_for(context, name, &chosen));
    Json make = Json::object();
    for (const std::string_view part : {"settings", "mappings"}) {
        if (const Json* const given = parts.find(part)) {
            make[part] = *given;
        }
    }
    make["settings"]["index.hidden"] = "true";
    Json& timestamp = make["mappings"]["properties"][kTimestamp];
    if (timestamp.is_null()) {
        timestamp = Json::object({{"type", "date"}});
    }
    KUMO_TRY_ASSIGN(const IndexPtr made, create_index(context, backing_name(name, 1), make));
    const Status kept = context.cluster.put(
        "data_stream/" + name,
        Json::object(
            {{"generation", 1}, {"template", chosen}, {"indices", Json::array({made->name})}}
        )
    );
    if (!kept.ok()) {
        (void)context.indices.remove(made->name);
        return kept.error();
    }
    return Answer(acknowledged());
}

Result<Answer> get_data_stream(const Request& request) {
    Json list = Json::array();
    for (const auto& [name, value] : wanted_streams(request)) {
        Json indices = Json::array();
        const Json* const backing = value.find("indices");
        for (const Json& one : backing == nullptr ? Json::Array() : backing->items()) {
            const IndexPtr index = request.context.indices.find(one.text());
            indices.push(Json::object(
                {{"index_name", one.text()}, {"index_uuid", index == nullptr ? "" : index->uuid}}
            ));
        }
        const Json* const chosen = value.find("template");
        list.push(Json::object(
            {{"name", name},
             {"timestamp_field", Json::object({{"name", kTimestamp}})},
             {"indices", std::move(indices)},
             {"generation", *value.find("generation")},
             {"status", "GREEN"},
             {"template", chosen == nullptr ? Json() : *chosen}}
        ));
    }
    KUMO_TRY(check_found(request, !list.empty()));
    return Answer(Json::object({{"data_streams", std::move(list)}}));
}

Result<Answer> delete_data_stream(const Request& request) {
    const auto streams = wanted_streams(request);
    KUMO_TRY(check_found(request, !streams.empty()));
    for (const auto& [name, value] : streams) {
        KUMO_TRY_ASSIGN(const bool removed, request.context.cluster.remove("data_stream/" + name));
        (void)removed;
        const Json* const backing = value.find("indices");
        for (const Json& one : backing == nullptr ? Json::Array() : backing->items()) {
            if (request.context.indices.find(one.text()) != nullptr) {
                KUMO_TRY(request.context.indices.remove(one.text()));
                request.context.pins.refresh(one.text());
            }
        }
    }
    return Answer(acknowledged());
}

Result<Answer> data_stream_stats(const Request& request) {
    Json list = Json::array();
    std::int64_t backing_count = 0;
    std::uint64_t bytes = 0;
    for (const auto& [name, value] : wanted_streams(request)) {
        const Json* const backing = value.find("indices");
        std::uint64_t own = 0;
        for (const Json& one : backing == nullptr ? Json::Array() : backing->items()) {
            const IndexPtr index = request.context.indices.find(one.text());
            own += index == nullptr ? 0 : index_sizes(request.context, *index).bytes;
        }
        const auto count = static_cast<std::int64_t>(backing == nullptr ? 0 : backing->size());
        backing_count += count;
        bytes += own;
        list.push(Json::object(
            {{"data_stream", name},
             {"backing_indices", count},
             {"store_size_bytes", own},
             {"maximum_timestamp", 0}}
        ));
    }
    KUMO_TRY(check_found(request, !list.empty()));
    return Answer(Json::object(
        {{"_shards",
          Json::object({{"total", backing_count}, {"successful", backing_count}, {"failed", 0}})},
         {"data_stream_count", list.size()},
         {"backing_indices", backing_count},
         {"total_store_size_bytes", bytes},
         {"data_streams", std::move(list)}}
    ));
}

}  // namespace kumo::api_elastic
