#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>

namespace kumo::cli {

/// How far an import has come, in a file, so that another run can go on there. Written anew after
/// each request that was answered, in one piece.
struct ImportState {
    std::string input;       ///< The file that is loaded.
    std::uint64_t size = 0;  ///< Its bytes when the import began.
    std::string collection;
    std::uint64_t line = 0;       ///< Every line up to this one was answered.
    std::uint64_t documents = 0;  ///< Of them.
    std::uint64_t failed = 0;
};

/// The state that is in the file; a fresh one if there is no file. kInvalidArgument if it is of
/// another import, or nothing that was written here.
Result<ImportState> read_import_state(const std::string& path, const ImportState& fresh);

Status write_import_state(const std::string& path, const ImportState& state);

/// The import is complete.
void remove_import_state(const std::string& path);

}  // namespace kumo::cli
