#pragma once

#include <cstdio>
#include <memory>
#include <string>

namespace kumo::cli {

/// Closes what open_file() opened; the process's own streams stay open.
struct CloseFile {
    void operator()(std::FILE* file) const {
        if (file != stdin && file != stdout && file != stderr) {
            (void)std::fclose(file);  // NOLINT(cppcoreguidelines-owning-memory): FILE* is C's
        }
    }
};

using StdioFile = std::unique_ptr<std::FILE, CloseFile>;

/// fopen(); null, with errno set, if it cannot be opened.
inline StdioFile open_file(const std::string& path, const char* mode) {
    return StdioFile(std::fopen(path.c_str(), mode));  // NOLINT(cppcoreguidelines-owning-memory)
}

}  // namespace kumo::cli
