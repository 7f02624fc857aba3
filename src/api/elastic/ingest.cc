#include "api/elastic/ingest.h"

#include "api/elastic/fault.h"
#include "api/elastic/mapping/dates.h"
#include "api/elastic/script/run_script.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// Pipelines that one calls one after the other.
constexpr int kPipelineDepthMax = 10;

Error bad_processor(std::string_view type, std::string reason) {
    (void)type;
    return fault("parse_exception", std::move(reason));
}

std::string text(const Json& options, std::string_view name) {
    const Json* const value = options.find(name);
    return value == nullptr ? std::string() : value->text();
}

bool flag(const Json& options, std::string_view name, bool otherwise) {
    const Json* const value = options.find(name);
    return value == nullptr ? otherwise : value->to_bool().value_or(otherwise);
}

/// The member that a path names; with `make`, objects on the way are made.
Json* at_path(Json& document, std::string_view path, bool make) {
    if (path.starts_with("_source.")) {
        path.remove_prefix(8);
    }
    const bool meta = path.starts_with('_') && path != "_source";
    Json* at = meta ? &document : &document["_source"];
    while (true) {
        const std::size_t dot = path.find('.');
        const std::string_view name = path.substr(0, dot);
        Json* const next = make ? &(*at)[name] : at->find(name);
        if (next == nullptr || dot == std::string_view::npos) {
            return next;
        }
        at = next;
        path.remove_prefix(dot + 1);
    }
}

void remove_path(Json& document, std::string_view path) {
    const std::size_t dot = path.rfind('.');
    Json* const parent = dot == std::string_view::npos
                             ? &document["_source"]
                             : at_path(document, path.substr(0, dot), false);
    if (parent != nullptr) {
        parent->erase(path.substr(dot == std::string_view::npos ? 0 : dot + 1));
    }
}

/// {{field}} becomes its value.
std::string rendered(const std::string& pattern, Json& document) {
    std::string out;
    std::size_t at = 0;
    while (at < pattern.size()) {
        const std::size_t open = pattern.find("{{", at);
        const std::size_t close = pattern.find("}}", open);
        if (open == std::string::npos || close == std::string::npos) {
            break;
        }
        out += pattern.substr(at, open - at);
        std::string name = pattern.substr(open + 2, close - open - 2);
        name.erase(
            std::remove_if(
                name.begin(),
                name.end(),
                [](char c) { return c == '{' || c == '}' || c == ' '; }
            ),
            name.end()
        );
        const Json* const value = at_path(document, name, false);
        out += value == nullptr || value->is_null() ? "" : value->text();
        at = close + 2;
        at += at < pattern.size() && pattern[at] == '}' ? 1 : 0;
    }
    return out + pattern.substr(std::min(at, pattern.size()));
}

Json rendered(const Json& value, Json& document) {
    return value.is_string() ? Json(rendered(value.as_string(), document)) : value;
}

struct Call {
    const Context& context;
    const Json& options;
    Json& document;
    int depth;
};

using Process = Status (*)(const Call& call);

Error missing_field(const std::string& field) {
    return illegal_argument("field [" + field + "] not present as part of path [" + field + "]");
}

/// The field's value; null with no error if it is missing and that is ignored.
Result<Json*> field_of(const Call& call) {
    const std::string name = text(call.options, "field");
    Json* const value = at_path(call.document, name, false);
    const bool ignore = flag(call.options, "ignore_missing", false);
    if (value == nullptr && !ignore) {
        return missing_field(name);
    }
    return value != nullptr && value->is_null() && ignore ? nullptr : value;
}

Json& target_of(const Call& call) {
    const std::string target = text(call.options, "target_field");
    return *at_path(call.document, target.empty() ? text(call.options, "field") : target, true);
}

/// A processor that makes another value of a field's.
template <Result<Json> (*kMake)(const Json& value, const Json& options)>
Status changed(const Call& call) {
    KUMO_TRY_ASSIGN(Json* const value, field_of(call));
    if (value == nullptr) {
        return {};
    }
    KUMO_TRY_ASSIGN(Json made, kMake(*value, call.options));
    target_of(call) = std::move(made);
    return {};
}

