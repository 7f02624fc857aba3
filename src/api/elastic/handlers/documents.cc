#include "api/elastic/context.h"
#include "api/elastic/documents/source_filter.h"
#include "api/elastic/documents/writer.h"
#include "api/elastic/fault.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/index_store.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/resolver.h"
#include "api/elastic/routing.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::size_t kDocumentsPerGetMax = 10'000;

Result<Answer> answer_of(const Request& request, WriteItem item, const WriteOptions& options) {
    const std::vector<WriteAnswer> answers =
        write_items(request.context, {std::move(item)}, options);
    const WriteAnswer& one = answers.front();
    if (one.error) {
        return *one.error;
    }
    return Answer(one.status, one.body);
}

Result<WriteItem> item_of(const Request& request, WriteKind kind) {
    WriteItem item;
    item.kind = kind;
    item.index = request.part("index");
    item.id = request.part("id");
    KUMO_TRY(read_conditions(request.parameters, item));
    KUMO_TRY_ASSIGN(item.require_alias, request.parameters.flag("require_alias", false));
    item.pipeline = request.parameters.text("pipeline");
    return item;
}

Result<Answer> write_document(const Request& request, WriteKind kind) {
    KUMO_TRY_ASSIGN(WriteItem item, item_of(request, kind));
    KUMO_TRY_ASSIGN(const WriteOptions options, WriteOptions::of(request.parameters));
    if (request.body.empty()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: source is missing;"
        );
    }
    const std::string type = request.parameters.text("op_type");
    if (type == "create") {
        item.kind = WriteKind::kCreate;
    } else if (!type.empty() && type != "index") {
        return illegal_argument("opType must be 'create' or 'index', found: [" + type + "]");
    }
    if (item.kind == WriteKind::kCreate && item.rule != search::VersionRule::kInternal) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: create operations only support internal versioning. use index "
            "instead;"
        );
    }
    item.source = request.body;
    return answer_of(request, std::move(item), options);
}

/// The index a read is for: of an alias, the only one behind it.
Result<IndexPtr> index_to_read(const Context& context, const std::string& name) {
    KUMO_TRY_ASSIGN(const auto resolved, resolve(context, name, {}));
    if (resolved.size() != 1) {
        if (resolved.empty()) {
            return no_such_index(name);
        }
        std::string names;
        for (const ResolvedIndex& one : resolved) {
            names += (names.empty() ? "" : ", ") + one.index->name;
        }
        return illegal_argument(
            "alias [" + name + "] has more than one index associated with it [" + names
            + "], can't execute a single index op"
        );
    }
    if (resolved.front().index->closed) {
        return fault("index_closed_exception", "closed");
    }
    return resolved.front().index;
}

bool names_source(const std::vector<std::string>& stored_fields) {
    return std::find(stored_fields.begin(), stored_fields.end(), "_source") != stored_fields.end();
}

/// One document of a get.
struct Wanted {
    std::string index;
    std::string id;
    std::string routing{};
    SourceFilter filter{};
    std::vector<std::string> stored_fields{};
    bool show_source = true;
    bool realtime = true;
    bool refresh = false;
    search::VersionRule rule = search::VersionRule::kInternal;
    std::optional<std::uint64_t> version{};
};

Status check_wanted_version(const Wanted& wanted, const FoundDocument& document) {
    if (!wanted.version || !document.found) {
        return {};
    }
    const std::uint64_t now = document.stored.meta.version;
    if (*wanted.version == now) {
        return {};
    }
    return fault(
        "version_conflict_engine_exception",
        "[" + wanted.id + "]: version conflict, current version [" + std::to_string(now)
            + "] is different than the one provided [" + std::to_string(*wanted.version) + "]"
    );
}

/// The values of fields that are stored by themselves: those of the source.
Json stored_fields(const Index& index, const std::vector<std::string>& names, const Json& source) {
    Json out = Json::object();
    for (const std::string& name : names) {
        const MappedField* const field = index.mapping->find(name);
        const Json* const stored = field == nullptr ? nullptr : field->definition.find("store");
        const Json* const value = source.at_path(name);
        if (stored == nullptr || !stored->to_bool().value_or(false) || value == nullptr) {
            continue;
        }
        out[name] = value->is_array() ? *value : Json::array({*value});
    }
    return out;
}

