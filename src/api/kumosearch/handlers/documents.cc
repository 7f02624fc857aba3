#include "api/kumosearch/handlers/document_parameters.h"
#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/joins.h"
#include "api/kumosearch/query/filter_parser.h"
#include "api/kumosearch/query/joined_fields.h"
#include "api/kumosearch/query/search_plan.h"
#include "node/joined_snapshots.h"
#include "search/join/joiner.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <string>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

/// {"<name>": n}
void answer_count(const Call& call, ByteView name, const Result<std::uint64_t>& count) {
    if (!count.ok()) {
        answer_error(call, count.error());
        return;
    }
    std::string json;
    wire::JsonWriter(json).begin_object().key(name).unsigned_integer(count.value()).end_object();
    answer(call, 200, std::move(json));
}

Result<search::PlannedFilter> read_filter(const Call& call) {
    const Parameters& parameters = call.parameters;
    KUMO_TRY_ASSIGN(
        const node::CollectionInfo info,
        call.context.node.collection(call.collection())
    );
    if (trim(parameters.text("filter_by")).empty()) {
        return invalid_argument("Parameter `filter_by` must be provided.");
    }
    JoinPlanner joins = join_planner(call.context.node, call.grant, {info.spec.name, info.schema});
    FilterLimits limits{call.context.options.filter_by_max_ops};
    limits.joins = &joins;
    KUMO_TRY_ASSIGN(
        search::Filter filter,
        parse_filter(parameters.text("filter_by"), info.spec.schema, limits)
    );
    search::PlannedFilter planned(std::move(filter), info.schema);
    planned.joins = std::make_shared<const search::JoinRequest>(joins.request());
    return planned;
}

/// Writes one document and answers it as it is stored.
void write_one(const CallPtr& call, node::WriteBatch batch, int status) {
    call->context.node.write(
        call->collection(),
        std::move(batch),
        call->loop(),
        [call, status](Result<std::vector<Result<search::Written>>> written) {
            if (!written.ok()) {
                answer_error(*call, written.error());
                return;
            }
            auto& one = written.value().front();
            if (!one.ok()) {
                answer_error(*call, one.error());
                return;
            }
            answer(*call, status, std::move(one.value().document));
        }
    );
}

/// The body with its id replaced by the one of the path.
Result<std::string> with_id(const std::string& body, const std::string& id) {
    const auto parsed = wire::JsonDocument::parse(body);
    if (!parsed.ok()) {
        return invalid_argument("Bad JSON: " + parsed.error().message);
    }
    if (!parsed.value().root().is_object()) {
        return invalid_argument("Bad JSON: not a proper document.");
    }
    std::string out;
    wire::JsonWriter writer(out);
    writer.begin_object().key("id").string(id);
    for (const wire::JsonMember member : parsed.value().root().as_object()) {
        if (member.key != "id") {
            writer.key(member.key).raw(member.value.raw());
        }
    }
    writer.end_object();
    return out;
}

}  // namespace

void write_document(const CallPtr& call, std::string body) {
    auto batch = plan_write(call->parameters, search::WriteAction::kCreate);
    if (!batch.ok()) {
        answer_error(*call, batch.error());
        return;
    }
    batch.value().documents.push_back(std::move(body));
    write_one(call, std::move(batch).value(), 201);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): as all of them take it
void update_document(const CallPtr& call, std::string body) {
    auto batch = plan_write(call->parameters, search::WriteAction::kUpdate);
    if (!batch.ok()) {
        answer_error(*call, batch.error());
        return;
    }
    auto document = with_id(body, call->path[1]);
    if (!document.ok()) {
        answer_error(*call, document.error());
        return;
    }
    batch.value().documents.push_back(std::move(document).value());
    write_one(call, std::move(batch).value(), 200);
}

void update_documents(const CallPtr& call, std::string body) {
    const auto dirty = plan_dirty_values(call->parameters);
    auto filter = read_filter(*call);
    if (!dirty.ok() || !filter.ok()) {
        answer_error(*call, !dirty.ok() ? dirty.error() : filter.error());
        return;
    }
    call->context.node.update_matching(
        call->collection(),
        std::move(filter).value(),
        std::move(body),
        dirty.value(),
        call->loop(),
        [call](const Result<std::uint64_t>& count) { answer_count(*call, "num_updated", count); }
    );
}