Result<Json> mapped_text(
    const Json& value,
    const Json& options,
    const std::function<std::string(std::string)>& map
) {
    if (value.is_array()) {
        Json out = Json::array();
        for (const Json& item : value.items()) {
            KUMO_TRY_ASSIGN(Json one, mapped_text(item, options, map));
            out.push(std::move(one));
        }
        return out;
    }
    if (!value.is_string()) {
        return illegal_argument(
            "field [" + text(options, "field")
            + "] of type [java.lang.Integer] cannot be cast to [java.lang.String]"
        );
    }
    return Json(map(value.as_string()));
}

Result<Json> lowercase(const Json& value, const Json& options) {
    return mapped_text(value, options, [](std::string s) {
        std::transform(s.begin(), s.end(), s.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        });
        return s;
    });
}

Result<Json> uppercase(const Json& value, const Json& options) {
    return mapped_text(value, options, [](std::string s) {
        std::transform(s.begin(), s.end(), s.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        });
        return s;
    });
}

Result<Json> trim(const Json& value, const Json& options) {
    return mapped_text(value, options, [](std::string s) {
        s.erase(0, std::min(s.find_first_not_of(" \t\r\n"), s.size()));
        s.resize(s.find_last_not_of(" \t\r\n") + 1);
        return s;
    });
}

Result<Json> split(const Json& value, const Json& options) {
    if (!value.is_string()) {
        return illegal_argument("field [" + text(options, "field") + "] is no string");
    }
    const RE2 separator("(" + text(options, "separator") + ")", RE2::Quiet);
    if (!separator.ok()) {
        return illegal_argument("[separator] is no regular expression");
    }
    Json out = Json::array();
    re2::StringPiece rest(value.as_string());
    const char* begin = rest.data();
    re2::StringPiece found;
    while (RE2::FindAndConsume(&rest, separator, &found) && !found.empty()) {
        out.push(std::string(begin, static_cast<std::size_t>(found.data() - begin)));
        begin = rest.data();
    }
    const std::string last(begin, static_cast<std::size_t>(rest.data() + rest.size() - begin));
    if (!last.empty() || flag(options, "preserve_trailing", false)) {
        out.push(last);
    }
    return out;
}

Result<Json> join(const Json& value, const Json& options) {
    if (!value.is_array()) {
        return illegal_argument(
            "field [" + text(options, "field")
            + "] of type [java.lang.String] cannot be cast to [java.util.List]"
        );
    }
    std::string out;
    for (const Json& item : value.items()) {
        out += (out.empty() ? "" : text(options, "separator")) + item.text();
    }
    return Json(out);
}

Result<Json> gsub(const Json& value, const Json& options) {
    const RE2 pattern(text(options, "pattern"), RE2::Quiet);
    if (!pattern.ok()) {
        return illegal_argument("[pattern] Invalid regex pattern");
    }
    return mapped_text(value, options, [&](std::string s) {
        RE2::GlobalReplace(&s, pattern, text(options, "replacement"));
        return s;
    });
}

Result<Json> parse_json(const Json& value, const Json& /*options*/) {
    auto parsed = Json::parse(value.text());
    return parsed.ok() ? parsed : Result<Json>(illegal_argument(parsed.error().message));
}

Result<Json> convert(const Json& value, const Json& options) {
    const std::string type = text(options, "type");
    if (value.is_array()) {
        Json out = Json::array();
        for (const Json& item : value.items()) {
            KUMO_TRY_ASSIGN(Json one, convert(item, options));
            out.push(std::move(one));
        }
        return out;
    }
    const auto unable = [&](const char* what) {
        return illegal_argument("unable to convert [" + value.text() + "] to " + what);
    };
    if (type == "integer" || type == "long") {
        const auto number = value.to_int64();
        return number ? Result<Json>(*number) : unable(type == "long" ? "long" : "integer");
    }
    if (type == "float" || type == "double") {
        const auto number = value.to_double();
        return number ? Result<Json>(*number) : unable(type == "float" ? "float" : "double");
    }
    if (type == "boolean") {
        const auto truth = value.to_bool();
        return truth ? Result<Json>(*truth)
                     : Result<Json>(illegal_argument(
                         "[" + value.text() + "] is not a boolean value, cannot convert to boolean"
                     ));
    }
    if (type == "string") {
        return Json(value.text());
    }
    if (type == "auto") {
        const auto whole = value.to_int64();
        const auto number = value.to_double();
        const auto truth = value.to_bool();
        return whole ? Json(*whole) : number ? Json(*number) : truth ? Json(*truth) : value;
    }
    return illegal_argument("type [" + type + "] not supported, cannot convert field.");
}

