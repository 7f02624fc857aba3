#include "wire/http1_write.h"

#include "base/assert.h"

#include <array>
#include <charconv>

namespace kumo::wire {

namespace {

void append_number(std::string& out, std::uint64_t value, int base) {
    std::array<char, 24> digits;
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value, base);
    out.append(digits.data(), written.ptr);
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

}  // namespace

std::string_view http_reason_phrase(int status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 206: return "Partial Content";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 304: return "Not Modified";
        case 307: return "Temporary Redirect";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 411: return "Length Required";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 417: return "Expectation Failed";
        case 422: return "Unprocessable Content";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        case 507: return "Insufficient Storage";
        default: return "Unknown";
    }
}

void append_status_line(std::string& out, int status) {
    KUMO_ASSERT(status >= 100 && status <= 599);
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::uint64_t>(status), 10);
    out.push_back(' ');
    out.append(http_reason_phrase(status)).append("\r\n");
}

void append_request_line(std::string& out, HttpMethod method, ByteView target) {
    constexpr const char* kHex = "0123456789ABCDEF";
    out.append(http_method_name(method)).push_back(' ');
    for (const char c : target) {
        if (is_control(c) || c == ' ' || c == '#') {
            out.push_back('%');
            out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
            out.push_back(kHex[static_cast<unsigned char>(c) & 0xF]);
        } else {
            out.push_back(c);
        }
    }
    out.append(" HTTP/1.1\r\n");
}

void append_field(std::string& out, ByteView name, ByteView value) {
    out.append(name).append(": ");
    for (const char c : value) {
        out.push_back(is_control(c) ? ' ' : c);
    }
    out.append("\r\n");
}

void append_field(std::string& out, ByteView name, std::uint64_t value) {
    out.append(name).append(": ");
    append_number(out, value, 10);
    out.append("\r\n");
}

void append_chunk(std::string& out, ByteView bytes) {
    if (bytes.empty()) {
        return;
    }
    append_number(out, bytes.size(), 16);
    out.append("\r\n").append(bytes).append("\r\n");
}

}  // namespace kumo::wire