Result<Json> get_json(const Context& context, const Wanted& wanted, bool& found) {
    KUMO_TRY_ASSIGN(const IndexPtr index, index_to_read(context, wanted.index));
    if (index->mapping->routing_required() && wanted.routing.empty()) {
        return fault(
            "routing_missing_exception",
            "routing is required for [" + index->name + "]/[" + wanted.id + "]"
        );
    }
    if (wanted.refresh) {
        context.pins.refresh(index->name);
    }
    KUMO_TRY_ASSIGN(
        FoundDocument document,
        get_document(context, index->name, wanted.id, wanted.realtime)
    );
    if (document.found && document.stored.meta.routing != wanted.routing
        && shard_of(*index, wanted.id, wanted.routing)
               != shard_of(*index, wanted.id, document.stored.meta.routing)) {
        document.found = false;  // It is in another shard than the one that was asked.
    }
    KUMO_TRY(check_wanted_version(wanted, document));
    found = document.found;
    Json out = Json::object({{"_index", index->name}, {"_id", wanted.id}});
    if (!document.found) {
        out["found"] = false;
        return out;
    }
    out["_version"] = document.stored.meta.version;
    out["_seq_no"] = document.stored.meta.seq;
    out["_primary_term"] = document.stored.meta.term;
    if (!document.stored.meta.routing.empty()) {
        out["_routing"] = document.stored.meta.routing;
    }
    out["found"] = true;
    KUMO_TRY_ASSIGN(const Json source, Json::parse(document.stored.source));
    if (wanted.show_source && wanted.filter.show && index->mapping->source_enabled()) {
        out["_source"] = wanted.filter.apply(source);
    }
    Json fields = stored_fields(*index, wanted.stored_fields, source);
    if (!fields.empty()) {
        out["fields"] = std::move(fields);
    }
    return out;
}

Result<Wanted> wanted_of(const Request& request) {
    Wanted wanted;
    wanted.index = request.part("index");
    wanted.id = request.part("id");
    wanted.routing = request.parameters.text("routing");
    wanted.filter = SourceFilter::of(request.parameters);
    wanted.stored_fields = request.parameters.list("stored_fields");
    const bool asks_source = request.parameters.has("_source")
                             || request.parameters.has("_source_includes")
                             || request.parameters.has("_source_excludes");
    wanted.show_source =
        wanted.stored_fields.empty() || asks_source || names_source(wanted.stored_fields);
    KUMO_TRY_ASSIGN(wanted.realtime, request.parameters.flag("realtime", true));
    KUMO_TRY_ASSIGN(wanted.refresh, request.parameters.flag("refresh", false));
    if (request.parameters.has("version")) {
        KUMO_TRY_ASSIGN(const std::int64_t version, request.parameters.integer("version", 0));
        wanted.version = static_cast<std::uint64_t>(version);
    }
    if (request.parameters.text("version_type") == "external_gte") {
        wanted.rule = search::VersionRule::kExternalGte;
    }
    return wanted;
}

Error missing_ids() {
    return fault(
        "action_request_validation_exception",
        "Validation Failed: 1: no documents to get;"
    );
}

Result<Wanted> wanted_of(const Request& request, const Json& entry) {
    Wanted wanted;
    wanted.index = request.part("index");
    KUMO_TRY_ASSIGN(wanted.realtime, request.parameters.flag("realtime", true));
    wanted.filter = SourceFilter::of(request.parameters);
    wanted.stored_fields = request.parameters.list("stored_fields");
    wanted.show_source = wanted.stored_fields.empty() || request.parameters.has("_source")
                         || names_source(wanted.stored_fields);
    wanted.routing = request.parameters.text("routing");
    if (!entry.is_object()) {
        wanted.id = entry.text();
        return wanted;
    }
    for (const auto& [name, value] : entry.members()) {
        if (name == "_index") {
            wanted.index = value.text();
        } else if (name == "_id") {
            wanted.id = value.text();
        } else if (name == "routing") {
            wanted.routing = value.text();
        } else if (name == "_source") {
            KUMO_TRY_ASSIGN(wanted.filter, SourceFilter::of(value));
            wanted.show_source = true;
        } else if (name == "stored_fields") {
            wanted.stored_fields.clear();
            for (const Json& one : value.is_array() ? value.items() : Json::Array{value}) {
                wanted.stored_fields.push_back(one.text());
            }
            wanted.show_source =
                entry.find("_source") != nullptr || names_source(wanted.stored_fields);
        } else if (name == "version") {
            wanted.version = static_cast<std::uint64_t>(value.to_int64().value_or(0));
        } else if (name == "version_type") {
            wanted.rule = value.text() == "external_gte" ? search::VersionRule::kExternalGte
                                                         : search::VersionRule::kInternal;
        } else {
            return illegal_argument(
                "Action/metadata line contains an unknown parameter [" + name + "]"
            );
        }
    }
    return wanted;
}

}  // namespace

