#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::wire {

/// One header field. `name` is as it was sent; compare with equals_ignore_case().
struct HttpField {
    ByteView name;
    ByteView value;  ///< Without surrounding white space.
};

/// ASCII letters only, as HTTP's names and tokens want it.
bool equals_ignore_case(ByteView a, ByteView b) noexcept;

/// True if `token` is an element of the comma-separated list `value` (case ignored).
bool list_contains(ByteView value, ByteView token) noexcept;

/// A refusal of the parser: what to answer and why, in words for the peer.
struct HttpError {
    int status = 0;           ///< 400, 413, 414, 417, 431, 501, 505.
    std::string_view reason;  ///< A literal.
};

/// A part of a head's bytes.
struct HttpSlice {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
};

struct HttpFieldSlices {
    HttpSlice name;
    HttpSlice value;
};

/// The start line and the header fields of one message: their bytes and an index into them.
/// A value; views it gives live as long as it and die when it is moved or changed.
class HttpHead {
public:
    std::size_t field_count() const noexcept { return fields_.size(); }

    /// Requires i < field_count(). In the order sent.
    HttpField field(std::size_t i) const noexcept;

    /// The value of the first field of that name (case ignored).
    std::optional<ByteView> find(ByteView name) const noexcept;

    /// HTTP/1.x. 0 or 1.
    int minor_version() const noexcept { return minor_version_; }

    /// Present if the message told its length that way.
    std::optional<std::uint64_t> content_length() const noexcept {
        return has_content_length_ ? std::optional(content_length_) : std::nullopt;
    }

    bool chunked() const noexcept { return chunked_; }

    /// What version and Connection say about the connection after this message.
    bool keep_alive() const noexcept { return keep_alive_; }

protected:
    friend class HttpHeadReader;

    ByteView view(HttpSlice s) const noexcept { return ByteView(bytes_).substr(s.offset, s.size); }

    std::string bytes_;
    std::vector<HttpFieldSlices> fields_;
    // Not an optional: the compiler may look at its value first, which memory checkers report.
    std::uint64_t content_length_ = 0;
    bool has_content_length_ = false;
    int minor_version_ = 1;
    bool chunked_ = false;
    bool keep_alive_ = true;
};

enum class HttpMethod : std::uint8_t {
    kGet,
    kHead,
    kPost,
    kPut,
    kPatch,
    kDelete,
    kOptions,
};

/// "GET", ...
std::string_view http_method_name(HttpMethod method) noexcept;

/// The head of a request. The parser has checked: target characters and percent escapes, Host.
class HttpRequestHead final : public HttpHead {
public:
    HttpMethod method() const noexcept { return method_; }

    /// As sent.
    ByteView target() const noexcept { return view(target_); }

    /// Still percent-encoded; starts with '/', or is "*" for OPTIONS. Of an absolute-form target,
    /// the path ("/" if it has none).
    ByteView path() const noexcept { return path_.size == 0 ? ByteView("/") : view(path_); }

    /// What follows '?', still encoded; empty if nothing does.
    ByteView query() const noexcept { return view(query_); }

    /// The authority: of an absolute-form target if there is one (RFC 9112 3.2.2), else Host.
    ByteView host() const noexcept { return view(host_); }

    /// The client waits for 100 Continue before it sends the body.
    bool expects_continue() const noexcept { return expects_continue_; }

private:
    friend class HttpRequestParser;

    HttpSlice target_;
    HttpSlice path_;
    HttpSlice query_;
    HttpSlice host_;
    HttpMethod method_ = HttpMethod::kGet;
    bool expects_continue_ = false;
};

/// The head of a response.
class HttpResponseHead final : public HttpHead {
public:
    int status() const noexcept { return status_; }

    ByteView reason() const noexcept { return view(reason_); }

private:
    friend class HttpResponseParser;

    HttpSlice reason_;
    int status_ = 0;
};

}  // namespace kumo::wire
