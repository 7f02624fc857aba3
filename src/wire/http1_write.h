#pragma once

#include "base/bytes.h"
#include "wire/http1_fields.h"

#include <cstdint>
#include <string>

/// Serialising HTTP/1.1 heads and chunks. Stateless; any thread.
namespace kumo::wire {

/// "Not Found" for 404; "Unknown" for a status without a registered phrase.
std::string_view http_reason_phrase(int status) noexcept;

/// Appends "HTTP/1.1 200 OK\r\n". Requires 100 <= status <= 599.
void append_status_line(std::string& out, int status);

/// Appends "GET /x HTTP/1.1\r\n". Control characters and spaces in `target` are percent-encoded.
void append_request_line(std::string& out, HttpMethod method, ByteView target);

/// Appends "name: value\r\n". `name` is ours (a literal); control characters in `value` become
/// spaces, so nothing a client sent can start a line of its own.
void append_field(std::string& out, ByteView name, ByteView value);
void append_field(std::string& out, ByteView name, std::uint64_t value);

/// Appends one chunk of a chunked body; nothing for empty bytes (that would end the body).
void append_chunk(std::string& out, ByteView bytes);

/// Ends a chunked body.
inline constexpr ByteView kLastChunk = "0\r\n\r\n";

}  // namespace kumo::wire