Status set(const Call& call) {
    const std::string field = rendered(text(call.options, "field"), call.document);
    const Json* const value = call.options.find("value");
    const std::string from = text(call.options, "copy_from");
    Json* const before = at_path(call.document, field, false);
    if (before != nullptr && !before->is_null() && !flag(call.options, "override", true)) {
        return {};
    }
    Json made;
    if (!from.empty()) {
        Json* const source = at_path(call.document, from, false);
        if (source == nullptr) {
            return missing_field(from);
        }
        made = *source;
    } else if (value != nullptr) {
        made = rendered(*value, call.document);
    }
    *at_path(call.document, field, true) = std::move(made);
    return {};
}

Status remove(const Call& call) {
    const Json* const fields = call.options.find("field");
    if (fields == nullptr) {
        return bad_processor("remove", "[field] required property is missing");
    }
    for (const Json& one : fields->is_array() ? fields->items() : Json::Array{*fields}) {
        const std::string name = rendered(one.text(), call.document);
        if (at_path(call.document, name, false) == nullptr
            && !flag(call.options, "ignore_missing", false)) {
            return missing_field(name);
        }
        remove_path(call.document, name);
    }
    return {};
}

Status rename(const Call& call) {
    KUMO_TRY_ASSIGN(Json* const value, field_of(call));
    if (value == nullptr) {
        return {};
    }
    const std::string target = text(call.options, "target_field");
    if (at_path(call.document, target, false) != nullptr) {
        return illegal_argument("field [" + target + "] already exists");
    }
    Json moved = *value;
    remove_path(call.document, text(call.options, "field"));
    *at_path(call.document, target, true) = std::move(moved);
    return {};
}

Status append(const Call& call) {
    const Json* const value = call.options.find("value");
    if (value == nullptr) {
        return bad_processor("append", "[value] required property is missing");
    }
    Json& target = *at_path(call.document, text(call.options, "field"), true);
    if (!target.is_array()) {
        target = target.is_null() ? Json::array() : Json::array({target});
    }
    for (const Json& one : value->is_array() ? value->items() : Json::Array{*value}) {
        target.push(rendered(one, call.document));
    }
    return {};
}

Status fail(const Call& call) {
    return fault(
        "fail_processor_exception",
        rendered(text(call.options, "message"), call.document)
    );
}

Status drop(const Call& call) {
    call.document["_dropped"] = true;
    return {};
}

Result<Json> bytes_value(const Json& value, const Json& /*options*/) {
    const auto bytes = value.is_string() ? parse_bytes(value.as_string()) : std::nullopt;
    return bytes ? Result<Json>(*bytes)
                 : Result<Json>(illegal_argument(
                     "failed to parse setting [Ingest Field] with value [" + value.text()
                     + "] as a size in bytes: unit is missing or unrecognized"
                 ));
}

Result<Json> html_strip(const Json& value, const Json& options) {
    return mapped_text(value, options, [](const std::string& s) {
        std::string out;
        bool inside = false;
        for (const char c : s) {
            if (c == '<') {
                inside = true;
            } else if (c == '>' && inside) {
                inside = false;
            } else if (!inside) {
                out += c;
            }
        }
        return out;
    });
}

