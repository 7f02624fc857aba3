#include "kv/aof/aof_writer.h"

namespace kumo::kv {

void append_aof_command(std::span<const ByteView> arguments, std::string* out) {
    *out += "*" + std::to_string(arguments.size()) + "\r\n";
    for (const ByteView argument : arguments) {
        *out += "$" + std::to_string(argument.size()) + "\r\n";
        out->append(argument);
        *out += "\r\n";
    }
}

void append_aof_timestamp(std::int64_t unix_seconds, std::string* out) {
    *out += "#TS:" + std::to_string(unix_seconds) + "\r\n";
}

}  // namespace kumo::kv
