#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace kumo {

void assert_failed(const char* condition, const char* file, int line) noexcept {
    (void
    )std::fprintf(stderr, "kumosearch: assertion failed: %s at %s:%d\n", condition, file, line);
    (void)std::fflush(stderr);
    std::abort();
}

}  // namespace kumo
