#include "cli/progress.h"

#include "cli/text.h"

#include <algorithm>

namespace kumo::cli {
namespace {

constexpr std::size_t kBarWidthMax = 32;
constexpr std::size_t kBarWidthMin = 8;

double fraction(const Progress& progress) {
    if (progress.bytes_total == 0) {
        return 0;
    }
    return std::min(
        1.0,
        static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes_total)
    );
}

std::string percent(const Progress& progress) {
    const std::string number = std::to_string(static_cast<int>(fraction(progress) * 100));
    return std::string(number.size() < 3 ? 3 - number.size() : 0, ' ') + number + "%";
}

std::string time_left(const Progress& progress) {
    const double done = fraction(progress);
    if (done <= 0) {
        return "";
    }
    const auto left = std::chrono::duration_cast<Duration>(progress.elapsed * ((1 - done) / done));
    return "  " + clock_time(left) + " left";
}

std::string counts(const Progress& progress) {
    std::string text =
        counted_documents(progress.documents) + "  " + with_thousands(progress.rate()) + "/s";
    if (progress.failed != 0) {
        text += "  " + with_thousands(progress.failed) + " failed";
    }
    return text;
}

}  // namespace

std::uint64_t Progress::rate() const {
    const double seconds = std::chrono::duration<double>(elapsed).count();
    return seconds <= 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(documents) / seconds);
}

std::string progress_bar(const Progress& progress, std::size_t width) {
    if (progress.bytes_total == 0) {
        return clip(counts(progress) + "  " + clock_time(progress.elapsed), width);
    }
    const std::string text =
        "  " + percent(progress) + "  " + counts(progress) + time_left(progress);
    if (width < text.size() + kBarWidthMin + 2) {
        return clip(text, width);
    }
    const std::size_t cells = std::min(kBarWidthMax, width - text.size() - 2);
    const auto full = static_cast<std::size_t>(fraction(progress) * static_cast<double>(cells));
    return "[" + std::string(full, '#') + std::string(cells - full, '-') + "]" + text;
}

std::string progress_line(const Progress& progress) {
    if (progress.bytes_total == 0) {
        return counts(progress) + "  " + clock_time(progress.elapsed);
    }
    return percent(progress) + "  " + counts(progress) + time_left(progress);
}

}  // namespace kumo::cli
