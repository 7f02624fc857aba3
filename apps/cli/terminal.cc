#include "cli/terminal.h"

#include <algorithm>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace kumo::cli {
namespace {

constexpr std::size_t kWidthMin = 40;

}  // namespace

Terminal Terminal::of(std::FILE* stream) {
    Terminal terminal;
    const int fd = fileno(stream);
    terminal.interactive = isatty(fd) == 1;
    // Read once, before anything else runs: nobody changes the environment.
    const char* no_colour = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): see above
    terminal.colour = terminal.interactive && (no_colour == nullptr || *no_colour == '\0');
    winsize size{};
    if (terminal.interactive && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        terminal.width = std::max<std::size_t>(kWidthMin, size.ws_col);
    }
    return terminal;
}

}  // namespace kumo::cli