Result<Json> sorted(const Json& value, const Json& options) {
    if (!value.is_array()) {
        return illegal_argument("field [" + text(options, "field") + "] is no list");
    }
    Json out = value;
    const bool down = text(options, "order") == "desc";
    std::stable_sort(out.items().begin(), out.items().end(), [down](const Json& a, const Json& b) {
        const Json& x = down ? b : a;
        const Json& y = down ? a : b;
        return x.is_number() && y.is_number() ? x.as_double() < y.as_double() : x.text() < y.text();
    });
    return out;
}

/// "a=1 b=2" becomes members.
Status key_values(const Call& call) {
    KUMO_TRY_ASSIGN(Json* const value, field_of(call));
    if (value == nullptr) {
        return {};
    }
    const RE2 fields("(" + text(call.options, "field_split") + ")", RE2::Quiet);
    const RE2 halves("(" + text(call.options, "value_split") + ")", RE2::Quiet);
    if (!fields.ok() || !halves.ok()) {
        return illegal_argument("[field_split] and [value_split] are regular expressions");
    }
    const std::string target = text(call.options, "target_field");
    const std::string prefix = text(call.options, "prefix");
    const std::string whole = value->text();
    re2::StringPiece rest(whole);
    while (!rest.empty()) {
        const char* const begin = rest.data();
        re2::StringPiece found;
        std::string part;
        if (RE2::FindAndConsume(&rest, fields, &found) && !found.empty()) {
            part.assign(begin, static_cast<std::size_t>(found.data() - begin));
        } else {
            part.assign(rest.data(), rest.size());
            rest.remove_prefix(rest.size());
        }
        re2::StringPiece end(part);
        if (!RE2::FindAndConsume(&end, halves, &found) || found.empty()) {
            return illegal_argument(
                "field [" + text(call.options, "field") + "] does not contain value_split ["
                + text(call.options, "value_split") + "]"
            );
        }
        const std::string name =
            prefix + part.substr(0, static_cast<std::size_t>(found.data() - part.data()));
        const std::string path = target.empty() ? name : target + "." + name;
        *at_path(call.document, path, true) = std::string(end.data(), end.size());
    }
    return {};
}

/// "a.b": 1 becomes "a": {"b": 1}.
Status expand_dots(const Call& call) {
    const std::string field = text(call.options, "field");
    Json& source = call.document["_source"];
    const Json* const found = std::as_const(source).find(field);
    if (found == nullptr || field.find('.') == std::string::npos) {
        return {};
    }
    Json value = *found;
    source.erase(field);
    *at_path(call.document, field, true) = std::move(value);
    return {};
}

/// A date in one of several formats becomes one in the usual form.
Status read_date(const Call& call) {
    KUMO_TRY_ASSIGN(Json* const value, field_of(call));
    if (value == nullptr) {
        return {};
    }
    const Json* const formats = call.options.find("formats");
    const std::string zone_name = text(call.options, "timezone");
    TimeZone zone;
    if (!zone_name.empty()) {
        KUMO_TRY_ASSIGN(zone, TimeZone::parse(zone_name));
    }
    const std::string given = value->text();
    for (const Json& format : formats == nullptr ? Json::Array() : formats->items()) {
        std::string name = format.text();
        name = name == "ISO8601"   ? "strict_date_optional_time"
               : name == "UNIX"    ? "epoch_second"
               : name == "UNIX_MS" ? "epoch_millis"
                                   : name;
        KUMO_TRY_ASSIGN(const DateFormat by, DateFormat::make(name));
        const auto at = by.parse(given, MissingParts::kLowest, zone);
        if (at.ok()) {
            const std::string target = text(call.options, "target_field");
            *at_path(call.document, target.empty() ? "@timestamp" : target, true) =
                default_date_format().format(at.value(), zone);
            return {};
        }
    }
    return illegal_argument("unable to parse date [" + given + "]");
}