Result<Answer> index_document(const Request& request) {
    return write_document(request, WriteKind::kIndex);
}

Result<Answer> create_document(const Request& request) {
    return write_document(request, WriteKind::kCreate);
}

Result<Answer> delete_one(const Request& request) {
    KUMO_TRY_ASSIGN(WriteItem item, item_of(request, WriteKind::kDelete));
    KUMO_TRY_ASSIGN(const WriteOptions options, WriteOptions::of(request.parameters));
    return answer_of(request, std::move(item), options);
}

Result<Answer> get_one(const Request& request) {
    KUMO_TRY_ASSIGN(const Wanted wanted, wanted_of(request));
    bool found = false;
    KUMO_TRY_ASSIGN(Json out, get_json(request.context, wanted, found));
    return Answer(found ? 200 : 404, std::move(out));
}

Result<Answer> get_source(const Request& request) {
    KUMO_TRY_ASSIGN(const Wanted wanted, wanted_of(request));
    bool found = false;
    KUMO_TRY_ASSIGN(const Json out, get_json(request.context, wanted, found));
    const Json* const source = out.find("_source");
    if (source == nullptr) {
        return fault(
            "resource_not_found_exception",
            (found ? "Source not found [" : "Document not found [") + wanted.index + "]/["
                + wanted.id + "]"
        );
    }
    return Answer(*source);
}

Result<Answer> update_one(const Request& request) {
    KUMO_TRY_ASSIGN(WriteItem item, item_of(request, WriteKind::kUpdate));
    KUMO_TRY_ASSIGN(const WriteOptions options, WriteOptions::of(request.parameters));
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    KUMO_TRY(read_update(body, item));
    KUMO_TRY_ASSIGN(
        item.update.retry_on_conflict,
        request.parameters.integer("retry_on_conflict", 0)
    );
    if (const Json source = source_json(request.parameters); !source.is_null()) {
        item.update.source = source;
    }
    return answer_of(request, std::move(item), options);
}

Result<Answer> get_many(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    const Json* docs = body.find("docs");
    docs = docs == nullptr ? body.find("ids") : docs;
    for (const auto& [name, value] : body.is_object() ? body.members() : Json::Object()) {
        if (name != "docs" && name != "ids") {
            return parsing_error(
                "unexpected token [START_ARRAY], expected [FIELD_NAME] for [" + name + "]"
            );
        }
    }
    if (docs == nullptr || !docs->is_array() || docs->empty()) {
        return missing_ids();
    }
    if (docs->size() > kDocumentsPerGetMax) {
        return illegal_argument("at most 10000 documents are got at once");
    }
    std::vector<Wanted> all;
    std::string invalid;
    std::size_t wrong = 0;
    for (const Json& entry : docs->items()) {
        KUMO_TRY_ASSIGN(Wanted wanted, wanted_of(request, entry));
        const std::string place = " for doc " + std::to_string(all.size());
        if (wanted.index.empty()) {
            invalid += " " + std::to_string(++wrong) + ": index is missing" + place + ";";
        }
        if (wanted.id.empty()) {
            invalid += " " + std::to_string(++wrong) + ": id is missing" + place + ";";
        }
        all.push_back(std::move(wanted));
    }
    if (!invalid.empty()) {
        return fault("action_request_validation_exception", "Validation Failed:" + invalid);
    }
    KUMO_TRY_ASSIGN(const bool refresh, request.parameters.flag("refresh", false));
    Json out = Json::array();
    for (Wanted& wanted : all) {
        wanted.refresh = refresh;
        bool found = false;
        auto one = get_json(request.context, wanted, found);
        if (one.ok()) {
            out.push(std::move(one).value());
        } else {
            out.push(Json::object(
                {{"_index", wanted.index},
                 {"_id", wanted.id},
                 {"error", error_json(fault_of(one.error()))}}
            ));
        }
    }
    return Answer(Json::object({{"docs", std::move(out)}}));
}

}  // namespace kumo::api_elastic
