#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>

namespace kumo {

namespace {

/// Every byte of a line may be escaped, and its head is short.
constexpr std::size_t kWriteBytes = 4 * kLogLineBytesMax + 1024;

std::shared_ptr<spdlog::logger>& logger() {
    static std::shared_ptr<spdlog::logger> instance =
        std::make_shared<spdlog::logger>("kumo", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    return instance;
}

spdlog::level::level_enum spd_level(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return spdlog::level::debug;
        case LogLevel::kInfo: return spdlog::level::info;
        case LogLevel::kWarn: return spdlog::level::warn;
        case LogLevel::kError: return spdlog::level::err;
    }
    return spdlog::level::info;
}

/// One message is one line: whoever controls a part of it (a client's header, say) must not be
/// able to forge another line.
std::string printable(std::string_view message) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string out;
    out.reserve(message.size());
    for (const char c : message.substr(0, kLogLineBytesMax)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f) {
            out += c;
            continue;
        }
        out += "\\x";
        out += kHex[byte >> 4U];
        out += kHex[byte & 15U];
    }
    return out;
}

}  // namespace

Status log_open(const LogOptions& options) {
    try {
        std::shared_ptr<spdlog::sinks::sink> sink;
        if (options.file.empty()) {
            sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
        } else {
            // Room for the longest line: each goes out by one write, and lines of several processes
            // (a supervisor and its child) stay whole.
            spdlog::file_event_handlers handlers;
            handlers.after_open = [](const spdlog::filename_t& /*name*/, std::FILE* file) {
                (void)std::setvbuf(file, nullptr, _IOFBF, kWriteBytes);
            };
            sink =
                std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file, false, handlers);
        }
        auto opened = std::make_shared<spdlog::logger>("kumo", std::move(sink));
        opened->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %L %t %v", spdlog::pattern_time_type::utc);
        opened->set_level(spd_level(options.level));
        opened->flush_on(spdlog::level::info);
        logger() = std::move(opened);
    } catch (const std::exception& e) {
        return Error{ErrorCode::kIo, std::string("cannot open the log: ") + e.what()};
    }
    return {};
}

void log_line(LogLevel level, std::string_view message) {
    logger()->log(spd_level(level), "{}", printable(message));
}

void log_flush() {
    logger()->flush();
}

}  // namespace kumo