/// The document as a painless script leaves it.
Status run_script(const Call& call) {
    Json options = call.options;
    for (const char* const name : {"if", "tag", "description", "ignore_failure", "on_failure"}) {
        options.erase(name);
    }
    KUMO_TRY_ASSIGN(const NamedScript script, NamedScript::of(call.context.cluster, options));
    // Here a document's members are ctx's own.
    Json ctx = call.document["_source"];
    for (const char* const name : {"_index", "_id", "_routing"}) {
        if (const Json* const value = std::as_const(call.document).find(name)) {
            ctx[name] = *value;
        }
    }
    KUMO_TRY(script.change(ctx));
    for (const char* const name : {"_index", "_id", "_routing"}) {
        if (const Json* const value = std::as_const(ctx).find(name)) {
            call.document[name] = *value;
            ctx.erase(name);
        }
    }
    call.document["_source"] = std::move(ctx);
    return {};
}

Status for_each(const Call& call);
Status call_pipeline(const Call& call);

const std::map<std::string_view, Process>& processors() {
    static const std::map<std::string_view, Process> kProcessors = {
        {"set", set},
        {"remove", remove},
        {"rename", rename},
        {"append", append},
        {"fail", fail},
        {"drop", drop},
        {"pipeline", call_pipeline},
        {"lowercase", changed<lowercase>},
        {"uppercase", changed<uppercase>},
        {"trim", changed<trim>},
        {"split", changed<split>},
        {"join", changed<join>},
        {"gsub", changed<gsub>},
        {"json", changed<parse_json>},
        {"convert", changed<convert>},
        {"bytes", changed<bytes_value>},
        {"html_strip", changed<html_strip>},
        {"sort", changed<sorted>},
        {"kv", key_values},
        {"dot_expander", expand_dots},
        {"date", read_date},
        {"script", run_script},
        {"foreach", for_each},
    };
    return kProcessors;
}

Status run_list(const Context& context, const Json& list, Json& document, int depth);

/// "if" of a processor: a script that sees the document as ctx.
Result<bool> holds(const Context& context, const Json& condition, Json& document) {
    KUMO_TRY_ASSIGN(const NamedScript script, NamedScript::of(context.cluster, condition));
    Json ctx = document["_source"];
    ScriptScope scope = script.scope();
    scope.ctx = &ctx;
    KUMO_TRY_ASSIGN(const Json value, script.script->run(scope));
    return value.as_bool();
}

Status run_one(const Context& context, const Json& entry, Json& document, int depth) {
    const auto& [type, options] = entry.members().front();
    if (const Json* const condition = options.find("if")) {
        KUMO_TRY_ASSIGN(const bool runs, holds(context, *condition, document));
        if (!runs) {
            return {};
        }
    }
    const auto found = processors().find(type);
    Status done = found == processors().end()
                      ? Status(not_supported("processor [" + type + "] is not supported"))
                      : found->second({context, options, document, depth});
    if (done.ok() || flag(options, "ignore_failure", false)) {
        return {};
    }
    const Json* const on_failure = options.find("on_failure");
    return on_failure == nullptr ? std::move(done)
                                 : run_list(context, *on_failure, document, depth);
}

Status run_list(const Context& context, const Json& list, Json& document, int depth) {
    for (const Json& entry : list.items()) {
        if (document.find("_dropped") != nullptr) {
            return {};
        }
        KUMO_TRY(run_one(context, entry, document, depth));
    }
    return {};
}

/// One processor for each item of a list, which it sees as `_ingest._value`.
Status for_each(const Call& call) {
    KUMO_TRY_ASSIGN(Json* const found, field_of(call));
    const Json* const processor = call.options.find("processor");
    if (found == nullptr || processor == nullptr) {
        return {};
    }
    if (!found->is_array()) {
        return illegal_argument("field [" + text(call.options, "field") + "] is no list");
    }
    if (call.depth >= kPipelineDepthMax) {
        return illegal_argument("processors are nested too deeply");
    }
    Json::Array items = found->items();
    for (Json& item : items) {
        call.document["_ingest"]["_value"] = std::move(item);
        KUMO_TRY(run_one(call.context, *processor, call.document, call.depth + 1));
        item = call.document["_ingest"]["_value"];
    }
    call.document.erase("_ingest");
    if (Json* const place = at_path(call.document, text(call.options, "field"), false)) {
        *place = Json(std::move(items));
    }
    return {};
}