void delete_documents(const CallPtr& call) {
    const auto reply = [call](const Result<std::uint64_t>& count) {
        answer_count(*call, "num_deleted", count);
    };
    if (call->parameters.flag("truncate", false)) {
        call->context.node.truncate(call->collection(), call->loop(), reply);
        return;
    }
    auto filter = read_filter(*call);
    if (!filter.ok()) {
        answer_error(*call, filter.error());
        return;
    }
    call->context.node
        .erase_matching(call->collection(), std::move(filter).value(), call->loop(), reply);
}

namespace {

/// What is shown of one document.
struct ShownDocument {
    std::shared_ptr<const search::Schema> schema;
    ShownFields fields;
    search::JoinRequest joins;
};

Result<ShownDocument> plan_shown_document(const Call& call) {
    KUMO_TRY_ASSIGN(
        const node::CollectionInfo info,
        call.context.node.collection(call.collection())
    );
    JoinPlanner joins = join_planner(call.context.node, call.grant, {info.spec.name, info.schema});
    ShownDocument out;
    out.schema = info.schema;
    KUMO_TRY_ASSIGN(out.fields, plan_shown_fields(call.parameters, {}, &joins));
    out.joins = joins.request();
    return out;
}

Result<std::string>
show_document(const ShownDocument& shown, search::KeyTables& tables, const std::string& document) {
    search::Joiner joiner(shown.joins, &tables);
    KUMO_TRY_ASSIGN(
        const auto joined,
        joiner.include(*shown.schema, {&document, 1}, shown.fields.includes)
    );
    std::string out;
    KUMO_TRY(append_shown(shown.fields.fields, shown.fields.shapes, document, joined[0], out));
    return out;
}

void answer_shown(const Call& call, Result<std::string> shown) {
    if (!shown.ok()) {
        answer_error(call, shown.error());
        return;
    }
    answer(call, 200, std::move(shown).value());
}

/// With joins: not on the loop.
void show_on_worker(const CallPtr& call, ShownDocument shown, std::string document) {
    const Status taken = node::take_joined(call->context.node, shown.joins);
    if (!taken.ok()) {
        answer_error(*call, taken.error());
        return;
    }
    io::Loop& loop = call->loop();
    const Status submitted = call->context.pool.submit(
        // A copy that may be moved, which a capture of `call` itself is not.
        [self = CallPtr(call), &loop, shown = std::move(shown), document = std::move(document)](
        ) mutable {
            auto text = show_document(shown, self->context.node.key_tables(), document);
            loop.post([self = std::move(self), text = std::move(text)]() mutable {
                answer_shown(*self, std::move(text));
            });
        }
    );
    if (!submitted.ok()) {
        answer_error(*call, submitted.error());
    }
}

}  // namespace

void get_document(const CallPtr& call) {
    auto planned = plan_shown_document(*call);
    if (!planned.ok()) {
        answer_error(*call, planned.error());
        return;
    }
    call->context.node.document(
        call->collection(),
        call->path[1],
        call->loop(),
        [call, planned = std::move(planned).value()](Result<std::string> document) {
            if (!document.ok()) {
                answer_error(*call, document.error());
            } else if (!planned.fields.includes.empty()) {
                show_on_worker(call, planned, std::move(document).value());
            } else {
                std::string shown;
                const Status selected = planned.fields.fields.append(document.value(), shown);
                answer_shown(
                    *call,
                    selected.ok() ? Result<std::string>(std::move(shown)) : selected.error()
                );
            }
        }
    );
}

void delete_document(const CallPtr& call) {
    const bool ignore = call->parameters.flag("ignore_not_found", false);
    call->context.node.erase(
        call->collection(),
        call->path[1],
        call->loop(),
        [call, ignore](Result<std::string> gone) {
            if (gone.ok()) {
                answer(*call, 200, std::move(gone).value());
                return;
            }
            // Ignores a missing document, not a missing collection.
            const bool missing = gone.error().code == ErrorCode::kNotFound
                                 && call->context.node.collection(call->collection()).ok();
            if (!ignore || !missing) {
                answer_error(*call, gone.error());
                return;
            }
            std::string json;
            wire::JsonWriter(json).begin_object().key("id").string(call->path[1]).end_object();
            answer(*call, 200, std::move(json));
        }
    );
}

}  // namespace kumo::api_kumosearch
