#include "wire/resp.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace kumo::wire {

namespace {

/// A 64-bit number with its sign, a type before it and a line's end behind.
constexpr std::size_t kHeaderBytesMax = 1 + 20 + 2;

struct Header {
    std::array<char, kHeaderBytesMax> bytes;
    std::size_t size = 0;

    ByteView view() const { return {bytes.data(), size}; }
};

Header make_header(char type, std::int64_t value) {
    Header header;
    char* begin = header.bytes.data();
    *begin = type;
    char* end = begin + 1;
    if (value >= 0 && value < 100) {  // Most lengths are.
        if (value >= 10) {
            *end++ = static_cast<char>('0' + value / 10);
        }
        *end++ = static_cast<char>('0' + value % 10);
    } else {
        end = std::to_chars(end, begin + kHeaderBytesMax - 2, value).ptr;
    }
    *end++ = '\r';
    *end++ = '\n';
    header.size = static_cast<std::size_t>(end - begin);
    return header;
}

}  // namespace

void RespWriter::header(char type, std::int64_t value) {
    out_.append(make_header(type, value).view());
}

void RespWriter::insert_header(std::size_t mark, char type, std::size_t value) {
    out_.insert(mark, make_header(type, static_cast<std::int64_t>(value)).view());
}

void RespWriter::simple(ByteView text) {
    out_.push_back('+');
    out_.append(text);
    out_.append("\r\n");
}

void RespWriter::error(ByteView text) {
    out_.push_back('-');
    for (const char c : text) {
        out_.push_back(c == '\r' || c == '\n' ? ' ' : c);
    }
    out_.append("\r\n");
}

void RespWriter::integer(std::int64_t value) {
    header(':', value);
}

void RespWriter::bulk(ByteView bytes) {
    header('$', static_cast<std::int64_t>(bytes.size()));
    out_.append(bytes);
    out_.append("\r\n");
}

void RespWriter::bulk_integer(std::int64_t value) {
    std::array<char, kHeaderBytesMax> digits{};
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    bulk({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void RespWriter::null() {
    out_.append(protocol_ >= 3 ? "_\r\n" : "$-1\r\n");
}

void RespWriter::null_array() {
    out_.append(protocol_ >= 3 ? "_\r\n" : "*-1\r\n");
}

void RespWriter::array(std::size_t size) {
    header('*', static_cast<std::int64_t>(size));
}

void RespWriter::map(std::size_t pairs) {
    const auto count = static_cast<std::int64_t>(pairs);
    protocol_ >= 3 ? header('%', count) : header('*', count * 2);
}

void RespWriter::set(std::size_t size) {
    header(protocol_ >= 3 ? '~' : '*', static_cast<std::int64_t>(size));
}

void RespWriter::push(std::size_t size) {
    header(protocol_ >= 3 ? '>' : '*', static_cast<std::int64_t>(size));
}

void RespWriter::attribute(std::size_t pairs) {
    header('|', static_cast<std::int64_t>(pairs));
}

void RespWriter::boolean(bool value) {
    if (protocol_ >= 3) {
        out_.append(value ? "#t\r\n" : "#f\r\n");
    } else {
        integer(value ? 1 : 0);
    }
}

void RespWriter::real(double value) {
    if (protocol_ < 3) {
        bulk(format_double(value));
        return;
    }
    out_.push_back(',');
    out_.append(format_double(value));
    out_.append("\r\n");
}

void RespWriter::big_number(ByteView digits) {
    if (protocol_ < 3) {
        bulk(digits);
        return;
    }
    out_.push_back('(');
    out_.append(digits);
    out_.append("\r\n");
}

void RespWriter::verbatim(ByteView format, ByteView text) {
    if (protocol_ < 3) {
        bulk(text);
        return;
    }
    header('=', static_cast<std::int64_t>(format.size() + 1 + text.size()));
    out_.append(format);
    out_.push_back(':');
    out_.append(text);
    out_.append("\r\n");
}

void RespWriter::insert_array(std::size_t mark, std::size_t size) {
    insert_header(mark, '*', size);
}

void RespWriter::insert_map(std::size_t mark, std::size_t pairs) {
    protocol_ >= 3 ? insert_header(mark, '%', pairs) : insert_header(mark, '*', pairs * 2);
}

void RespWriter::insert_set(std::size_t mark, std::size_t size) {
    insert_header(mark, protocol_ >= 3 ? '~' : '*', size);
}

std::string RespWriter::take() {
    return std::exchange(out_, std::string());
}

std::string format_double(double value) {
    if (std::isnan(value)) {
        return "nan";
    }
    if (std::isinf(value)) {
        return value > 0 ? "inf" : "-inf";
    }
    std::array<char, 32> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.17g", value);
    return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace kumo::wire
