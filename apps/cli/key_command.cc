#include "cli/command.h"
#include "cli/explain.h"
#include "cli/text.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <cstdio>

namespace kumo::cli {
namespace {

void write_list(wire::JsonWriter& out, ByteView name, const std::vector<std::string>& values) {
    out.key(name).begin_array();
    for (const std::string& value : values) {
        out.string(value);
    }
    out.end_array();
}

std::string request_of(const CreateKeyOptions& options) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("description").string(options.description);
    write_list(out, "actions", options.actions);
    write_list(out, "collections", options.collections);
    if (options.expires_at > 0) {
        out.key("expires_at").unsigned_integer(options.expires_at);
    }
    if (options.autodelete) {
        out.key("autodelete").boolean(true);
    }
    out.end_object();
    return json;
}

}  // namespace

int run_create_key(Session& session, const CreateKeyOptions& options) {
    const auto answer = session.ask({wire::HttpMethod::kPost, "/keys", request_of(options)});
    if (!answer.ok()) {
        return fail_unreachable(session.url(), answer.error());
    }
    if (answer.value().status / 100 != 2) {
        return fail_refused(answer.value());
    }
    if (options.json) {
        (void)std::printf("%s\n", answer.value().body.c_str());
        return kExitOk;
    }
    const auto made = wire::JsonDocument::parse(answer.value().body);
    const wire::JsonValue value = made.ok() ? made.value().root().find("value") : wire::JsonValue();
    const wire::JsonValue id = made.ok() ? made.value().root().find("id") : wire::JsonValue();
    if (!value || !value.is_string()) {
        return fail(kExitFailed, "the server's answer has no key in it");
    }
    (void)std::printf("%s\n", printable(value.as_string()).c_str());
    (void)std::fprintf(
        stderr,
        "key %s made; the server does not show its value again\n",
        id ? printable(id.raw()).c_str() : ""
    );
    return kExitOk;
}

}  // namespace kumo::cli
