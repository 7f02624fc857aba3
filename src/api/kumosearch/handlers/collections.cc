#include "api/kumosearch/handlers/clone_documents.h"
#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/resources/stem_dictionaries.h"
#include "api/kumosearch/resources/values.h"
#include "api/kumosearch/schema_json.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

void answer_collection(const Call& call, int status, const node::CollectionInfo& info) {
    std::string json;
    wire::JsonWriter writer(json);
    write_collection(writer, info);
    answer(call, status, std::move(json));
}

/// What a clone of the collection that the parameters name is declared as. Metadata is its own.
Result<node::CollectionSpec> clone_of(const Call& call, const std::string& body) {
    const node::Node& node = call.context.node;
    const std::string& source = call.parameters.text("src_name");
    const auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return invalid_argument("Bad JSON.");
    }
    if (!call.grant.allows(source)) {
        return forbidden();
    }
    auto info = node.collection(resolve_collection(node, source));
    if (!info.ok()) {
        return invalid_argument("Collection with name `" + source + "` not found.");
    }
    KUMO_TRY_ASSIGN(std::string name, read_collection_name(parsed.value().root()));
    node::CollectionSpec spec = std::move(info.value().spec);
    spec.name = std::move(name);
    spec.metadata.clear();
    return spec;
}

/// A clone has all documents, or is not made.
void copy_all_documents(const CallPtr& call, const node::CollectionInfo& made) {
    node::Node& node = call->context.node;
    clone_documents(
        call,
        resolve_collection(node, call->parameters.text("src_name")),
        made.spec.name,
        [call, name = made.spec.name](const Status& copied) {
            if (!copied.ok()) {
                call->context.node.drop_collection(
                    name,
                    call->loop(),
                    [call, error = copied.error()](const Result<node::CollectionInfo>&) {
                        answer_error(*call, error);
                    }
                );
                return;
            }
            const auto info = call->context.node.collection(name);
            if (info.ok()) {
                answer_collection(*call, 201, info.value());
            } else {
                answer_error(*call, info.error());
            }
        }
    );
}

/// Gives a clone the synonyms and then the curations of its source's own, and answers it.
void copy_own_sets(
    const CallPtr& call,
    node::CollectionInfo made,
    std::optional<node::ResourceKind> kind
) {
    if (!kind && call->parameters.flag("copy_documents", false)) {
        copy_all_documents(call, made);
        return;
    }
    if (!kind) {
        answer_collection(*call, 201, made);
        return;
    }
    using Kind = node::ResourceKind;
    const auto next = *kind == Kind::kCollectionSynonyms ? std::optional(Kind::kCollectionCurations)
                                                         : std::nullopt;
    node::Node& node = call->context.node;
    const auto source =
        node.resource(*kind, resolve_collection(node, call->parameters.text("src_name")));
    if (source == nullptr) {
        copy_own_sets(call, std::move(made), next);
        return;
    }
    node::PutResource put{*kind, made.spec.name, true, {}};
    for (const node::Resource::Item& item : source->items()) {
        put.items.push_back(*item);
    }
    node.put_resource(
        std::move(put),
        call->loop(),
        [call, made = std::move(made), next](const Result<node::ResourcePtr>& copied) {
            if (!copied.ok()) {
                answer_error(*call, copied.error());
                return;
            }
            copy_own_sets(call, made, next);
        }
    );
}

/// Runs `then` with the fields, which know what is in their stemming dictionaries, or answers why
/// they cannot.
void with_dictionaries(
    const CallPtr& call,
    std::vector<search::Field> fields,
    const std::function<void(std::vector<search::Field>)>& then
) {
    if (fill_dictionaries(call->context.node, fields).ok()) {
        then(std::move(fields));
        return;
    }
    // One may have come to another node a moment ago.
    call->context.node.refresh(
        call->loop(),
        [call, fields = std::move(fields), then](const Result<bool>&) mutable {
            if (const Status filled = fill_dictionaries(call->context.node, fields); !filled.ok()) {
                answer_error(*call, filled.error());
                return;
            }
            then(std::move(fields));
        }
    );
}

void update_properties(const CallPtr& call, node::UpdateCollection update, std::string shown) {
    call->context.node.update_collection(
        std::move(update),
        call->loop(),
        [call, shown = std::move(shown)](const Result<node::CollectionInfo>& updated) {
            if (!updated.ok()) {
                answer_error(*call, updated.error());
                return;
            }
            answer(*call, 200, shown);
        }
    );
}

void change_fields(
    const CallPtr& call,
    search::FieldChange change,
    bool only_fields,
    const node::UpdateCollection& properties,
    const std::string& shown
) {
    call->context.node.change_fields(
        call->collection(),
        std::move(change),
        call->loop(),
        [call, only_fields, properties, shown](const Result<node::CollectionInfo>& changed) {
            if (!changed.ok()) {
                answer_error(*call, changed.error());
            } else if (only_fields) {
                answer(*call, 200, shown);
            } else {
                update_properties(call, properties, shown);
            }
        }
    );
}

