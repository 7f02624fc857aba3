#include "wire/http1_head.h"

#include "wire/internal/http1_chars.h"

#include <array>
#include <cstring>

namespace kumo::wire {

namespace {

using internal::is_class;

/// Empty lines that some clients send after a body; RFC 9112 2.2 lets a server skip them.
constexpr std::uint32_t kEmptyLinesMax = 2;

constexpr std::size_t kHeadReserveBytes = 512;
constexpr std::size_t kLengthDigitsMax = 18;

/// Field values are mostly long runs of visible ASCII: eight bytes at a time tell whether a closer
/// look is needed.
bool eight_clean(const char* at) {
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    constexpr std::uint64_t kHighs = 0x8080808080808080ULL;
    const auto x = load_unaligned<std::uint64_t>(at);
    const std::uint64_t below_space = (x - kOnes * 0x20) & ~x & kHighs;
    const std::uint64_t deleted = x ^ (kOnes * 0x7F);
    return (below_space | ((deleted - kOnes) & ~deleted & kHighs)) == 0;
}

bool value_clean(ByteView value) {
    std::size_t i = 0;
    for (; i + 8 <= value.size(); i += 8) {
        if (!eight_clean(value.data() + i)
            && !internal::all_class(value.substr(i, 8), internal::kValueChar)) {
            return false;
        }
    }
    return internal::all_class(value.substr(i), internal::kValueChar);
}

ByteView trim_blanks(ByteView text) {
    const auto blank = [](char c) {
        return c == ' ' || c == '\t';
    };
    while (!text.empty() && blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

HttpError bad_request(std::string_view reason) {
    return {400, reason};
}

}  // namespace

HttpError parse_field_line(ByteView line, HttpField& field) noexcept {
    std::size_t colon = 0;
    while (colon < line.size() && is_class(line[colon], internal::kTokenChar)) {
        ++colon;
    }
    if (colon == line.size()) {
        return bad_request("header line without a colon");
    }
    if (line[colon] == ' ' || line[colon] == '\t') {
        return colon == 0 ? bad_request("folded header line")
                          : bad_request("white space in a header name");
    }
    if (line[colon] != ':' || colon == 0) {
        return bad_request("invalid character in a header name");
    }
    field.name = line.substr(0, colon);
    field.value = trim_blanks(line.substr(colon + 1));
    if (!value_clean(field.value)) {
        return bad_request("control character in a header value");
    }
    return {};
}

void HttpHeadReader::reset(HttpHead& head) noexcept {
    head.bytes_.clear();
    head.fields_.clear();
    head.content_length_ = 0;
    head.has_content_length_ = false;
    head.chunked_ = false;
    const HttpLimits limits = limits_;
    *this = HttpHeadReader(limits);
}

bool HttpHeadReader::over_limit(std::size_t total_bytes) noexcept {
    if (fields_begin_ == 0) {
        if (total_bytes - line_begin_ > limits_.start_line_bytes_max) {
            error_ = {414, "request line too long"};
        }
    } else if (total_bytes - fields_begin_ > limits_.field_bytes_max) {
        error_ = {431, "header fields too large"};
    }
    return error_.status != 0;
}

/// Moves bytes up to the next LF into the head. The line comes without its CRLF.
HttpHeadReader::Take HttpHeadReader::take_line(ByteView& input, HttpHead& head, HttpSlice& line) {
    if (input.empty()) {
        return Take::kPartial;
    }
    if (head.bytes_.capacity() < kHeadReserveBytes) {
        head.bytes_.reserve(kHeadReserveBytes);
    }
    const void* newline = std::memchr(input.data(), '\n', input.size());
    const std::size_t taken =
        newline == nullptr
            ? input.size()
            : static_cast<std::size_t>(static_cast<const char*>(newline) - input.data()) + 1;
    // What cannot begin a message (a TLS hello, binary noise) need not send a whole line first.
    if (!started_ && !is_class(input.front(), internal::kTokenChar) && input.front() != '\r') {
        error_ = bad_request("not an HTTP message");
        return Take::kBad;
    }
    started_ = true;
    if (over_limit(head.bytes_.size() + taken)) {
        return Take::kBad;
    }
    head.bytes_.append(input.substr(0, taken));
    input.remove_prefix(taken);
    if (newline == nullptr) {
        return Take::kPartial;
    }
    const std::size_t size = head.bytes_.size() - line_begin_;
    if (size < 2 || head.bytes_[head.bytes_.size() - 2] != '\r') {
        error_ = bad_request("line ends without CR");
        return Take::kBad;
    }
    line = {line_begin_, static_cast<std::uint32_t>(size - 2)};
    line_begin_ = static_cast<std::uint32_t>(head.bytes_.size());
    return Take::kLine;
}

HttpHeadReader::Step HttpHeadReader::next(ByteView& input, HttpHead& head) {
    for (;;) {
        HttpSlice line;
        switch (take_line(input, head, line)) {
            case Take::kPartial: return Step::kNeedMore;
            case Take::kBad: return Step::kError;
            case Take::kLine: break;
        }
        if (fields_begin_ == 0) {
            if (line.size == 0 && ++empty_lines_ <= kEmptyLinesMax) {
                started_ = false;
                continue;
            }
            start_line_ = line;
            fields_begin_ = line_begin_;
            return Step::kStartLine;
        }
        if (line.size == 0) {
            return Step::kEnd;
        }
        error_ = add_field(head, line);
        if (error_.status != 0) {
            return Step::kError;
        }
    }
}

HttpError HttpHeadReader::add_field(HttpHead& head, HttpSlice line) {
    if (head.fields_.size() == limits_.fields_max) {
        return {431, "too many header fields"};
    }
    const ByteView text = head.view(line);
    HttpField field;
    const HttpError error = parse_field_line(text, field);
    if (error.status != 0) {
        return error;
    }
    const auto slice = [&](ByteView part) {
        return HttpSlice{
            line.offset + static_cast<std::uint32_t>(part.data() - text.data()),
            static_cast<std::uint32_t>(part.size())};
    };
    const HttpFieldSlices slices{slice(field.name), slice(field.value)};
    head.fields_.push_back(slices);
    return note_field(head, slices);
}

/// Remembers the fields that decide about framing and connection. Told apart by length first.
HttpError HttpHeadReader::note_field(HttpHead& head, const HttpFieldSlices& slices) {
    const ByteView name = head.view(slices.name);
    const ByteView value = head.view(slices.value);
    switch (name.size()) {
        case 4:
            if (equals_ignore_case(name, "host")) {
                ++hosts_;
                host_ = slices.value;
            }
            break;
        case 6:
            if (equals_ignore_case(name, "expect")) {
                const bool known = equals_ignore_case(value, "100-continue");
                expect_ = known ? Expect::kContinue : Expect::kUnknown;
            }
            break;
        case 10:
            if (equals_ignore_case(name, "connection")) {
                close_ = close_ || list_contains(value, "close");
                keep_alive_ = keep_alive_ || list_contains(value, "keep-alive");
            }
            break;
        case 14:
            if (equals_ignore_case(name, "content-length")) {
                return note_length(head, value);
            }
            break;
        case 17:
            if (equals_ignore_case(name, "transfer-encoding")) {
                return note_coding(value);
            }
            break;
        default: break;
    }
    return {};
}

HttpError HttpHeadReader::note_length(HttpHead& head, ByteView value) noexcept {
    if (length_seen_) {
        return bad_request("repeated Content-Length");
    }
    length_seen_ = true;
    if (value.empty()) {
        return bad_request("invalid Content-Length");
    }
    std::uint64_t length = 0;
    for (const char c : value) {
        if (c < '0' || c > '9') {
            return bad_request("invalid Content-Length");
        }
        length = length * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (value.size() > kLengthDigitsMax) {
        return {413, "Content-Length too large"};
    }
    head.content_length_ = length;
    head.has_content_length_ = true;
    return {};
}

HttpError HttpHeadReader::note_coding(ByteView value) noexcept {
    if (chunked_) {
        return bad_request("repeated Transfer-Encoding");
    }
    if (!equals_ignore_case(value, "chunked")) {
        return {501, "transfer coding other than chunked"};
    }
    chunked_ = true;
    return {};
}

HttpError HttpHeadReader::finish(HttpHead& head, int minor_version) const noexcept {
    if (chunked_ && length_seen_) {
        return bad_request("both Content-Length and Transfer-Encoding");
    }
    if (chunked_ && minor_version == 0) {
        return bad_request("Transfer-Encoding in HTTP/1.0");
    }
    head.minor_version_ = minor_version;
    head.chunked_ = chunked_;
    head.keep_alive_ = !close_ && (minor_version >= 1 || keep_alive_);
    return {};
}

}  // namespace kumo::wire
