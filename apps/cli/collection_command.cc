#include "cli/command.h"
#include "cli/explain.h"
#include "cli/text.h"
#include "wire/json.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

namespace kumo::cli {
namespace {

Result<std::string> read_all(const std::string& path) {
    std::ostringstream content;
    if (path == "-") {
        content << std::cin.rdbuf();
        return content.str();
    }
    const std::ifstream file(path, std::ios::binary);
    if (!file.good()) {
        return not_found("cannot read " + path);
    }
    content << file.rdbuf();
    return content.str();
}

}  // namespace

int run_create_collection(Session& session, const CreateCollectionOptions& options) {
    auto schema = read_all(options.file);
    if (!schema.ok()) {
        return fail(kExitUsage, schema.error().message);
    }
    const auto answer =
        session.ask({wire::HttpMethod::kPost, "/collections", std::move(schema).value()});
    if (!answer.ok()) {
        return fail_unreachable(session.url(), answer.error());
    }
    if (answer.value().status / 100 != 2) {
        return fail_refused(answer.value());
    }
    const auto made = wire::JsonDocument::parse(answer.value().body);
    const wire::JsonValue name = made.ok() ? made.value().root().find("name") : wire::JsonValue();
    const std::string shown = name && name.is_string() ? printable(name.as_string()) : "";
    (void)std::printf("collection %s made\n", shown.c_str());
    return kExitOk;
}

}  // namespace kumo::cli
