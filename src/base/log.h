#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace kumo {

enum class LogLevel : std::uint8_t {
    kDebug,
    kInfo,
    kWarn,
    kError,
};

/// Where log lines go. Before log_open() they go to stderr.
struct LogOptions {
    std::string file;  ///< Empty: standard output.
    LogLevel level = LogLevel::kInfo;
};

/// Opens the process's log, which is appended to. Call once a process, before threads start; a
/// child may open the file of its parent, too: each line is one write. An unwritable file is an
/// error.
Status log_open(const LogOptions& options);

/// Writes one line: time, level, thread, message. Control characters are escaped, lines above
/// kLogLineBytesMax are cut. Any thread. Secrets never go here: log a key's id, not its value.
void log_line(LogLevel level, std::string_view message);

/// Flushes to the file. For shutdown.
void log_flush();

inline constexpr std::size_t kLogLineBytesMax = 4096;

inline void log_debug(std::string_view message) {
    log_line(LogLevel::kDebug, message);
}

inline void log_info(std::string_view message) {
    log_line(LogLevel::kInfo, message);
}

inline void log_warn(std::string_view message) {
    log_line(LogLevel::kWarn, message);
}

inline void log_error(std::string_view message) {
    log_line(LogLevel::kError, message);
}

}  // namespace kumo
