#include "api/elastic/context.h"
#include "api/elastic/documents/source_filter.h"
#include "api/elastic/documents/writer.h"
#include "api/elastic/fault.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// Operations of one request.
constexpr std::size_t kBulkItemsMax = 1'000'000;

std::optional<WriteKind> kind_of(std::string_view name) {
    if (name == "index") {
        return WriteKind::kIndex;
    }
    if (name == "create") {
        return WriteKind::kCreate;
    }
    if (name == "update") {
        return WriteKind::kUpdate;
    }
    return name == "delete" ? std::optional(WriteKind::kDelete) : std::nullopt;
}

std::string_view name_of(WriteKind kind) {
    switch (kind) {
        case WriteKind::kIndex: return "index";
        case WriteKind::kCreate: return "create";
        case WriteKind::kUpdate: return "update";
        case WriteKind::kDelete: break;
    }
    return "delete";
}

Error malformed(std::size_t line, const std::string& what) {
    return illegal_argument(
        "Malformed action/metadata line [" + std::to_string(line) + "], " + what
    );
}

/// What every item has unless its line says otherwise.
struct Defaults {
    std::string index;
    std::string routing;
    std::string pipeline;
    bool require_alias = false;
    Json source;  ///< `_source` of updates.
};

Status read_meta(const std::string& name, const Json& value, std::size_t line, WriteItem& item) {
    const auto number = [&value]() {
        return static_cast<std::uint64_t>(value.to_int64().value_or(0));
    };
    if (name == "_index") {
        item.index = value.text();
    } else if (name == "_id") {
        item.id = value.is_null() ? "" : value.text();
        item.empty_id = !value.is_null() && item.id.empty();
    } else if (name == "routing" || name == "_routing") {
        item.routing = value.text();
    } else if (name == "pipeline") {
        item.pipeline = value.text();
    } else if (name == "require_alias") {
        item.require_alias = value.to_bool().value_or(false);
    } else if (name == "if_seq_no") {
        item.if_seq = number();
    } else if (name == "if_primary_term") {
        item.if_term = number();
    } else if (name == "version" || name == "_version") {
        item.version = number();
    } else if (name == "version_type" || name == "_version_type") {
        const std::string type = value.text();
        item.rule = type == "external_gte"         ? search::VersionRule::kExternalGte
                    : type.starts_with("external") ? search::VersionRule::kExternal
                                                   : search::VersionRule::kInternal;
    } else if (name == "retry_on_conflict" || name == "_retry_on_conflict") {
        item.update.retry_on_conflict = value.to_int64().value_or(0);
    } else if (name == "_source") {
        item.update.source = value;
    } else if (name == "op_type") {
        if (value.text() == "create") {
            item.kind = WriteKind::kCreate;
        }
    } else if (name != "_type" && name != "dynamic_templates" && name != "list_executed_pipelines") {
        return illegal_argument(
            "Action/metadata line [" + std::to_string(line) + "] contains an unknown parameter ["
            + name + "]"
        );
    }
    return {};
}

Result<WriteItem> read_action(std::string_view text, std::size_t line, const Defaults& defaults) {
    const auto parsed = Json::parse(text);
    if (!parsed.ok()) {
        return fault("json_parse_exception", parsed.error().message);
    }
    const Json& action = parsed.value();
    if (!action.is_object()) {
        return malformed(line, "expected START_OBJECT but found [VALUE_STRING]");
    }
    if (action.empty()) {
        return malformed(line, "expected FIELD_NAME but found [END_OBJECT]");
    }
    const auto& [name, meta] = action.members().front();
    const auto kind = kind_of(name);
    if (!kind) {
        return malformed(
            line,
            "expected field [create], [delete], [index] or [update] but found [" + name + "]"
        );
    }
    if (!meta.is_object()) {
        return malformed(line, "expected START_OBJECT but found [VALUE_STRING]");
    }
    if (action.size() > 1) {
        return malformed(line, "expected END_OBJECT but found [FIELD_NAME]");
    }
    WriteItem item;
    item.kind = *kind;
    item.index = defaults.index;
    item.routing = defaults.routing;
    item.pipeline = defaults.pipeline;
    item.require_alias = defaults.require_alias;
    item.update.source = defaults.source;
    for (const auto& [option, value] : meta.members()) {
        KUMO_TRY(read_meta(option, value, line, item));
    }
    return item;
}

