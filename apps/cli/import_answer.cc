#include "cli/import_answer.h"

#include "wire/json.h"
#include "wire/json_writer.h"

namespace kumo::cli {

Status read_answer_line(ByteView line) {
    const auto document = wire::JsonDocument::parse(line);
    if (!document.ok()) {
        return Error{ErrorCode::kInternal, "the server's answer to this line is not JSON"};
    }
    const wire::JsonValue root = document.value().root();
    const wire::JsonValue success = root.find("success");
    if (success && success.is_bool() && success.as_bool()) {
        return {};
    }
    const wire::JsonValue error = root.find("error");
    if (error && error.is_string()) {
        return invalid_argument(std::string(error.as_string()));
    }
    return invalid_argument("the server did not take it and did not say why");
}

void ImportAnswer::feed(ByteView piece) {
    while (const auto line = splitter_.next(piece)) {
        tell(*line);
    }
}

void ImportAnswer::finish() {
    if (const auto line = splitter_.finish()) {
        tell(*line);
    }
}

void ImportAnswer::tell(const wire::Line& line) {
    fate_(count_++, read_answer_line(line.text));
}

std::string error_record(std::uint64_t line, ByteView error, ByteView document) {
    std::string out;
    wire::JsonWriter(out)
        .begin_object()
        .key("line")
        .unsigned_integer(line)
        .key("error")
        .string(error)
        .key("document")
        .string(document)
        .end_object();
    return out + "\n";
}

}  // namespace kumo::cli
