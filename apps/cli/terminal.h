#pragma once

#include <cstddef>
#include <cstdio>

namespace kumo::cli {

/// What one of the process's output streams can show. A value.
struct Terminal {
    bool interactive = false;  ///< A person looks at it while it is written.
    bool colour = false;       ///< interactive, and NO_COLOR is not set.
    std::size_t width = 100;   ///< Columns; the default where nobody can say.

    static Terminal of(std::FILE* stream);
};

}  // namespace kumo::cli