void make_collection(const CallPtr& call, node::CollectionSpec spec) {
    const WallTime now = call->context.clock.wall_now();
    spec.created_at = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    call->context.node.create_collection(
        std::move(spec),
        call->loop(),
        [call](Result<node::CollectionInfo> made) {
            if (!made.ok()) {
                answer_error(*call, made.error());
            } else if (call->parameters.has("src_name")) {
                copy_own_sets(
                    call,
                    std::move(made).value(),
                    node::ResourceKind::kCollectionSynonyms
                );
            } else {
                answer_collection(*call, 201, made.value());
            }
        }
    );
}

}  // namespace

void create_collection(const CallPtr& call, const std::string& body) {
    const bool clones = call->parameters.has("src_name");
    auto spec = clones ? clone_of(*call, body) : parse_collection(body);
    if (!spec.ok()) {
        answer_error(*call, spec.error());
        return;
    }
    if (!call->grant.allows(spec.value().name)) {
        answer_error(*call, forbidden());
        return;
    }
    if (clones) {
        make_collection(call, std::move(spec).value());
        return;
    }
    std::vector<search::Field> fields = spec.value().schema.fields;
    with_dictionaries(
        call,
        std::move(fields),
        [call, spec = std::move(spec).value()](std::vector<search::Field> filled) {
            node::CollectionSpec out = spec;
            out.schema.fields = std::move(filled);
            if (const Status valid = search::validate(out.schema); !valid.ok()) {
                answer_error(*call, valid.error());
                return;
            }
            make_collection(call, std::move(out));
        }
    );
}

void update_collection(const CallPtr& call, const std::string& body) {
    auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        answer_error(*call, invalid_argument("Bad JSON."));
        return;
    }
    auto update = parse_update(parsed.value().root());
    if (!update.ok()) {
        answer_error(*call, update.error());
        return;
    }
    update.value().properties.name = call->collection();
    std::string shown;
    wire::JsonWriter(shown).value(parsed.value().root());
    if (!update.value().fields) {
        update_properties(call, std::move(update.value().properties), std::move(shown));
        return;
    }
    const bool only_fields = parsed.value().root().as_object().size() == 1;
    search::FieldChange& change = *update.value().fields;
    std::vector<search::Field> adds = std::move(change.adds);
    with_dictionaries(
        call,
        std::move(adds),
        [call, only_fields, update = std::move(update).value(), shown](
            std::vector<search::Field> filled
        ) {
            search::FieldChange what = *update.fields;
            what.adds = std::move(filled);
            change_fields(call, std::move(what), only_fields, update.properties, shown);
        }
    );
}

void list_schema_changes(const CallPtr& call) {
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_array();
    for (const node::SchemaChange& change : call->context.node.schema_changes()) {
        writer.begin_object();
        writer.key("altered_docs").unsigned_integer(change.documents);
        writer.key("collection").string(change.collection);
        writer.key("validated_docs").unsigned_integer(change.documents);
        writer.end_object();
    }
    writer.end_array();
    answer(*call, 200, std::move(json));
}

void list_collections(const CallPtr& call) {
    const Parameters& parameters = call->parameters;
    const auto limit = parameters.unsigned_integer("limit", UINT64_MAX);
    const auto offset = parameters.unsigned_integer("offset", 0);
    if (!limit.ok() || !offset.ok()) {
        answer_error(*call, !limit.ok() ? limit.error() : offset.error());
        return;
    }
    const std::vector<std::string> excluded = parameters.list("exclude_fields");
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_array();
    std::uint64_t seen = 0;
    std::uint64_t written = 0;
    for (const node::CollectionInfo& info : call->context.node.collections()) {
        if (!call->grant.allows(info.spec.name)) {
            continue;
        }
        if (seen++ >= offset.value() && written < limit.value()) {
            write_collection(writer, info, excluded);
            ++written;
        }
    }
    writer.end_array();
    answer(*call, 200, std::move(json));
}

void get_collection(const CallPtr& call) {
    const auto info = call->context.node.collection(call->collection());
    if (!info.ok()) {
        answer_error(*call, info.error());
        return;
    }
    answer_collection(*call, 200, info.value());
}

void delete_collection(const CallPtr& call) {
    call->context.node.drop_collection(
        call->collection(),
        call->loop(),
        [call](Result<node::CollectionInfo> dropped) {
            if (!dropped.ok()) {
                answer_error(*call, dropped.error());
                return;
            }
            answer_collection(*call, 200, dropped.value());
        }
    );
}

}  // namespace kumo::api_kumosearch