Status run(const Context& context, const Json& pipeline, Json& document, int depth) {
    if (depth > kPipelineDepthMax) {
        return illegal_argument("pipelines call each other too deeply");
    }
    const Json* const list = pipeline.find("processors");
    Status done = list == nullptr ? Status() : run_list(context, *list, document, depth);
    const Json* const on_failure = pipeline.find("on_failure");
    return done.ok() || on_failure == nullptr ? std::move(done)
                                              : run_list(context, *on_failure, document, depth);
}

Status call_pipeline(const Call& call) {
    const std::string name = text(call.options, "name");
    const Json pipeline = call.context.cluster.find("pipeline/" + name);
    if (pipeline.is_null()) {
        return illegal_argument(
            "Pipeline processor configured for non-existent pipeline [" + name + "]"
        );
    }
    return run(call.context, pipeline, call.document, call.depth + 1);
}

Status check_list(const Json* list) {
    if (list == nullptr) {
        return fault("parse_exception", "[processors] required property is missing");
    }
    if (!list->is_array()) {
        return fault(
            "parse_exception",
            "[processors] property isn't a list, but of type [java.lang.String]"
        );
    }
    for (const Json& entry : list->items()) {
        if (!entry.is_object() || entry.size() != 1
            || !entry.members().front().second.is_object()) {
            return fault(
                "parse_exception",
                "[processors] a processor is an object with one member"
            );
        }
        const std::string& type = entry.members().front().first;
        if (processors().find(type) == processors().end()) {
            return fault("parse_exception", "No processor type exists with name [" + type + "]");
        }
        const Json& options = entry.members().front().second;
        const bool needs_field =
            type != "fail" && type != "drop" && type != "pipeline" && type != "script";
        if (needs_field && options.find("field") == nullptr) {
            return fault("parse_exception", "[field] required property is missing");
        }
        if (const Json* const on_failure = options.find("on_failure")) {
            KUMO_TRY(check_list(on_failure));
        }
        if (type == "foreach") {
            const Json* const inner = options.find("processor");
            if (inner == nullptr) {
                return fault("parse_exception", "[processor] required property is missing");
            }
            const Json one = Json::array({*inner});
            KUMO_TRY(check_list(&one));
        }
    }
    return {};
}

Status
apply_named(const Context& context, const std::string& name, const Index& index, WriteItem& item) {
    if (name.empty() || name == "_none") {
        return {};
    }
    const Json pipeline = context.cluster.find("pipeline/" + name);
    if (pipeline.is_null()) {
        return illegal_argument("pipeline with id [" + name + "] does not exist");
    }
    KUMO_TRY_ASSIGN(Json source, Json::parse(item.source));
    Json document =
        Json::object({{"_index", index.name}, {"_id", item.id}, {"_source", std::move(source)}});
    KUMO_TRY(run(context, pipeline, document, 0));
    if (document.find("_dropped") != nullptr) {
        item.dropped = true;
        return {};
    }
    item.source = document["_source"].dump();
    return {};
}

}  // namespace

Status check_pipeline(const Json& pipeline) {
    for (const auto& [name, value] : pipeline.is_object() ? pipeline.members() : Json::Object()) {
        if (name != "description" && name != "version" && name != "processors"
            && name != "on_failure" && name != "_meta") {
            return fault(
                "parse_exception",
                "pipeline doesn't support one or more provided configuration parameters [" + name
                    + "]"
            );
        }
    }
    KUMO_TRY(check_list(pipeline.find("processors")));
    const Json* const on_failure = pipeline.find("on_failure");
    return on_failure == nullptr ? Status() : check_list(on_failure);
}

Result<Json> run_pipeline(const Context& context, const Json& pipeline, Json document) {
    KUMO_TRY(run(context, pipeline, document, 0));
    return document;
}

Status run_pipelines(const Context& context, const Index& index, WriteItem& item) {
    const std::string first =
        item.pipeline.empty() ? index.setting("index.default_pipeline") : item.pipeline;
    KUMO_TRY(apply_named(context, first, index, item));
    if (item.dropped) {
        return {};
    }
    return apply_named(context, index.setting("index.final_pipeline"), index, item);
}

}  // namespace kumo::api_elastic