Status read_source(std::string_view text, WriteItem& item) {
    if (item.kind != WriteKind::kUpdate) {
        item.source = text;
        return {};
    }
    const auto body = Json::parse(text);
    if (!body.ok()) {
        return fault("json_parse_exception", body.error().message);
    }
    return read_update(body.value(), item);
}

Result<std::vector<WriteItem>> read_bulk(std::string_view body, const Defaults& defaults) {
    if (!body.ends_with('\n')) {
        return illegal_argument("The bulk request must be terminated by a newline [\\n]");
    }
    std::vector<WriteItem> items;
    std::size_t line = 0;
    while (!body.empty()) {
        const std::string_view action = next_line(body);
        ++line;
        if (action.find_first_not_of(" \t") == std::string_view::npos) {
            continue;
        }
        if (items.size() >= kBulkItemsMax) {
            return illegal_argument("a bulk request has at most 1000000 operations");
        }
        KUMO_TRY_ASSIGN(WriteItem item, read_action(action, line, defaults));
        if (item.kind != WriteKind::kDelete) {
            if (body.empty()) {
                return illegal_argument(
                    "a source is missing behind line [" + std::to_string(line) + "]"
                );
            }
            ++line;
            KUMO_TRY(read_source(next_line(body), item));
        }
        items.push_back(std::move(item));
    }
    return items;
}

Status validate(const std::vector<WriteItem>& items) {
    std::string wrong;
    std::size_t count = 0;
    for (const WriteItem& item : items) {
        if (item.index.empty()) {
            wrong += " " + std::to_string(++count) + ": index is missing;";
        }
        if (item.id.empty()
            && (item.kind == WriteKind::kUpdate || item.kind == WriteKind::kDelete)) {
            wrong += " " + std::to_string(++count) + ": id is missing;";
        }
    }
    if (items.empty()) {
        wrong = " 1: no requests added;";
    }
    return wrong.empty()
               ? Status()
               : Status(fault("action_request_validation_exception", "Validation Failed:" + wrong));
}

Json item_json(const WriteItem& item, const WriteAnswer& answer) {
    if (!answer.error) {
        Json body = answer.body;
        body["status"] = answer.status;
        return Json::object({{std::string(name_of(item.kind)), std::move(body)}});
    }
    const Fault why = fault_of(*answer.error);
    Json error = cause_json(why);
    return Json::object(
        {{std::string(name_of(item.kind)),
          Json::object(
              {{"_index", answer.index},
               {"_id", answer.id.empty() ? Json() : Json(answer.id)},
               {"status", why.status},
               {"error", std::move(error)}}
          )}}
    );
}

}  // namespace

Result<Answer> bulk(const Request& request) {
    const MonotonicTime begin = request.context.clock.monotonic_now();
    KUMO_TRY_ASSIGN(WriteOptions options, WriteOptions::of(request.parameters));
    Defaults defaults;
    defaults.index = request.part("index");
    defaults.routing = request.parameters.text("routing");
    defaults.pipeline = request.parameters.text("pipeline");
    KUMO_TRY_ASSIGN(defaults.require_alias, request.parameters.flag("require_alias", false));
    defaults.source = source_json(request.parameters);
    if (request.body.empty()) {
        return fault("parse_exception", "request body is required");
    }
    KUMO_TRY_ASSIGN(std::vector<WriteItem> items, read_bulk(request.body, defaults));
    KUMO_TRY(validate(items));
    const std::vector<WriteItem> asked = items;
    const std::vector<WriteAnswer> answers =
        write_items(request.context, std::move(items), options);
    Json list = Json::array();
    bool errors = false;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        errors = errors || answers[i].error.has_value();
        list.push(item_json(asked[i], answers[i]));
    }
    const auto took = request.context.clock.monotonic_now() - begin;
    return Answer(Json::object(
        {{"took", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()},
         {"errors", errors},
         {"items", std::move(list)}}
    ));
}

}  // namespace kumo::api_elastic
