#include "cli/import_state.h"

#include "cli/stdio_file.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <system_error>

#include <unistd.h>

namespace kumo::cli {
namespace {

std::string text_of(wire::JsonValue root, ByteView name) {
    const wire::JsonValue value = root.find(name);
    return value && value.is_string() ? std::string(value.as_string()) : std::string();
}

std::uint64_t number_of(wire::JsonValue root, ByteView name) {
    const wire::JsonValue value = root.find(name);
    const bool good = value && value.type() == wire::JsonType::kInt64 && value.as_int64() >= 0;
    return good ? static_cast<std::uint64_t>(value.as_int64()) : 0;
}

Error cannot_write(const std::string& path) {
    return Error{
        ErrorCode::kIo,
        "cannot write " + path + ": " + std::generic_category().message(errno)};
}

}  // namespace

Result<ImportState> read_import_state(const std::string& path, const ImportState& fresh) {
    const std::ifstream file(path, std::ios::binary);
    if (!file.good()) {
        return fresh;
    }
    std::ostringstream content;
    content << file.rdbuf();
    const auto parsed = wire::JsonDocument::parse(content.str());
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return invalid_argument(path + " is not the state of an import; remove it to begin anew");
    }
    const wire::JsonValue root = parsed.value().root();
    ImportState state = fresh;
    state.size = number_of(root, "size");
    state.line = number_of(root, "line");
    state.documents = number_of(root, "documents");
    state.failed = number_of(root, "failed");
    if (text_of(root, "input") != fresh.input || text_of(root, "collection") != fresh.collection
        || state.size > fresh.size) {
        return invalid_argument(
            path + " is the state of another import (of " + text_of(root, "input") + " into "
            + text_of(root, "collection") + "); remove it to begin anew"
        );
    }
    return state;
}

Status write_import_state(const std::string& path, const ImportState& state) {
    std::string json;
    wire::JsonWriter(json)
        .begin_object()
        .key("input")
        .string(state.input)
        .key("collection")
        .string(state.collection)
        .key("size")
        .unsigned_integer(state.size)
        .key("line")
        .unsigned_integer(state.line)
        .key("documents")
        .unsigned_integer(state.documents)
        .key("failed")
        .unsigned_integer(state.failed)
        .end_object();
    json += '\n';
    const std::string next = path + ".tmp";
    {
        const StdioFile file = open_file(next, "we");
        if (file == nullptr || std::fwrite(json.data(), 1, json.size(), file.get()) != json.size()
            || std::fflush(file.get()) != 0) {
            return cannot_write(next);
        }
    }
    return std::rename(next.c_str(), path.c_str()) == 0 ? Status() : Status(cannot_write(path));
}

void remove_import_state(const std::string& path) {
    (void)unlink(path.c_str());
}

}  // namespace kumo::cli
