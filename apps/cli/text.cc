#include "cli/text.h"

#include "wire/utf8.h"

#include <array>
#include <cstdio>

namespace kumo::cli {
namespace {

bool is_mark(char c) {
    return c == kMarkBegin || c == kMarkEnd;
}

bool is_control(char32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

std::string decimal(double value, const char* unit) {
    std::array<char, 64> text{};
    const int n = std::snprintf(text.data(), text.size(), "%.1f %s", value, unit);
    return {text.data(), static_cast<std::size_t>(n)};
}

std::string two_digits(std::int64_t value) {
    return (value < 10 ? "0" : "") + std::to_string(value);
}

}  // namespace

std::string with_thousands(std::uint64_t value) {
    std::string digits = std::to_string(value);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string counted_documents(std::uint64_t count) {
    return with_thousands(count) + (count == 1 ? " document" : " documents");
}

std::string human_bytes(std::uint64_t bytes) {
    constexpr std::array kUnits = {"KB", "MB", "GB", "TB", "PB"};
    if (bytes < 1024) {
        return std::to_string(bytes) + " B";
    }
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return decimal(value, kUnits.at(unit));
}

std::string clock_time(Duration duration) {
    const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    const std::int64_t hours = seconds / 3600;
    const std::int64_t minutes = seconds / 60 % 60;
    const std::string tail = ":" + two_digits(seconds % 60);
    if (hours == 0) {
        return std::to_string(minutes) + tail;
    }
    return std::to_string(hours) + ":" + two_digits(minutes) + tail;
}

std::string human_seconds(Duration duration) {
    if (duration >= std::chrono::minutes(1)) {
        return clock_time(duration);
    }
    return decimal(std::chrono::duration<double>(duration).count(), "s");
}

std::string printable(ByteView text) {
    std::string out;
    bool space = true;
    while (!text.empty()) {
        const wire::DecodedCodePoint c = wire::utf8_decode(text);
        const bool mark = is_mark(text.front());
        text.remove_prefix(c.bytes);
        if (mark) {
            out.push_back(static_cast<char>(c.code_point));
        } else if (c.code_point == ' ' || is_control(c.code_point)) {
            if (!space) {
                out.push_back(' ');
            }
            space = true;
        } else {
            wire::append_utf8(out, c.code_point);
            space = false;
        }
    }
    while (out.ends_with(' ')) {
        out.pop_back();
    }
    return out;
}

std::size_t display_width(ByteView text) {
    std::size_t width = 0;
    for (const char c : text) {
        const bool continues = (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
        width += !continues && !is_mark(c) ? 1 : 0;
    }
    return width;
}

std::string clip(ByteView text, std::size_t width) {
    if (display_width(text) <= width) {
        return std::string(text);
    }
    std::string out;
    bool marked = false;
    for (std::size_t used = 0; used + 1 < width && !text.empty();) {
        const std::size_t bytes = wire::utf8_decode(text).bytes;
        if (is_mark(text.front())) {
            marked = text.front() == kMarkBegin;
        } else {
            ++used;
        }
        out.append(text.substr(0, bytes));
        text.remove_prefix(bytes);
    }
    if (marked) {
        out.push_back(kMarkEnd);
    }
    return out + "…";
}

std::string render_marks(ByteView text, bool colour) {
    std::string out;
    for (const char c : text) {
        if (!is_mark(c)) {
            out.push_back(c);
        } else if (colour) {
            out.append(c == kMarkBegin ? "\x1b[" + std::string(kMatch) + "m" : "\x1b[0m");
        }
    }
    return out;
}

std::string styled(ByteView text, ByteView style, bool colour) {
    if (!colour) {
        return std::string(text);
    }
    return "\x1b[" + std::string(style) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace kumo::cli
